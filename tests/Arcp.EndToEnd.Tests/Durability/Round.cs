using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Arcp.EndToEnd.Tests.Support;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>One round: a file, a port, some peers, and a process that is killed again and again.</summary>
internal sealed class Round : IAsyncDisposable
{
    /// <summary>How long to wait for what must happen: long, because a wait ends as soon as it has.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int JobCount = 50;
    private const int Kills = 3;

    private static readonly TimeSpan LongestLife = TimeSpan.FromSeconds(5);

    private static readonly string[] Lean = [.. Jobs.AllFeatures.Except(["progress", "provisioned_credentials"])];

    private readonly Random _random;
    private readonly string _folder = Directory.CreateTempSubdirectory("arcp-kill-").FullName;
    private readonly string _url;
    private readonly Driver[] _drivers;
    private PlaygroundProcess? _playground;
    private int _kills;

    public Round(int seed)
    {
        _random = new Random(seed);
        _url = $"http://127.0.0.1:{FindPort()}";
        int number = 0;
        _drivers = [
            NewDriver("a", "test-token", "tester", [.. Jobs.AllFeatures, "heartbeat"]),
            NewDriver("b", "test-token", "tester", Jobs.AllFeatures),
            NewDriver("c", "test-token", "tester", Lean),
            NewDriver("d", "other-token", "other", Jobs.AllFeatures)];

        Driver NewDriver(string name, string token, string principal, IReadOnlyList<string> features)
        {
            List<PlannedJob> plan = [.. Enumerable.Range(0, (JobCount / 4) + (name is "a" or "b" ? 1 : 0)).Select(_ => Plan.Next(_random, principal, number++))];
            plan.ForEach(Board.Jobs.Add);
            return new Driver(name, Board, _random.Next(), plan, (each, seed) => new DrivenSession(each, token, principal, features, seed, Board));
        }
    }

    public Board Board { get; } = new();

    public int KillCount => _kills;

    public string StoreFile => Path.Combine(_folder, "arcp.db");

    /// <summary>Kept when something was wrong.</summary>
    public string Folder => _folder;

    public IEnumerable<DrivenSession> Sessions => _drivers.SelectMany(static driver => driver.Sessions);

    public string ProcessErrors { get; private set; } = string.Empty;

    public static CancellationTokenSource NewPatience() => new(Patience, TimeProvider.System);

    /// <summary>Runs it, and checks what was seen.</summary>
    public async Task<RoundCheck> RunAsync()
    {
        for (int kill = 0; kill < Kills; kill++)
        {
            // By what has been accepted, not by time: on a slow machine little happens in a second.
            int accepted = (JobCount * (kill + 1) / (Kills + 1)) + _random.Next(-5, 6);
            await LiveAndDieAsync(() => Board.Jobs.Count(static job => job.JobId is not null) >= accepted, TimeSpan.FromMilliseconds(_random.Next(100)));
        }

        await StartAsync();
        await Task.WhenAll(_drivers.Select(driver => driver.FinishAsync(_playground!.Endpoint!)));
        var check = new RoundCheck(Board, _drivers, _playground!, $"{StoreFile}.credentials");
        await check.RunAsync();
        return check;
    }

    public void RemoveFiles() => Directory.Delete(_folder, recursive: true);

    public async ValueTask DisposeAsync()
    {
        Board.IsKilled = true;
        await EndProcessAsync();
        foreach (DrivenSession session in Sessions)
        {
            await session.DisconnectAsync();
        }

        await Task.WhenAll(_drivers.Select(static driver => driver.Reading)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task LiveAndDieAsync(Func<bool> isTime, TimeSpan andThen)
    {
        if (_random.Next(4) == 0)
        {
            // Now and then it does not even get to be ready.
            _playground = PlaygroundProcess.Run(Arguments());
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(50, 500)), TimeProvider.System);
            await KillAsync();
        }
        else if (_random.Next(3) == 0)
        {
            // Or while it welcomes its peers.
            await StartAsync();
            Task welcomes = Task.WhenAll(_drivers.Select(driver => driver.LiveAsync(_playground!.Endpoint!)));
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(150)), TimeProvider.System);
            await KillAsync();
            await welcomes;
        }

        await StartAsync();
        Task lives = Task.WhenAll(_drivers.Select(driver => driver.LiveAsync(_playground!.Endpoint!)));
        await WaitForMomentAsync(isTime, lives);
        await Task.Delay(andThen, TimeProvider.System);
        await KillAsync();
        await lives;
    }

    private static async Task WaitForMomentAsync(Func<bool> isTime, Task lives)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        using var end = new CancellationTokenSource(LongestLife, TimeProvider.System);
        while (!isTime() && !lives.IsCompleted && !end.IsCancellationRequested)
        {
            await tick.WaitForNextTickAsync();
        }
    }

    private async Task StartAsync()
    {
        Board.IsKilled = false;
        _playground = await PlaygroundProcess.StartAsync(Arguments());
    }

    private async Task KillAsync()
    {
        _kills++;
        Board.IsKilled = true;
        await EndProcessAsync();
    }

    // Disposing kills with SIGKILL.
    private async Task EndProcessAsync()
    {
        if (_playground is { } playground)
        {
            _playground = null;
            await playground.DisposeAsync();
            ProcessErrors += playground.Errors;
        }
    }

    private string[] Arguments() => ["--urls", _url, "--store", $"sqlite:{StoreFile}", "--credentials", "--heartbeat", "5", "--resume-window", "600", "--retention", "600"];

    // Below the ports that the system gives to outgoing connections: nobody may take it while the process is down.
    private string FindPort()
    {
        while (true)
        {
            int port = _random.Next(18_000, 30_000);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port.ToString(CultureInfo.InvariantCulture);
            }
            catch (SocketException)
            {
            }
        }
    }
}
