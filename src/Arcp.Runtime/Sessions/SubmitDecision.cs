using Arcp.Core;
using Arcp.Runtime.Idempotency;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>What became of a submit.</summary>
internal abstract record SubmitDecision
{
    private SubmitDecision()
    {
    }

    /// <summary>The job exists; it starts when the acceptance is queued.</summary>
    /// <param name="Job">The job.</param>
    /// <param name="Work">What it will do.</param>
    /// <param name="Frame">Its <c>job.accepted</c>, which is kept already.</param>
    public sealed record NewJob(Job Job, IJobWork Work, ReadOnlyMemory<byte> Frame) : SubmitDecision;

    /// <summary>The same request was accepted before under its idempotency key (§7.2).</summary>
    /// <param name="Original">What it was answered with.</param>
    public sealed record Repeat(AcceptedSubmit Original) : SubmitDecision;

    /// <summary>Nothing is left of it.</summary>
    /// <param name="Error">Why.</param>
    public sealed record Rejected(ArcpException Error) : SubmitDecision;
}
