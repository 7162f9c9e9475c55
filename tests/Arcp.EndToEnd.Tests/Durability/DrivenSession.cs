using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>A session over all its connections: every numbered frame it was ever sent, checked as it comes.</summary>
internal sealed class DrivenSession(string name, string token, string principal, IReadOnlyList<string> features, int seed, Board board)
{
    private const int KeptLines = 40;
    private const int MaxRewind = 30;

    private readonly Random _random = new(seed);
    private readonly Lock _lock = new();
    private readonly List<RecordedFrame> _frames = [];
    private readonly Queue<string> _lines = new();
    private readonly Dictionary<string, TaskCompletionSource<RecordedFrame>> _waits = [];
    private Link? _link;
    private string? _resumeToken;
    private bool _isHandshakeOpen;
    private long _next = 1;
    private long _acked;
    private int _requests;

    public string Name => name;

    public string Token => token;

    public string Principal => principal;

    public IReadOnlyList<string> Features => features;

    /// <summary>Its welcome was lost with its new token, so that nobody can resume it any more; as it is without a restart.</summary>
    public bool IsLost { get; private set; }

    /// <summary>What it subscribed to. Each once, with its history.</summary>
    public ConcurrentDictionary<string, bool> Subscriptions { get; } = new();

    /// <summary>All numbered frames: the one at index i has number i + 1.</summary>
    public IReadOnlyList<RecordedFrame> Frames
    {
        get
        {
            lock (_lock)
            {
                return [.. _frames];
            }
        }
    }

    /// <summary>The last frames in both directions.</summary>
    public string Transcript
    {
        get
        {
            lock (_lock)
            {
                return $"{name}:\n  {string.Join("\n  ", _lines)}";
            }
        }
    }

    public bool HasEndOf(string jobId)
    {
        lock (_lock)
        {
            return _frames.Exists(frame => frame.JobId == jobId && frame.IsTerminal);
        }
    }

    /// <summary>Opens or resumes it.</summary>
    /// <returns>Whether it is connected; not when the process died meanwhile, nor when the session is lost.</returns>
    public async Task<bool> ConnectAsync(Uri endpoint)
    {
        if (await Link.TryOpenAsync(endpoint) is not { } link)
        {
            return false;
        }

        _link = link;
        if (_resumeToken is null)
        {
            await SendAsync("session.hello", new JsonObject
            {
                ["auth"] = new JsonObject { ["scheme"] = "bearer", ["token"] = token },
                ["client"] = new JsonObject { ["name"] = "kill" },
                ["capabilities"] = new JsonObject { ["features"] = new JsonArray([.. features.Select(feature => JsonValue.Create(feature))]) },
            });
        }
        else
        {
            // Mostly what was seen last; sometimes less, so that frames come twice. Never less than was acknowledged.
            long last = _frames.Count;
            long from = _random.Next(3) == 0 ? Math.Max(_acked, last - _random.Next(MaxRewind)) : last;
            _next = from + 1;
            await SendAsync("session.resume", new JsonObject { ["resume_token"] = _resumeToken, ["last_event_seq"] = from });
        }

        bool mayBeLost = _isHandshakeOpen;
        _isHandshakeOpen = true;
        RecordedFrame? welcome = await ReceiveAsync(link);
        if (welcome is { Type: "session.welcome" })
        {
            _isHandshakeOpen = false;
            if (_resumeToken is not null)
            {
                board.NoteResume();
            }

            _resumeToken = welcome.Payload.GetProperty("resume_token").GetString();
            return true;
        }

        await link.DisposeAsync();
        if (welcome is { Type: "session.error" } && mayBeLost && _resumeToken is not null && RecordedFrame.Member(welcome.Payload, "code") == "RESUME_WINDOW_EXPIRED")
        {
            IsLost = true;
            board.NoteLostSession();
            return false;
        }

        return welcome is null && board.IsKilled ? false : throw new RoundFailure($"{name} was not welcomed: {welcome?.Text ?? "the connection ended"}");
    }

    /// <summary>Reads until the connection ends.</summary>
    public async Task ReadAsync()
    {
        Link link = _link!;
        await using (link)
        {
            while (await ReceiveAsync(link) is { } frame)
            {
                if (frame.Type == "session.ping")
                {
                    await SendAsync("session.pong", new JsonObject { ["ping_nonce"] = frame.Payload.GetProperty("nonce").GetString(), ["received_at"] = "2026-01-01T00:00:00.000Z" });
                }

                Take(frame);
            }
        }

        if (!board.IsKilled)
        {
            throw new RoundFailure($"The connection of {name} ended while the process lived.");
        }
    }

    /// <returns>The request's id.</returns>
    public async Task<string> SubmitAsync(PlannedJob job)
    {
        string id = NewId();
        board.Submits[id] = job;
        job.SentBy(this);
        await SendAsync("job.submit", job.ToSubmit(), job.Trace, id);
        return id;
    }

    public async Task CancelAsync(PlannedJob job)
    {
        job.IsCancelAsked = true;
        await SendAsync("job.cancel", new JsonObject { ["job_id"] = job.JobId });
    }

    public async Task SubscribeAsync(string jobId)
    {
        if (Subscriptions.TryAdd(jobId, false))
        {
            await SendAsync("job.subscribe", new JsonObject { ["job_id"] = jobId, ["history"] = true });
        }
    }

    public async Task AckAsync()
    {
        lock (_lock)
        {
            _acked = Math.Max(_acked, _random.NextInt64(_frames.Count + 1));
        }

        await SendAsync("session.ack", new JsonObject { ["last_processed_seq"] = _acked });
    }

    public async Task<JsonElement> ListAsync(string? cursor)
    {
        string id = NewId();
        var wait = new TaskCompletionSource<RecordedFrame>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waits[id] = wait;
        }

        var payload = new JsonObject { ["limit"] = 20 };
        if (cursor is not null)
        {
            payload["cursor"] = cursor;
        }

        await SendAsync("session.list_jobs", payload, null, id);
        return (await wait.Task.WaitAsync(Round.Patience, TimeProvider.System)).Payload;
    }

    public ValueTask DisconnectAsync() => _link?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Take(RecordedFrame frame)
    {
        if (frame.Seq is { } seq)
        {
            TakeNumbered(frame, seq);
        }
        else if (frame.Type == "job.accepted")
        {
            board.NoteAcceptance(frame);
        }
        else if (frame.Type == "job.subscribed")
        {
            Subscriptions[frame.JobId ?? RecordedFrame.Member(frame.Payload, "job_id")!] = true;
        }
        else if (frame.Type is "session.error" or "job.error")
        {
            throw new RoundFailure($"{name} was refused: {frame.Text}");
        }
        else if (frame.RequestId is { } request)
        {
            lock (_lock)
            {
                _waits.GetValueOrDefault(request)?.TrySetResult(frame);
            }
        }
    }

    private void TakeNumbered(RecordedFrame frame, long seq)
    {
        lock (_lock)
        {
            if (seq != _next)
            {
                throw new RoundFailure($"{name} was sent {seq} where {_next} comes next: {frame.Text}");
            }

            _next++;
            if (seq > _frames.Count)
            {
                _frames.Add(frame);
            }
            else if (!_frames[(int)seq - 1].IsSameAs(frame))
            {
                throw new RoundFailure($"{name} was sent number {seq} twice, and not the same:\n{_frames[(int)seq - 1].Text}\n{frame.Text}");
            }
            else
            {
                board.NoteResent();
            }
        }

        board.NoteEvent(frame);
    }

    private string NewId() => $"{name}-{Interlocked.Increment(ref _requests)}";

    private async Task SendAsync(string type, JsonObject payload, string? trace = null, string? id = null)
    {
        Note($"> {type} {payload.ToJsonString()}");
        await _link!.SendAsync(type, id ?? NewId(), payload, trace);
    }

    private async Task<RecordedFrame?> ReceiveAsync(Link link)
    {
        RecordedFrame? frame = await link.ReceiveAsync();
        Note($"< {frame?.Text ?? "(the end)"}");
        return frame;
    }

    private void Note(string line)
    {
        lock (_lock)
        {
            _lines.Enqueue(line.Length > 600 ? line[..600] : line);
            if (_lines.Count > KeptLines)
            {
                _lines.Dequeue();
            }
        }
    }
}
