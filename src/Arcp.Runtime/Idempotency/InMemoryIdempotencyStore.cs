using Arcp.Core.Ids;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Idempotency;

/// <summary>Keeps the answers in memory, for their lifetime and at least as long as their job is known.</summary>
/// <param name="deadlines">Where expiry is scheduled.</param>
/// <param name="lifetime">How long an answer is kept.</param>
/// <param name="isKnown">Whether a job is still known.</param>
internal sealed class InMemoryIdempotencyStore(DeadlineQueue deadlines, TimeSpan lifetime, Func<JobId, bool> isKnown) : IIdempotencyStore
{
    private static readonly TimeSpan Extension = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly TimeSpan _lifetime = lifetime;
    private readonly Dictionary<ScopedKey, Entry> _entries = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    public async ValueTask<IdempotencyClaim> ClaimAsync(ScopedKey key, SubmitFingerprint fingerprint)
    {
        while (true)
        {
            Entry? entry;
            lock (_lock)
            {
                if (!_entries.TryGetValue(key, out entry))
                {
                    entry = new Entry(this, key, fingerprint);
                    _entries.Add(key, entry);
                    return new IdempotencyClaim.Granted(entry);
                }
            }

            // Null: the earlier claim was given back, so this one tries again.
            if (await entry.Decision.ConfigureAwait(false) is { } accepted)
            {
                return entry.Fingerprint.Equals(fingerprint)
                    ? new IdempotencyClaim.Replay(accepted)
                    : new IdempotencyClaim.Conflict(accepted.JobId);
            }
        }
    }

    private void Remove(Entry entry)
    {
        lock (_lock)
        {
            _entries.Remove(entry.Key);
        }
    }

    private void ScheduleExpiry(Entry entry, JobId jobId, TimeSpan due) => deadlines.Schedule(due, () =>
    {
        if (isKnown(jobId))
        {
            ScheduleExpiry(entry, jobId, Extension);
        }
        else
        {
            Remove(entry);
        }
    });

    private sealed class Entry(InMemoryIdempotencyStore store, ScopedKey key, SubmitFingerprint fingerprint) : IIdempotencyTicket
    {
        private readonly TaskCompletionSource<AcceptedSubmit?> _decision = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private AcceptedSubmit? _accepted;

        public ScopedKey Key { get; } = key;

        public SubmitFingerprint Fingerprint { get; } = fingerprint;

        public Task<AcceptedSubmit?> Decision => _decision.Task;

        public ValueTask AcceptAsync(AcceptedSubmit accepted)
        {
            _accepted = accepted;
            return ValueTask.CompletedTask;
        }

        public void Publish()
        {
            store.ScheduleExpiry(this, _accepted!.JobId, store._lifetime);
            _decision.SetResult(_accepted);
        }

        public ValueTask ReleaseAsync()
        {
            store.Remove(this);
            _decision.SetResult(null);
            return ValueTask.CompletedTask;
        }
    }
}
