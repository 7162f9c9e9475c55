namespace Arcp.Benchmarks.EndToEnd;

/// <summary>Keeps requests under way.</summary>
internal static class EchoLoad
{
    /// <summary>One request at a time, on this thread.</summary>
    /// <returns>Requests per second, and the 99th percentile of their durations in microseconds.</returns>
    public static double[] OneByOne(IEchoPeer peer, int requests)
    {
        double[] durations = new double[requests];
        double seconds = Rounds.Time(() =>
        {
            for (int i = 0; i < requests; i++)
            {
                durations[i] = 1e6 * Rounds.Time(() => Once(peer));
            }
        });
        return [requests / seconds, Samples.Quantile(durations, 0.99)];
    }

    /// <summary>Several requests outstanding on each of several connections, each on a thread of its own, which blocks: threads of a pool look for work when there is none, and take the processor from the server.</summary>
    /// <returns>Requests per second.</returns>
    public static async Task<double> ManyAsync(IReadOnlyList<IEchoPeer> peers, int requests, int outstanding)
    {
        int share = requests / peers.Count;
        return share * peers.Count / await Rounds.TimeAsync(() => Task.WhenAll(peers.Select(peer => OnThread(() => Keep(peer, share, outstanding)))));
    }

    /// <summary>Lets echo jobs end, which the server then retains.</summary>
    public static async Task FillAsync(Uri server, int jobs)
    {
        using var session = new EchoSession(server);
        await ManyAsync([session], jobs, outstanding: Math.Min(64, jobs));
    }

    /// <summary>One request, to its end.</summary>
    public static void Once(IEchoPeer peer)
    {
        peer.Queue();
        do
        {
            peer.Fill();
        }
        while (peer.TakeCompleted() == 0);
    }

    private static Task OnThread(Action act) => Task.Factory.StartNew(act, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Keep(IEchoPeer peer, int requests, int outstanding)
    {
        int asked = 0;
        int completed = 0;
        while (completed < requests)
        {
            while (asked < requests && asked - completed < outstanding)
            {
                peer.Queue();
                asked++;
            }

            peer.Fill();
            completed += peer.TakeCompleted();
        }
    }
}
