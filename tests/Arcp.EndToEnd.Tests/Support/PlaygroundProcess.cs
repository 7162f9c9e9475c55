using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using Arcp.Core.Transports;
using Arcp.Runtime.Tests.Support;

namespace Arcp.EndToEnd.Tests.Support;

/// <summary>The Playground as a process of its own.</summary>
public sealed class PlaygroundProcess : IAsyncDisposable
{
    /// <summary>How long to wait for what must happen: long, for slow machines, because a wait ends as soon as it has.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static readonly string Dll = typeof(PlaygroundProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "Playground").Value!;

    /// <summary>A published Playground to test instead of the one that is built with the tests: its executable.</summary>
    private static readonly string? Program = Environment.GetEnvironmentVariable("ARCP_PLAYGROUND");

    private readonly StringBuilder _errors = new();
    private readonly Task _readingErrors;

    private PlaygroundProcess(IEnumerable<string> args)
    {
        var start = Program is { Length: > 0 } program ? new ProcessStartInfo(program, args) : new ProcessStartInfo(FindDotnet(), [Dll, .. args]);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.StandardOutputEncoding = Encoding.UTF8;
        start.Environment.Remove("ASPNETCORE_URLS");
        start.Environment.Remove("DOTNET_gcServer");
        Process = Process.Start(start)!;
        _readingErrors = ReadErrorsAsync();
    }

    public Process Process { get; }

    /// <summary>The ready line's address; null over stdio.</summary>
    public Uri? Endpoint { get; private set; }

    /// <summary>
    /// Whether interrupts do not reach it: a shell that starts something in the background lets it, and all that it starts, ignore them.
    /// </summary>
    public bool IgnoresInterrupts
    {
        get
        {
            const ulong interrupt = 1 << 1;
            string status = $"/proc/{Process.Id}/status";
            string? ignored = File.Exists(status) ? File.ReadLines(status).FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) : null;
            return ignored is not null && (ulong.Parse(ignored["SigIgn:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & interrupt) != 0;
        }
    }

    /// <summary>All that has been written to standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    /// <summary>Starts it over HTTP on a free port and waits for its ready line.</summary>
    public static async Task<PlaygroundProcess> StartAsync(params string[] args)
    {
        var playground = new PlaygroundProcess(["--urls", "http://127.0.0.1:0", .. args]);
        string? line = await playground.Process.StandardOutput.ReadLineAsync().WaitAsync(Patience, TimeProvider.System);
        line.Should().StartWith("LISTENING ws://127.0.0.1:", "that is the ready line; standard error says: {0}", playground.Errors);
        playground.Endpoint = new Uri(line!["LISTENING ".Length..]);
        return playground;
    }

    /// <summary>Starts it with the given flags alone.</summary>
    public static PlaygroundProcess Run(params string[] args) => new(args);

    /// <summary>Opens a connection over WebSocket.</summary>
    public async Task<WireClient> ConnectAsync()
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        return new WireClient(await WebSocketTransport.ConnectAsync(Endpoint!, null, patience.Token));
    }

    /// <summary>Asks its other addresses.</summary>
    public HttpClient OpenHttp() => new() { BaseAddress = new UriBuilder(Endpoint!) { Scheme = "http", Path = "/" }.Uri, Timeout = Patience };

    /// <summary>Opens the connection over standard input and output.</summary>
    public WireClient ConnectOverStdio() =>
        new(new StreamTransport(Process.StandardOutput.BaseStream, Process.StandardInput.BaseStream));

    /// <summary>Sends a signal (TERM, INT) and measures how long the process takes to end.</summary>
    public async Task<TimeSpan> SignalAsync(string signal)
    {
        long start = TimeProvider.System.GetTimestamp();
        using (var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {Process.Id}"]))
        {
            await kill.WaitForExitAsync();
            kill.ExitCode.Should().Be(0);
        }

        await WaitForExitAsync();
        return TimeProvider.System.GetElapsedTime(start);
    }

    /// <summary>Waits for the end and gives the exit code.</summary>
    public async Task<int> WaitForExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        await Process.WaitForExitAsync(patience.Token);
        await _readingErrors.WaitAsync(Patience, TimeProvider.System);
        return Process.ExitCode;
    }

    /// <summary>All that is left on standard output.</summary>
    public Task<string> ReadOutputToEndAsync() => Process.StandardOutput.ReadToEndAsync().WaitAsync(Patience, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
        {
            Process.Kill();
        }

        await WaitForExitAsync();
        Process.Dispose();
    }

    // The dotnet that runs these tests, so that the process is not a launcher which keeps signals to itself.
    private static string FindDotnet()
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
    }

    private async Task ReadErrorsAsync()
    {
        while (await Process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_errors)
            {
                _errors.AppendLine(line);
            }
        }
    }
}
