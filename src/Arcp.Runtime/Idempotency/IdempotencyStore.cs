using Arcp.Core.Ids;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Idempotency;

/// <summary>Remembers what each idempotency key was answered with (§7.2), for its lifetime and at least as long as its job is known.</summary>
/// <remarks>Thread-safe. Claims are atomic: of all who claim a key that nobody holds, exactly one is granted it, before it has done anything.</remarks>
/// <param name="deadlines">Where expiry is scheduled.</param>
/// <param name="clock">The clock.</param>
/// <param name="lifetime">How long an answer is kept.</param>
/// <param name="isKnown">Whether a job is still known.</param>
/// <param name="journal">Hears what is forgotten; null = nothing is kept beyond memory.</param>
internal sealed class IdempotencyStore(DeadlineQueue deadlines, TimeProvider clock, TimeSpan lifetime, Func<JobId, bool> isKnown, Journal? journal)
{
    private static readonly TimeSpan Extension = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<ScopedKey, IdempotencyTicket> _tickets = [];

    /// <summary>How many keys are known.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _tickets.Count;
            }
        }
    }

    /// <summary>Claims a key; waits while an earlier claim of it is undecided.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fingerprint">What the request asks for.</param>
    public async ValueTask<IdempotencyClaim> ClaimAsync(ScopedKey key, SubmitFingerprint fingerprint)
    {
        while (true)
        {
            IdempotencyTicket? ticket;
            lock (_lock)
            {
                if (!_tickets.TryGetValue(key, out ticket))
                {
                    ticket = new IdempotencyTicket(this, key, fingerprint, clock, lifetime);
                    _tickets.Add(key, ticket);
                    return new IdempotencyClaim.Granted(ticket);
                }
            }

            // Null: the earlier claim was given back, so this one tries again.
            if (await ticket.Decision.ConfigureAwait(false) is { } accepted)
            {
                return ticket.Fingerprint.Equals(fingerprint)
                    ? new IdempotencyClaim.Replay(accepted)
                    : new IdempotencyClaim.Conflict(accepted.JobId);
            }
        }
    }

    /// <summary>Takes over an answer of an earlier run.</summary>
    /// <param name="stored">The answer.</param>
    /// <param name="payload">Its payload, decrypted.</param>
    public void Restore(StoredAnswer stored, byte[] payload)
    {
        var key = new ScopedKey(StoredPrincipals.ToPrincipal(stored.Principal), stored.Key);
        var ticket = new IdempotencyTicket(this, key, SubmitFingerprint.FromBytes(stored.Fingerprint), clock, lifetime);
        ticket.Restore(new AcceptedSubmit(stored.JobId, stored.Trace, payload));
        lock (_lock)
        {
            _tickets[key] = ticket;
        }

        TimeSpan left = stored.ExpiresAt - clock.GetUtcNow();
        ScheduleExpiry(ticket, stored.JobId, left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    /// <summary>Frees a key.</summary>
    public void Remove(IdempotencyTicket ticket)
    {
        lock (_lock)
        {
            _tickets.Remove(ticket.Key);
        }
    }

    /// <summary>Frees a key when its time is over and its job is forgotten.</summary>
    public void ScheduleExpiry(IdempotencyTicket ticket, JobId jobId, TimeSpan due) => deadlines.Schedule(due, () =>
    {
        if (isKnown(jobId))
        {
            ScheduleExpiry(ticket, jobId, Extension);
        }
        else
        {
            Remove(ticket);
            journal?.Append(new StoreChange.AnswerForgotten(StoredPrincipals.From(ticket.Key.Principal), ticket.Key.Key));
        }
    });
}
