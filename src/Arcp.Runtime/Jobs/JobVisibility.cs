using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Jobs;

/// <summary>What a principal may know of another principal's job (§7.6).</summary>
public enum JobVisibility
{
    /// <summary>Not even that it exists: <c>JOB_NOT_FOUND</c>.</summary>
    Hidden,

    /// <summary>That it exists, no more: a subscribe is refused with <c>PERMISSION_DENIED</c>.</summary>
    Denied,

    /// <summary>It may be subscribed to. It can still be cancelled by nobody but the session that submitted it.</summary>
    Observable,
}

/// <summary>Decides who may watch whose jobs. A job's own principal always may and is not asked about.</summary>
/// <remarks>Called on the read loop of the one who asks: it must answer at once, from memory. Every decision is logged for audit.</remarks>
public interface IJobObservationPolicy
{
    /// <summary>Decides.</summary>
    /// <param name="observer">Who asks.</param>
    /// <param name="job">Another principal's job.</param>
    JobVisibility Decide(Principal observer, ObservedJob job);
}

/// <summary>What a policy is told of a job.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Owner">Whose it is.</param>
/// <param name="Agent">Its agent's name.</param>
/// <param name="Status">Its state.</param>
public sealed record ObservedJob(JobId JobId, Principal Owner, string Agent, JobStatus Status);

/// <summary>The default: other principals' jobs are denied.</summary>
internal sealed class DenyOthers : IJobObservationPolicy
{
    public JobVisibility Decide(Principal observer, ObservedJob job) => JobVisibility.Denied;
}
