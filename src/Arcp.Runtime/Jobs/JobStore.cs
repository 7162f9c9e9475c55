using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Jobs;

/// <summary>What jobs keep in the runtime's store, and how it looks there.</summary>
/// <remarks>Thread-safe. What it appends is appended under the lock of the job that it is about.</remarks>
internal sealed class JobStore(Journal journal, SecretBox secrets)
{
    private const int PageBytes = 128 * 1024;

    /// <summary>Whether so much waits to be committed that agents should wait.</summary>
    public bool IsFull => journal.IsFull;

    /// <summary>Ends when there may be room again.</summary>
    public Task WhenRoomAsync() => journal.WhenProgressAsync();

    /// <summary>A log has grown.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="number">The entry's number.</param>
    /// <param name="entry">The entry, as the log holds it.</param>
    /// <param name="secret">Its encrypted form with secrets; null = it has none.</param>
    /// <param name="also">What has to be kept together with it.</param>
    public void Append(JobId jobId, long number, in LogEntry entry, byte[]? secret, ReadOnlySpan<StoreChange> also)
    {
        var change = new StoreChange.EntryAppended(jobId, new StoredEntry(number, ToTag(entry), entry.PublicTail, secret));
        if (also.IsEmpty)
        {
            journal.Append(change);
        }
        else
        {
            journal.Append([change, .. also]);
        }
    }

    /// <summary>Counters of a job's budget have changed.</summary>
    public void AppendBudget(JobId jobId, IReadOnlyDictionary<string, decimal> remaining) => journal.Append(new StoreChange.BudgetChanged(jobId, remaining));

    /// <summary>A job is known no longer.</summary>
    public void AppendForgotten(JobId jobId) => journal.Append(new StoreChange.JobForgotten(jobId));

    /// <summary>Keeps a job that is about to be created.</summary>
    /// <param name="spec">The job.</param>
    /// <param name="acceptance">The frame that accepts it; empty = a child, which has none.</param>
    /// <param name="answer">What its idempotency key is answered with; null = it has none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArcpException"><c>INTERNAL_ERROR</c>, retryable: it cannot be kept. Nothing is left of it.</exception>
    public Task KeepAsync(JobSpec spec, ReadOnlyMemory<byte> acceptance, StoredAnswer? answer, CancellationToken cancellationToken)
    {
        bool isSecret = !acceptance.IsEmpty && !spec.Credentials.IsEmpty;
        var job = new StoredJob
        {
            Id = spec.Id,
            Principal = StoredPrincipals.From(spec.Principal),
            SubmittedBy = spec.SubmittedBy,
            AgentName = spec.Agent.Name,
            AgentVersion = spec.Agent.Version,
            Lease = LeaseText.From(spec.Lease),
            LeaseExpiresAt = spec.LeaseConstraints?.ExpiresAt,
            Trace = spec.Trace.Value,
            CreatedAt = spec.CreatedAt,
            ParentId = spec.ParentId,
            DelegationDepth = spec.DelegationDepth,
            Acceptance = isSecret ? SealFor(spec.Id, acceptance.Span) : acceptance,
            IsAcceptanceSecret = isSecret,
        };
        var added = new StoreChange.JobAdded(job);
        var forgotten = new StoreChange.JobForgotten(spec.Id);
        if (acceptance.IsEmpty)
        {
            return journal.KeepAsync([added], [forgotten], cancellationToken); // nobody reads it before it is announced
        }

        var opened = new StoreChange.CursorOpened(spec.SubmittedBy, new StoredCursor(spec.Id, 0, IsSubscription: false));
        var closed = new StoreChange.CursorClosed(spec.SubmittedBy, spec.Id);
        if (answer is null)
        {
            return journal.KeepAsync([added, opened], [closed, forgotten], cancellationToken);
        }

        StoredAnswer kept = isSecret ? answer with { Payload = SealFor(spec.Id, answer.Payload.Span), IsSecret = true } : answer;
        return journal.KeepAsync(
            [added, opened, new StoreChange.AnswerKept(kept)],
            [closed, forgotten, new StoreChange.AnswerForgotten(answer.Principal, answer.Key)],
            cancellationToken);
    }

    /// <summary>Encrypts what is kept for a job.</summary>
    public byte[] SealFor(JobId jobId, ReadOnlySpan<byte> bytes) => secrets.Seal(bytes, PurposeOf(jobId));

    /// <summary>Reads a part of a job's log.</summary>
    public async Task<LogPage> ReadAsync(JobId jobId, long after, CancellationToken cancellationToken)
    {
        IReadOnlyList<StoredEntry> entries = await journal.ReadLogAsync(jobId, after, PageBytes, cancellationToken).ConfigureAwait(false);
        return new LogPage(jobId, after + 1, [.. entries.Select(entry => ToEntry(jobId, entry))]);
    }

    /// <summary>Decrypts what was kept for a job.</summary>
    /// <exception cref="RuntimeStoreException">It cannot be decrypted.</exception>
    public byte[] Open(JobId jobId, ReadOnlySpan<byte> sealedBytes) => secrets.Open(sealedBytes, PurposeOf(jobId));

    private static string PurposeOf(JobId jobId) => $"job {jobId.Value}";

    private static long ToTag(in LogEntry entry) => ((long)entry.Kind << 32) | (uint)entry.Required;

    private LogEntry ToEntry(JobId jobId, in StoredEntry entry)
    {
        var required = (Features)(int)entry.Tag;
        var kind = (EntryKind)(entry.Tag >> 32);
        if (entry.Secret.IsEmpty)
        {
            byte[] bytes = entry.Bytes.ToArray();
            return new LogEntry(bytes, 0, bytes.Length, 0, required, kind);
        }

        byte[] full = Open(jobId, entry.Secret.Span);
        return new LogEntry([.. full, .. entry.Bytes.Span], 0, full.Length, entry.Bytes.Length, required, kind);
    }
}
