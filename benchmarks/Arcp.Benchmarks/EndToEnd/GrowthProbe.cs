using System.Text;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>Times single operations on a server that holds something.</summary>
internal static class GrowthProbe
{
    /// <summary>A raw echo on the same server: what grows here grows without the runtime.</summary>
    public const string Control = "raw echo";

    private const int Times = 200;
    private const int Events = 5_000;

    /// <summary>What <see cref="Measure"/> times.</summary>
    public static readonly string[] Operations = ["submit", "event", "list, first page", "list, next page", "subscribe", "cancel", Control];

    /// <summary>Times each operation, on sessions of its own.</summary>
    /// <returns>Microseconds per operation, medians, in the order of <see cref="Operations"/>.</returns>
    public static double[] Measure(Uri server)
    {
        using LoadSession session = LoadSession.Open(server);
        using LoadSession watcher = LoadSession.Open(server);
        using var raw = new RawEcho(server, RawEcho.EachSent, [100]);
        var jobs = new Queue<string>();
        double submit = MedianOf(() => jobs.Enqueue(SubmitEcho(session)), session.TakeTerminal);
        double once = Rounds.Time(() => EmitEvents(session));
        double first = MedianOf(() => List(session, "{\"limit\":1}"));
        string next = $"{{\"limit\":1,\"cursor\":\"{List(session, "{\"limit\":1}")}\"}}";
        return
        [
            submit,
            1e6 * once / Events,
            first,
            MedianOf(() => List(session, next)),
            MedianOf(() => Ask(watcher, "job.subscribe", $"{{\"job_id\":\"{jobs.Dequeue()}\"}}"), watcher.TakeTerminal),
            MeasureCancel(session),
            MedianOf(() => EchoLoad.Once(raw)),
        ];
    }

    private static double MedianOf(Action act, Action? thenUntimed = null)
    {
        double[] durations = new double[Times];
        for (int i = 0; i < Times; i++)
        {
            durations[i] = 1e6 * Rounds.Time(act);
            thenUntimed?.Invoke();
        }

        return Samples.Quantile(durations, 0.5);
    }

    private static string SubmitEcho(LoadSession session)
    {
        session.Submit("echo", "{}");
        return LoadSession.TextBehind(session.TakeControl(), "\"job_id\":\""u8);
    }

    private static void EmitEvents(LoadSession session)
    {
        session.Submit("flood", Flood.Input(Events));
        session.TakeTerminal();
    }

    private static string List(LoadSession session, string request)
    {
        session.Queue("session.list_jobs", request);
        return LoadSession.TextBehind(session.TakeControl(), "\"next_cursor\":\""u8);
    }

    private static void Ask(LoadSession session, string type, string payload)
    {
        session.Queue(type, payload);
        ReadOnlySpan<byte> answer = session.TakeControl();
        if (answer.IndexOf("error"u8) >= 0)
        {
            throw new InvalidOperationException(Encoding.UTF8.GetString(answer));
        }
    }

    private static double MeasureCancel(LoadSession session)
    {
        string job = SubmitWait(session);
        double median = MedianOf(() => Cancel(session, job), () => job = SubmitWait(session));
        Cancel(session, job);
        session.TakeTerminal();
        return median;
    }

    // The terminal frame follows at once and is taken with what comes next.
    private static void Cancel(LoadSession session, string job) => Ask(session, "job.cancel", $"{{\"job_id\":\"{job}\"}}");

    private static string SubmitWait(LoadSession session)
    {
        session.Submit("wait", "{}");
        return LoadSession.TextBehind(session.TakeControl(), "\"job_id\":\""u8);
    }
}
