namespace Arcp.Benchmarks.EndToEnd;

/// <summary>A gated flood job and sessions that have subscribed to it.</summary>
internal sealed class Audience : IDisposable
{
    private Audience(LoadSession submitter, string jobId, IReadOnlyList<LoadSession> subscribers)
    {
        Submitter = submitter;
        JobId = jobId;
        Subscribers = subscribers;
    }

    public LoadSession Submitter { get; }

    public string JobId { get; }

    public IReadOnlyList<LoadSession> Subscribers { get; }

    /// <summary>Submits the job, reads what it emits before the gate, and subscribes.</summary>
    /// <param name="server">Where the server listens.</param>
    /// <param name="subscribers">How many subscribe.</param>
    /// <param name="events">How many events come behind the gate.</param>
    /// <param name="before">How many come before it.</param>
    public static Audience Open(Uri server, int subscribers, int events, int before = 0)
    {
        LoadSession submitter = LoadSession.Open(server);
        submitter.Submit("flood", Flood.Input(events, gated: true, before));
        string jobId = LoadSession.TextBehind(submitter.TakeControl(), "\"job_id\":\""u8);
        while (submitter.Lines < before)
        {
            submitter.Take(out _);
        }

        return new Audience(submitter, jobId, [.. Enumerable.Range(0, subscribers).Select(_ => Subscribe(server, jobId))]);
    }

    /// <summary>Opens a session and subscribes to a job's future.</summary>
    public static LoadSession Subscribe(Uri server, string jobId, int bufferSize = 256 * 1024, int? receiveBuffer = null)
    {
        LoadSession session = LoadSession.Open(server, 0, bufferSize, receiveBuffer);
        session.Queue("job.subscribe", $"{{\"job_id\":\"{jobId}\"}}");
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
