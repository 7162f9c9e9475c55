using System.Diagnostics;
using System.Globalization;
using Arcp.Benchmarks.Server;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>This program, started again as the server.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _control;

    private ServerProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
        _control = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Starts a server and waits until it listens.</summary>
    public static async Task<ServerProcess> StartAsync(params string[] flags)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) is "dotnet")
        {
            start.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        }

        start.ArgumentList.Add("server");
        Array.ForEach(flags, start.ArgumentList.Add);
        Process process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(BenchmarkServer.ReadyLine, StringComparison.Ordinal))
            {
                return new ServerProcess(process, new Uri(line[BenchmarkServer.ReadyLine.Length..]));
            }
        }

        throw new InvalidOperationException("The server did not start.");
    }

    /// <summary>Asks what the server holds and has used.</summary>
    /// <param name="collect">Whether it collects garbage before.</param>
    public async Task<ServerStatistics> GetStatisticsAsync(bool collect = false) =>
        (await _control.GetFromJsonAsync<ServerStatistics>(collect ? "/control/stats?gc" : "/control/stats"))!;

    /// <summary>Opens the gate once an agent waits at it.</summary>
    public async Task OpenGateAsync()
    {
        await WaitForGateAsync();
        await PostAsync("/control/open");
    }

    /// <summary>Waits until an agent waits at the gate.</summary>
    public async Task WaitForGateAsync()
    {
        while ((await GetStatisticsAsync()).Waiting == 0)
        {
            await Task.Yield(); // asking takes time enough
        }
    }

    /// <summary>Watches the managed heap's peak while something happens.</summary>
    /// <returns>The peak in bytes.</returns>
    public async Task<long> PeakOfAsync(Func<Task> act)
    {
        await PostAsync("/control/peak/start");
        await act();
        await PostAsync("/control/peak/stop");
        return (await GetStatisticsAsync()).PeakManaged;
    }

    /// <summary>Puts a leaping server's clock forward.</summary>
    /// <returns>How long what became due took, in seconds.</returns>
    public async Task<double> LeapAsync(TimeSpan by)
    {
        string seconds = by.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        return double.Parse(await PostAsync($"/control/leap?seconds={seconds}"), CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<string> PostAsync(string path)
    {
        using HttpResponseMessage response = await _control.PostAsync(new Uri(path, UriKind.Relative), content: null);
        return await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }
}
