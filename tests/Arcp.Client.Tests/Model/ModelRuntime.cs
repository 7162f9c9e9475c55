using System.Collections.Concurrent;
using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Transports;

namespace Arcp.Client.Tests.Model;

/// <summary>A runtime without agents: what its jobs do and what goes wrong is the schedule's choice. It knows the truth that handles are compared with.</summary>
internal sealed class ModelRuntime(ModelFaults faults)
{
    private readonly Lock _gate = new();
    private readonly List<ModelJob> _jobs = [];
    private readonly Dictionary<string, ModelJob> _keys = [];
    private readonly Dictionary<string, ModelSession> _sessions = [];
    private readonly List<string> _received = [];
    private readonly ConcurrentBag<Task> _connections = [];
    private ModelConnection? _last;
    private int _minted;
    private readonly ConcurrentQueue<string> _story = new();
    private int _traffic;

    /// <summary>Grows with every frame, so that it tells whether anything is still going on.</summary>
    public int Traffic => Volatile.Read(ref _traffic);

    /// <summary>While true, nobody can be dialled.</summary>
    public volatile bool IsDown;

    public IReadOnlyList<ModelJob> Jobs
    {
        get
        {
            lock (_gate)
            {
                return [.. _jobs];
            }
        }
    }

    /// <summary>How many jobs a submit has led to.</summary>
    public int JobsOf(int input)
    {
        lock (_gate)
        {
            return _jobs.Count(job => job.Input == input);
        }
    }

    /// <summary>Whether a submit has arrived, whatever became of it.</summary>
    public bool HasReceived(int input)
    {
        lock (_gate)
        {
            return _received.Contains($"{input}");
        }
    }

    /// <summary>What has happened so far, a line for each frame; a seed alone does not bring the same interleaving again.</summary>
    public string Story => string.Join('\n', _story);

    public void Tell(string line)
    {
        _story.Enqueue(line);
        Interlocked.Increment(ref _traffic);
    }

    public ValueTask<ITransport> DialAsync(CancellationToken cancellationToken)
    {
        if (IsDown)
        {
            throw new TransportException("nobody there");
        }

        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 16);
        var connection = new ModelConnection(this, far, faults);
        lock (_gate)
        {
            _last = connection;
        }

        _connections.Add(Task.Run(connection.RunAsync, CancellationToken.None));
        return ValueTask.FromResult<ITransport>(near);
    }

    public Task EndAsync() => Task.WhenAll(_connections);

    /// <summary>Changes a job and sends what follows from it.</summary>
    public void Change(ModelJob job, Action<ModelJob> change)
    {
        lock (_gate)
        {
            if (job.End is null)
            {
                change(job);
                DeliverAll();
            }
        }
    }

    /// <summary>A job that another session has submitted.</summary>
    public void AddForeignJob(int input)
    {
        lock (_gate)
        {
            _jobs.Add(new ModelJob($"job_{++_minted}", input, TraceContext.New().ToString(), "sess_other"));
        }
    }

    /// <summary>Lets a job's oldest history go.</summary>
    public void Evict(ModelJob job)
    {
        lock (_gate)
        {
            job.Evicted = job.Length;
        }
    }

    public void Cut()
    {
        lock (_gate)
        {
            _last?.Cut();
        }
    }

    /// <summary>Says something to the client in its present session.</summary>
    public void Say(string type, string payload)
    {
        lock (_gate)
        {
            _last?.Send(Frame(_last, type, "\"id\":\"x\"", payload));
        }
    }

    /// <summary>Loses all sessions, not the jobs.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _sessions.Clear();
            _last?.Cut();
        }
    }

    public void OnFrame(ModelConnection connection, JsonElement frame)
    {
        lock (_gate)
        {
            string type = frame.Type();
            if (connection.Session is null)
            {
                Welcome(connection, frame.Payload());
                return;
            }

            JsonElement payload = frame.Payload();
            string to = $"\"request_id\":\"{frame.Id()}\"";
            switch (type)
            {
                case "session.ping":
                    Send(connection, "session.pong", "\"id\":\"p\"", $$"""{"ping_nonce":"{{payload.GetProperty("nonce").GetString()}}"}""");
                    break;
                case "session.close":
                    Send(connection, "session.closed", "\"id\":\"c\"", "{}");
                    connection.Close();
                    break;
                case "session.list_jobs":
                    Send(connection, "session.jobs", to, $$"""{"jobs":[{{string.Join(',', _jobs.Select(job => $$"""{"job_id":"{{job.Id}}"}"""))}}],"next_cursor":null}""");
                    break;
                case "job.submit":
                    Submit(connection, frame, payload, to);
                    break;
                case "job.cancel" or "job.subscribe" or "job.unsubscribe":
                    OnJob(type, connection, frame, payload, to);
                    break;
            }

            DeliverAll();
        }
    }

    private static string Frame(ModelConnection connection, string type, string members, string payload) =>
        $$"""{"arcp":"1.1","type":"{{type}}","session_id":"{{connection.Session?.Id}}",{{members}},"payload":{{payload}}}""";

    private static void Send(ModelConnection connection, string type, string members, string payload) => connection.Send(Frame(connection, type, members, payload));

    private static void Refuse(ModelConnection connection, JsonElement frame, string to, string code)
    {
        Send(connection, "session.error", to, $$"""{"code":"{{code}}","message":"m"}""");
        Send(connection, "job.error", $"\"id\":\"{frame.Id()}\"", $$"""{"final_status":"error","code":"{{code}}","message":"m"}""");
    }

    private void Welcome(ModelConnection connection, JsonElement hello)
    {
        ModelSession? session = null;
        bool isResume = hello.TryGetProperty("resume", out JsonElement resume);
        if (!isResume)
        {
            session = new ModelSession($"sess_{++_minted}");
            _sessions.Add(session.Id, session);
        }
        else if (_sessions.TryGetValue(resume.GetProperty("session_id").GetString()!, out session) && session.Token != resume.GetProperty("resume_token").GetString())
        {
            session = null;
        }

        if (session is null)
        {
            connection.Send("""{"type":"session.error","session_id":"s","id":"e","payload":{"code":"RESUME_WINDOW_EXPIRED","message":"m"}}""");
            connection.Close();
            return;
        }

        session.Connection?.Cut();
        session.Token = $"token_{++_minted}";
        (session.Connection, connection.Session) = (connection, session);
        connection.Send(ScriptedNetwork.Welcome(session.Id, session.Token).ReplaceLineEndings(" "));
        if (isResume)
        {
            session.Replay(resume.GetProperty("last_event_seq").GetInt32());
        }
    }

    private void Submit(ModelConnection connection, JsonElement frame, JsonElement payload, string to)
    {
        int input = payload.GetProperty("input").GetInt32();
        _received.Add($"{input}");
        if (payload.GetProperty("agent").GetString() == "refused")
        {
            Refuse(connection, frame, to, "AGENT_NOT_AVAILABLE");
            return;
        }

        string? key = payload.TryGetProperty("idempotency_key", out JsonElement given) ? given.GetString() : null;
        if (key is null || !_keys.TryGetValue(key, out ModelJob? job))
        {
            job = new ModelJob($"job_{++_minted}", input, frame.Trace(), connection.Session!.Id);
            _jobs.Add(job);
            connection.Session.Follow(job, 0);
            if (key is not null)
            {
                _keys.Add(key, job);
            }
        }

        Send(connection, "job.accepted", $"\"id\":\"a\",\"job_id\":\"{job.Id}\",\"trace_id\":\"{job.Trace}\",{to}", $$"""{"job_id":"{{job.Id}}","agent":"echo@1.0.0","lease":{},"trace_id":"{{job.Trace}}"}""");
    }

    private void OnJob(string type, ModelConnection connection, JsonElement frame, JsonElement payload, string to)
    {
        ModelSession session = connection.Session!;
        ModelJob job = _jobs.Single(known => known.Id == payload.GetProperty("job_id").GetString());
        if (type == "job.unsubscribe")
        {
            session.Unfollow(job);
        }
        else if (type == "job.cancel")
        {
            if (job.Submitter != session.Id)
            {
                Refuse(connection, frame, to, "PERMISSION_DENIED");
                return;
            }

            Send(connection, "job.cancelled", $"\"id\":\"c\",\"job_id\":\"{job.Id}\",{to}", $$"""{"job_id":"{{job.Id}}"}""");
            job.End ??= JobEnd.Cancelled;
        }
        else
        {
            int? after = payload.TryGetProperty("from_event_seq", out JsonElement from) ? from.GetInt32() : null;
            bool isNew = !session.Follows(job);
            if (isNew && after < job.Evicted)
            {
                Refuse(connection, frame, to, "INVALID_REQUEST");
                return;
            }

            Send(
                connection,
                "job.subscribed",
                to,
                $$"""{"job_id":"{{job.Id}}","current_status":"{{job.Status}}","agent":"echo@1.0.0","trace_id":"{{job.Trace}}","subscribed_from":{{job.Length}},"replayed":{{(isNew && after < job.Length ? "true" : "false")}}}""");
            if (isNew)
            {
                session.Follow(job, after ?? job.Length);
            }
        }
    }

    private void DeliverAll()
    {
        foreach (ModelSession session in _sessions.Values)
        {
            session.Deliver();
        }
    }
}
