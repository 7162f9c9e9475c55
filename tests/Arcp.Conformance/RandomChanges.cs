using Arcp.Core;
using Arcp.Runtime.Storage;
using static Arcp.Conformance.StoreSamples;

namespace Arcp.Conformance;

/// <summary>Random changes such as a runtime makes: about few jobs and sessions at a time, so that they meet, in numbers without gaps, and now and then about what is gone.</summary>
internal sealed class RandomChanges
{
    private const int MaxJobs = 12;
    private const int MaxSessions = 5;

    private readonly Random _random;
    private readonly Dictionary<int, long> _entries = [];
    private readonly Dictionary<int, long> _seqs = [];
    private readonly HashSet<(int Session, int Job)> _cursors = [];
    private int _lastJob;
    private int _lastSession;

    public RandomChanges(int seed) => _random = new Random(seed);

    /// <summary>Tells whether something that happens in so many of a hundred cases happens now.</summary>
    public bool Chance(int percent) => _random.Next(100) < percent;

    public StoreChange[] NextBatch() => [.. Enumerable.Range(0, _random.Next(1, 30)).Select(_ => Next())];

    private StoreChange Next() => _random.Next(19) switch
    {
        0 => AddJob(),
        1 or 2 or 3 or 4 => Append(),
        5 => new StoreChange.JobEnded(JobId(AnyJob()), Chance(50) ? JobStatus.Success : JobStatus.Cancelled, At()),
        6 => new StoreChange.ChildAnnounced(JobId(AnyJob()), _random.Next(100)),
        7 => new StoreChange.BudgetChanged(JobId(AnyJob()), new Dictionary<string, decimal> { ["USD"] = _random.Next(-100, 100) / 7m, [Text] = _random.Next() }),
        8 => ForgetJob(),
        9 or 10 => NextRecord(),
        11 => KeepSession(),
        12 or 13 => Send(),
        14 => Release(),
        15 or 16 => OpenCursor(),
        17 => CloseCursor(),
        _ => Chance(30) ? ForgetSession() : new StoreChange.SessionDetached(SessionId(AnySession()), At()),
    };

    private StoreChange.JobAdded AddJob()
    {
        int job = _entries.Count < MaxJobs ? ++_lastJob : AnyOf(_entries.Keys);
        _entries.TryAdd(job, 0);
        return new(Chance(50) ? Job(job) : FullJob(job) with { SubmittedBy = SessionId(AnySession()) });
    }

    private StoreChange.EntryAppended Append()
    {
        int job = AnyJob();
        long number = _entries.GetValueOrDefault(job) + 1;
        if (_entries.ContainsKey(job))
        {
            _entries[job] = number;
        }

        return new(JobId(job), Entry(number, _random.Next(Chance(3) ? 100_000 : 500), Chance(20) ? _random.Next(100) : 0));
    }

    private StoreChange.JobForgotten ForgetJob()
    {
        // From now on only the store knows whether the job is kept. Its log grows no more: there might be a gap.
        int job = AnyJob();
        _entries.Remove(job);
        return new(JobId(job));
    }

    private StoreChange NextRecord()
    {
        string key = $"key {_random.Next(5)}";
        return _random.Next(5) switch
        {
            0 => new StoreChange.AnswerForgotten(Alice, key),
            1 => new StoreChange.CredentialKept(Credential(key) with { Value = Bytes(_random.Next(50), _random.Next()) }),
            2 => new StoreChange.CredentialForgotten(key),
            3 => new StoreChange.ListingKeyKept(Bytes(32, _random.Next())),
            _ => new StoreChange.AnswerKept(Answer(key) with { Payload = Bytes(_random.Next(500), _random.Next()), ExpiresAt = At(), IsSecret = Chance(50) }),
        };
    }

    private StoreChange.SessionKept KeepSession()
    {
        int session = _seqs.Count < MaxSessions ? ++_lastSession : AnyOf(_seqs.Keys);
        _seqs.TryAdd(session, 0);
        return Kept(session, token: _random.Next());
    }

    private StoreChange.SessionForgotten ForgetSession()
    {
        int session = AnySession();
        _seqs.Remove(session);
        _cursors.RemoveWhere(cursor => cursor.Session == session);
        return new(SessionId(session));
    }

    private StoreChange.CursorOpened OpenCursor()
    {
        (int session, int job) = (AnySession(), AnyJob());
        if (_seqs.ContainsKey(session))
        {
            _cursors.Add((session, job));
        }

        return Opened(session, job, _random.Next(3), Chance(50));
    }

    private StoreChange.CursorClosed CloseCursor()
    {
        (int session, int job) = _cursors.Count > 0 && Chance(80) ? AnyOf(_cursors) : (AnySession(), AnyJob());
        _cursors.Remove((session, job));
        return new(SessionId(session), JobId(job));
    }

    private StoreChange.FramesSent Send()
    {
        int session = AnySession();
        long seq = _seqs.GetValueOrDefault(session);
        int[] jobs = [.. _cursors.Where(cursor => cursor.Session == session).Select(static cursor => cursor.Job)];
        var frames = new List<StoredFrames>();
        for (int i = _random.Next(1, 4); i > 0; i--)
        {
            frames.Add(jobs.Length == 0 || Chance(10) ? OwnFrame(seq + 1, AnyJob()) : Frames(seq + 1, _random.Next(1, 5), AnyOf(jobs), _random.Next(1, 50)));
            seq += frames[^1].Count;
        }

        if (_seqs.ContainsKey(session))
        {
            _seqs[session] = seq;
        }

        return Sent(session, [.. frames]);
    }

    private StoreChange.FramesReleased Release()
    {
        int session = AnySession();
        return new(SessionId(session), _random.NextInt64(_seqs.GetValueOrDefault(session) + 1));
    }

    // Ids only move on, so most of those that are not in use were forgotten once.
    private int AnyJob() => _entries.Count > 0 && Chance(85) ? AnyOf(_entries.Keys) : Gone(_lastJob, _entries.ContainsKey);

    private int AnySession() => _seqs.Count > 0 && Chance(90) ? AnyOf(_seqs.Keys) : Gone(_lastSession, _seqs.ContainsKey);

    private int Gone(int last, Func<int, bool> isInUse)
    {
        int id = _random.Next(Math.Max(1, last - 10), last + 1);
        return last == 0 || isInUse(id) ? 0 : id;
    }

    private T AnyOf<T>(IReadOnlyCollection<T> items) => items.ElementAt(_random.Next(items.Count));

    private DateTimeOffset At() => Time.AddTicks(_random.NextInt64(1, TimeSpan.TicksPerDay));
}
