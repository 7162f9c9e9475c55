namespace Arcp.AspNetCore.Tests.Support;

/// <summary>How long tests wait for what must happen: long, because a wait ends as soon as it has.</summary>
public static class Patience
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static CancellationTokenSource New() => new(Limit, TimeProvider.System);

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        using CancellationTokenSource end = New();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        while (!condition())
        {
            try
            {
                await tick.WaitForNextTickAsync(end.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"It did not come about that {what}.");
            }
        }
    }
}
