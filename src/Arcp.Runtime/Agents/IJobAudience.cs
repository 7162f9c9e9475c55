using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>Who watches jobs. Implemented by the floor above, which knows sessions.</summary>
internal interface IJobAudience
{
    /// <summary>Lets the session that reads a job's stream read its child's as well, from behind the announcement (§10).</summary>
    /// <param name="parent">The job.</param>
    /// <param name="child">Its child, which has not started.</param>
    /// <param name="announcedAt">The entry of the parent's log that announces the child.</param>
    void Open(Job parent, Job child, long announcedAt);
}
