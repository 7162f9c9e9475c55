using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Idempotency;

/// <summary>A key in its scope. Anonymous sessions are principals of their own, so theirs never meet.</summary>
internal readonly record struct ScopedKey(Principal Principal, string Key);

/// <summary>The answer to an accepted submit.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Trace">The job's trace, as it stands on the envelope.</param>
/// <param name="Payload">The whole payload of its <c>job.accepted</c>, byte by byte.</param>
internal sealed record AcceptedSubmit(JobId JobId, string Trace, byte[] Payload);

/// <summary>What a claim came to.</summary>
internal abstract record IdempotencyClaim
{
    private IdempotencyClaim()
    {
    }

    /// <summary>The key is the claimant's, who must end the claim by <see cref="IdempotencyTicket.Accept"/> or <see cref="IdempotencyTicket.Release"/>.</summary>
    public sealed record Granted(IdempotencyTicket Ticket) : IdempotencyClaim;

    /// <summary>The same request was accepted before.</summary>
    /// <param name="Accepted">What it was answered with.</param>
    public sealed record Replay(AcceptedSubmit Accepted) : IdempotencyClaim;

    /// <summary>Another request was accepted with this key.</summary>
    /// <param name="Existing">Its job.</param>
    public sealed record Conflict(JobId Existing) : IdempotencyClaim;
}
