using System.Diagnostics;

namespace DurableRestart;

/// <summary>This program again, as a child that serves until it is killed.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private bool _isDead;

    private ServerProcess(Process process) => _process = process;

    /// <summary>Where it listens.</summary>
    public string Address { get; private set; } = string.Empty;

    public static async Task<ServerProcess> StartAsync(string url, string file, CancellationToken cancellationToken)
    {
        // Run by "dotnet X.dll" it is the host that has to be told which assembly; a native launcher knows.
        string[] self = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(ServerProcess).Assembly.Location] : [];
        var server = new ServerProcess(Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. self, "serve", url, file]) { RedirectStandardOutput = true })!);
        try
        {
            server.Address = await server._process.StandardOutput.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException("The server did not start.");
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Kills it: SIGKILL, so that it can save nothing any more.</summary>
    public void Kill()
    {
        if (!_isDead)
        {
            _isDead = true;
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }

    public void Dispose() => Kill();
}
