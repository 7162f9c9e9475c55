using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Idempotency;

/// <summary>A claim of a key: undecided, then accepted or given back.</summary>
internal sealed class IdempotencyTicket(IdempotencyStore store, ScopedKey key, SubmitFingerprint fingerprint, TimeProvider clock, TimeSpan lifetime)
{
    private readonly TaskCompletionSource<AcceptedSubmit?> _decision = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ScopedKey Key { get; } = key;

    public SubmitFingerprint Fingerprint { get; } = fingerprint;

    /// <summary>What it came to; null = it was given back.</summary>
    public Task<AcceptedSubmit?> Decision => _decision.Task;

    /// <summary>What the runtime's store has to keep before the answer may be given.</summary>
    public StoredAnswer ToStored(AcceptedSubmit accepted) => new()
    {
        Principal = StoredPrincipals.From(Key.Principal),
        Key = Key.Key,
        Fingerprint = Fingerprint.Bytes,
        JobId = accepted.JobId,
        Trace = accepted.Trace,
        Payload = accepted.Payload,
        ExpiresAt = clock.GetUtcNow() + lifetime,
    };

    /// <summary>From now on equal requests are given the answer, whose job exists now. Cannot fail.</summary>
    public void Accept(AcceptedSubmit accepted)
    {
        store.ScheduleExpiry(this, accepted.JobId, lifetime);
        _decision.SetResult(accepted);
    }

    /// <summary>Gives the key back; the next claimant is granted it.</summary>
    public void Release()
    {
        store.Remove(this);
        _decision.SetResult(null);
    }

    /// <summary>Takes over what an earlier run has accepted.</summary>
    public void Restore(AcceptedSubmit accepted) => _decision.SetResult(accepted);
}
