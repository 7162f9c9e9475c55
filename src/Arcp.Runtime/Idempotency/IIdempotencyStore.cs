using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Idempotency;

/// <summary>Remembers what each idempotency key was answered with (§7.2).</summary>
/// <remarks>Claims are atomic: of all who claim a key that nobody holds, exactly one is granted it, before it has done anything.</remarks>
internal interface IIdempotencyStore
{
    /// <summary>How many keys are known.</summary>
    int Count { get; }

    /// <summary>Claims a key; waits while an earlier claim of it is undecided.</summary>
    /// <param name="key">The key. Anonymous sessions are principals of their own, so theirs never meet.</param>
    /// <param name="fingerprint">What the request asks for.</param>
    ValueTask<IdempotencyClaim> ClaimAsync(ScopedKey key, SubmitFingerprint fingerprint);
}

/// <summary>A key in its scope.</summary>
internal readonly record struct ScopedKey(Principal Principal, string Key);

/// <summary>What a claim came to.</summary>
internal abstract record IdempotencyClaim
{
    private IdempotencyClaim()
    {
    }

    /// <summary>The key is the claimant's, who must end the claim by <see cref="IIdempotencyTicket.Publish"/> or <see cref="IIdempotencyTicket.ReleaseAsync"/>.</summary>
    public sealed record Granted(IIdempotencyTicket Ticket) : IdempotencyClaim;

    /// <summary>The same request was accepted before.</summary>
    /// <param name="Accepted">What it was answered with.</param>
    public sealed record Replay(AcceptedSubmit Accepted) : IdempotencyClaim;

    /// <summary>Another request was accepted with this key.</summary>
    /// <param name="Existing">Its job.</param>
    public sealed record Conflict(JobId Existing) : IdempotencyClaim;
}

/// <summary>A claim that is undecided.</summary>
internal interface IIdempotencyTicket
{
    /// <summary>Remembers the answer.</summary>
    ValueTask AcceptAsync(AcceptedSubmit accepted);

    /// <summary>From now on equal requests are given the answer, whose job exists now. Cannot fail.</summary>
    void Publish();

    /// <summary>Gives the key back; the next claimant is granted it.</summary>
    ValueTask ReleaseAsync();
}

/// <summary>The answer to an accepted submit.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Trace">The job's trace, as it stands on the envelope.</param>
/// <param name="Payload">The whole payload of its <c>job.accepted</c>, byte by byte.</param>
internal sealed record AcceptedSubmit(JobId JobId, string Trace, byte[] Payload);
