using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>The process that it talks to is dead.</summary>
internal sealed class ProcessDiedException : Exception;

/// <summary>A client that remembers all that its session was ever sent, over connections and processes.</summary>
/// <param name="death">Ends when the process is dead: nothing is waited for any more.</param>
internal sealed class Traveller(Task death) : IAsyncDisposable
{
    private readonly SortedDictionary<long, WireFrame> _numbered = [];
    private readonly Dictionary<string, WireFrame> _answers = [];
    private readonly HashSet<string> _jobs = [];
    private WireClient? _client;
    private Task<WireFrame?>? _reading;
    private int _requests;
    private Task _death = death;

    /// <summary>All jobs that it was told of, its children included.</summary>
    public IReadOnlyCollection<string> Jobs => _jobs;

    /// <summary>Opens a session, unless there is one.</summary>
    public async Task ConnectAsync(TestRuntime runtime)
    {
        if (_client is not null)
        {
            return;
        }

        WireClient client = runtime.Connect();
        while (true)
        {
            await client.SendAsync("session.hello", new
            {
                auth = new { scheme = "bearer", token = "secret-a" },
                capabilities = new { features = new[] { "agent_versions", "progress", "subscribe", "ack", "list_jobs" } },
            });
            WireFrame answer = await OrDeath(client.ReceiveAsync()) ?? throw new InvalidOperationException("The connection has ended.");
            if (answer.Type == "session.welcome")
            {
                client.Welcomed(answer);
                _client = client;
                return;
            }

            // The store could not keep the session at the moment.
            (answer.Type, answer.Code).Should().Be(("session.error", "INTERNAL_ERROR"));
            await client.DisposeAsync();
            client = runtime.Connect();
        }
    }

    /// <summary>Goes on in another process, as far as it had a session.</summary>
    public async Task ReconnectAsync(TestRuntime runtime)
    {
        _death = new TaskCompletionSource().Task;
        _reading = null;
        if (_client is { } before)
        {
            await before.DisposeAsync();
            _client = runtime.Connect();
            long last = _numbered.Count == 0 ? 0 : _numbered.Keys.Last();
            WireFrame welcome = await _client.ResumeAsync(before.ResumeToken, last);
            welcome.SessionId.Should().Be(before.SessionId);
        }
    }

    public async Task<string> SendAsync(string type, object payload)
    {
        string id = $"r{++_requests}";
        await _client!.SendAsync(type, payload, new { id });
        return id;
    }

    /// <summary>Reads until something holds.</summary>
    public async Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
        {
            Note(await OrDeath(_reading ??= _client!.ReceiveAsync()) ?? throw new InvalidOperationException("The connection has ended."));
            _reading = null;
        }
    }

    /// <summary>The answer to a submit.</summary>
    public async Task<WireFrame> AnswerToAsync(string request)
    {
        await UntilAsync(() => _answers.ContainsKey(request));
        return _answers[request];
    }

    public bool HasEnded(string jobId) => FramesOf(jobId).Exists(frame => frame.IsTerminal);

    /// <summary>A job's frames in the order of the session's numbers.</summary>
    public List<WireFrame> FramesOf(string jobId) => [.. _numbered.Values.Where(frame => frame.JobId == jobId)];

    /// <summary>No number is missing.</summary>
    public void CheckNumbers() => _numbered.Keys.Should().Equal(Enumerable.Range(1, _numbered.Count).Select(number => (long)number));

    public ValueTask DisposeAsync() => _client?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Note(WireFrame frame)
    {
        if (frame.EventSeq is { } seq)
        {
            _jobs.Contains(frame.JobId!).Should().BeTrue("no frame of a job comes before its acceptance or announcement, as {0}", frame.Text);
            (seq > 0 && (_numbered.Count == 0 || seq <= _numbered.Keys.Last() + 1)).Should().BeTrue("numbers are given without a gap");
            if (!_numbered.TryAdd(seq, frame))
            {
                frame.Text.Should().Be(_numbered[seq].Text, "a number stands for one frame");
            }

            if (frame.Kind == "delegate")
            {
                _jobs.Add((string)frame.Body["child_job_id"]!);
            }
        }
        else if (frame.Type == "job.accepted")
        {
            _jobs.Add(frame.JobId!);
            _answers[(string)frame.Json["request_id"]!] = frame;
        }
        else if (frame.Type == "session.error" && (string?)frame.Payload["request_id"] is { } refused)
        {
            _answers[refused] = frame;
        }
    }

    private async Task<WireFrame?> OrDeath(Task<WireFrame?> receiving)
    {
        await Task.WhenAny(receiving, _death);
        return receiving.IsCompleted ? await receiving : throw new ProcessDiedException();
    }
}
