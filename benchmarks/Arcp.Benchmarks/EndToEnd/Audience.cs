namespace Arcp.Benchmarks.EndToEnd;

/// <summary>A gated flood job and sessions that have subscribed to it.</summary>
internal sealed class Audience : IDisposable
{
    private static int _opened;

    private readonly Uri _server;
    private readonly int _principal;

    // Sessions stay for the resume window, and a principal may have 1,000 of them: each audience is another's.
    private Audience(Uri server, int subscribers, int events, int before)
    {
        _server = server;
        _principal = Interlocked.Increment(ref _opened);
        Submitter = LoadSession.Open(server, _principal);
        Submitter.Submit("flood", Flood.Input(events, gated: true, before));
        JobId = LoadSession.TextBehind(Submitter.TakeControl(), "\"job_id\":\""u8);
        while (Submitter.Lines < before)
        {
            Submitter.Take(out _);
        }

        Subscribers = [.. Enumerable.Range(0, subscribers).Select(_ => Subscribe())];
    }

    public LoadSession Submitter { get; }

    public string JobId { get; }

    public IReadOnlyList<LoadSession> Subscribers { get; }

    /// <summary>Submits the job, reads what it emits before the gate, and subscribes.</summary>
    /// <param name="server">Where the server listens.</param>
    /// <param name="subscribers">How many subscribe.</param>
    /// <param name="events">How many events come behind the gate.</param>
    /// <param name="before">How many come before it.</param>
    public static Audience Open(Uri server, int subscribers, int events, int before = 0) => new(server, subscribers, events, before);

    /// <summary>Opens one session more and subscribes to the job's future.</summary>
    public LoadSession Subscribe(int bufferSize = 256 * 1024, int? receiveBuffer = null)
    {
        LoadSession session = LoadSession.Open(_server, _principal, bufferSize, receiveBuffer);
        session.Queue("job.subscribe", $"{{\"job_id\":\"{JobId}\"}}");
        session.TakeControl();
        return session;
    }

    public void Dispose()
    {
        Submitter.Dispose();
        foreach (LoadSession session in Subscribers)
        {
            session.Dispose();
        }
    }
}
