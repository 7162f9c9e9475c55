using Arcp.Client;
using Arcp.Core;
using Client.Watch;
using Spectre.Console;

if (!WatchOptions.TryParse(args, out WatchOptions? options))
{
    Console.Error.WriteLine("usage: Client.Watch [--url <ws://host/arcp> [--token <token>]]");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

bool hasTerminal = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
var board = new JobBoard(hasTerminal ? null : Console.WriteLine);
await using Demo? demo = options.Uri is null ? new Demo() : null;
try
{
    await using ArcpClient client = demo is null
        ? await ArcpClient.ConnectAsync(options.Uri!, new() { Token = options.Token }, stop.Token)
        : await demo.ConnectAsync();
    Task noMoreJobs = demo is null ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token) : demo.RunAsync();
    Task watching = new Watcher(client, board).RunAsync(noMoreJobs, stop.Token);
    if (hasTerminal)
    {
        await TerminalView.ShowAsync(client, board, watching);
    }

    await watching;
    await noMoreJobs;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 0;
}
catch (Exception e) when (e is ArcpException or ArcpConnectionException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

return demo is null || Demo.HasBeenShownBy(board) ? 0 : 1;
