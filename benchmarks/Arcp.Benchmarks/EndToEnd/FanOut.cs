namespace Arcp.Benchmarks.EndToEnd;

/// <summary>One job's events to many subscribers. The submitter leaves, so that subscribers are all that reads.</summary>
internal static class FanOut
{
    public const int Events = 20_000;

    /// <summary>Measures from the first event to the last frame of the last subscriber.</summary>
    /// <param name="server">The server.</param>
    /// <param name="subscribers">How many read as fast as they can.</param>
    /// <param name="beside">What else goes on with the job meanwhile; given the audience, and a token that ends it.</param>
    /// <returns>Events per second, summed over those subscribers; fails when one of them has lost any.</returns>
    public static async Task<double> MeasureAsync(ServerProcess server, int subscribers, Func<Audience, CancellationToken, Task>? beside = null)
    {
        using Audience audience = Audience.Open(server.Address, subscribers, Events);
        audience.Submitter.Dispose();
        using var over = new CancellationTokenSource();
        Task other = beside?.Invoke(audience, over.Token) ?? Task.CompletedTask;
        await server.WaitForGateAsync();
        double seconds = await Rounds.TimeAsync(async () =>
        {
            Task[] readers = [.. audience.Subscribers.Select(session => session.TakeTerminalAsync())];
            await server.OpenGateAsync();
            await Task.WhenAll(readers);
        });
        await over.CancelAsync();
        await other;
        return audience.Subscribers.All(session => session.Lines == Events)
            ? subscribers * Events / seconds
            : throw new InvalidOperationException("A subscriber has lost events.");
    }
}
