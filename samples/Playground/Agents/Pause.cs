namespace Playground.Agents;

/// <summary>Waiting, as inputs ask for it: in milliseconds, none when negative.</summary>
internal static class Pause
{
    public static Task ForAsync(double milliseconds, CancellationToken cancellationToken) =>
        milliseconds > 0 ? Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System, cancellationToken) : Task.CompletedTask;
}
