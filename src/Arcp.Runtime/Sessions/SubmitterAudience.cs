using Arcp.Runtime.Agents;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>Lets sessions that submitted a job follow the jobs that it delegates to (§10).</summary>
internal sealed class SubmitterAudience(SessionRegistry sessions) : IJobAudience
{
    public void Open(Job parent, Job child, long announcedAt) =>
        sessions.Find(parent.Spec.SubmittedBy)?.Outbox.OpenChild(parent, child, announcedAt);
}
