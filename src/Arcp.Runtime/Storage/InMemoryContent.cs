using System.Collections.Immutable;
using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>What an <see cref="InMemoryRuntimeStore"/> holds. It is the plainest reading of what each <see cref="StoreChange"/> means.</summary>
internal sealed record InMemoryContent
{
    public static InMemoryContent Empty { get; } = new();

    public int Version { get; init; }

    private ImmutableDictionary<JobId, JobContent> Jobs { get; init; } = ImmutableDictionary<JobId, JobContent>.Empty;

    private ImmutableDictionary<SessionId, SessionContent> Sessions { get; init; } = ImmutableDictionary<SessionId, SessionContent>.Empty;

    private ImmutableDictionary<(StoredPrincipal Principal, string Key), StoredAnswer> Answers { get; init; } = ImmutableDictionary<(StoredPrincipal, string), StoredAnswer>.Empty;

    private ImmutableDictionary<string, StoredCredential> Credentials { get; init; } = ImmutableDictionary<string, StoredCredential>.Empty;

    private ReadOnlyMemory<byte>? ListingKey { get; init; }

    public InMemoryContent Apply(StoreChange change) => change switch
    {
        StoreChange.JobAdded c => Jobs.ContainsKey(c.Added.Id) ? this : this with { Jobs = Jobs.Add(c.Added.Id, JobContent.Of(c.Added)) },
        StoreChange.EntryAppended c => WithJob(c.JobId, job => job.Append(c.Entry)),
        StoreChange.JobEnded c => WithJob(c.JobId, job => job with { Stored = job.Stored with { Status = c.Status, EndedAt = c.At } }),
        StoreChange.ChildAnnounced c => WithJob(c.JobId, job => job with { Stored = job.Stored with { AnnouncedAt = c.AnnouncedAt } }),
        StoreChange.BudgetChanged c => WithJob(c.JobId, job => job with { Stored = job.Stored with { Remaining = c.Remaining.ToImmutableDictionary() } }),
        StoreChange.JobForgotten c => WithJob(c.JobId, job => job with { Stored = job.Stored with { IsForgotten = true } }),
        StoreChange.AnswerKept c => this with { Answers = Answers.SetItem((c.Answer.Principal, c.Answer.Key), Copy(c.Answer)) },
        StoreChange.AnswerForgotten c => this with { Answers = Answers.Remove((c.Principal, c.Key)) },
        StoreChange.SessionKept c => this with { Sessions = Sessions.SetItem(c.SessionId, SessionContent.Of(c, Sessions.GetValueOrDefault(c.SessionId))) },
        StoreChange.SessionDetached c => WithSession(c.SessionId, session => session with { Stored = session.Stored with { DetachedAt = c.At } }),
        StoreChange.SessionForgotten c => this with { Sessions = Sessions.Remove(c.SessionId) },
        StoreChange.FramesSent c => WithSession(c.SessionId, session => c.Frames.Aggregate(session, (s, frames) => s.Sent(frames, Jobs.ContainsKey(frames.JobId)))),
        StoreChange.FramesReleased c => WithSession(c.SessionId, session => session.Release(c.UpTo)),
        StoreChange.CursorOpened c => Jobs.ContainsKey(c.Cursor.JobId) ? WithSession(c.SessionId, session => session.Open(c.Cursor)) : this,
        StoreChange.CursorClosed c => WithSession(c.SessionId, session => session with { Cursors = session.Cursors.Remove(c.JobId) }),
        StoreChange.CredentialKept c => this with { Credentials = Credentials.SetItem(c.Credential.Key, c.Credential with { Value = c.Credential.Value.ToArray() }) },
        StoreChange.CredentialForgotten c => this with { Credentials = Credentials.Remove(c.Key) },
        StoreChange.ListingKeyKept c => this with { ListingKey = c.Key.ToArray() },
        _ => throw new NotSupportedException($"A change of the kind {change.GetType().Name} is not known."),
    };

    public StoredState ToState()
    {
        HashSet<JobId> referred = Referred();
        return new StoredState
        {
            Jobs = [.. Jobs.Values.Select(static job => job.Stored).Where(job => !job.IsForgotten || referred.Contains(job.Id))],
            Sessions = [.. Sessions.Values.Select(static session => session.ToStored())],
            Answers = [.. Answers.Values],
            Credentials = [.. Credentials.Values],
            ListingKey = ListingKey,
        };
    }

    public IReadOnlyList<StoredEntry> ReadLog(JobId jobId, long after, int maxBytes)
    {
        var entries = new List<StoredEntry>();
        long bytes = 0;
        for (long number = after + 1; Jobs.GetValueOrDefault(jobId) is { } job && number <= job.Log.Count; number++)
        {
            StoredEntry entry = job.Log[(int)number - 1];
            bytes += entry.Bytes.Length + entry.Secret.Length;
            if (entries.Count > 0 && bytes > maxBytes)
            {
                break;
            }

            entries.Add(entry);
        }

        return entries;
    }

    public InMemoryContent Trim()
    {
        HashSet<JobId> referred = Referred();
        return this with { Jobs = Jobs.RemoveRange(Jobs.Values.Select(static job => job.Stored).Where(job => job.IsForgotten && !referred.Contains(job.Id)).Select(static job => job.Id)) };
    }

    private static StoredAnswer Copy(StoredAnswer answer) => answer with { Fingerprint = answer.Fingerprint.ToArray(), Payload = answer.Payload.ToArray() };

    private HashSet<JobId> Referred() =>
        [.. Sessions.Values.SelectMany(static session => session.Cursors.Keys.Concat(session.Runs.Select(static run => run.JobId)))];

    private InMemoryContent WithJob(JobId id, Func<JobContent, JobContent> change) =>
        Jobs.TryGetValue(id, out JobContent? job) ? this with { Jobs = Jobs.SetItem(id, change(job)) } : this;

    private InMemoryContent WithSession(SessionId id, Func<SessionContent, SessionContent> change) =>
        Sessions.TryGetValue(id, out SessionContent? session) ? this with { Sessions = Sessions.SetItem(id, change(session)) } : this;

    private sealed record JobContent(StoredJob Stored, ImmutableList<StoredEntry> Log)
    {
        public static JobContent Of(StoredJob job) => new(
            job with
            {
                Acceptance = job.Acceptance.ToArray(),
                Remaining = job.Remaining?.ToImmutableDictionary(),
                LastEntry = 0,
                Status = null,
                EndedAt = null,
                IsForgotten = false,
            },
            []);

        public JobContent Append(StoredEntry entry)
        {
            if (entry.Number > Stored.LastEntry + 1)
            {
                throw new ArgumentException($"Entry {entry.Number} cannot follow entry {Stored.LastEntry}.", nameof(entry));
            }

            return entry.Number <= Stored.LastEntry
                ? this
                : new(Stored with { LastEntry = entry.Number }, Log.Add(entry with { Bytes = entry.Bytes.ToArray(), Secret = entry.Secret.ToArray() }));
        }
    }

    private sealed record SessionContent(StoredSession Stored, ImmutableList<StoredFrames> Runs, ImmutableDictionary<JobId, StoredCursor> Cursors)
    {
        public static SessionContent Of(StoreChange.SessionKept kept, SessionContent? before)
        {
            var session = new StoredSession
            {
                Id = kept.SessionId,
                Principal = kept.Principal,
                Features = kept.Features,
                TokenHash = kept.TokenHash.ToArray(),
                LastSeq = before?.Stored.LastSeq ?? 0,
                Floor = before?.Stored.Floor ?? 0,
            };
            return new(session, before?.Runs ?? [], before?.Cursors ?? ImmutableDictionary<JobId, StoredCursor>.Empty);
        }

        public SessionContent Sent(StoredFrames frames, bool isJobKept)
        {
            long last = frames.FirstSeq + frames.Count - 1;
            SessionContent moved = this;
            if (frames.FirstSeq > Stored.LastSeq)
            {
                moved = this with { Stored = Stored with { LastSeq = last } };
                moved = isJobKept ? moved with { Runs = Runs.Add(frames with { OwnTail = frames.OwnTail.ToArray() }) } : moved.Release(last);
            }

            // Also for frames that are kept already: a batch that is given again may have opened its cursor anew.
            return frames.FirstEntry > 0 && Cursors.TryGetValue(frames.JobId, out StoredCursor cursor)
                ? moved with { Cursors = Cursors.SetItem(frames.JobId, cursor with { Position = Math.Max(cursor.Position, frames.FirstEntry + frames.Count - 1) }) }
                : moved;
        }

        public SessionContent Release(long upTo) => this with
        {
            Stored = Stored with { Floor = Math.Max(Stored.Floor, upTo) },
            Runs = Runs.RemoveAll(run => run.FirstSeq + run.Count - 1 <= upTo),
        };

        public SessionContent Open(StoredCursor cursor) => Cursors.ContainsKey(cursor.JobId) ? this : this with { Cursors = Cursors.Add(cursor.JobId, cursor) };

        public StoredSession ToStored() => Stored with { Sent = Runs, Cursors = [.. Cursors.Values] };
    }
}
