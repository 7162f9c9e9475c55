using Arcp.AspNetCore.Tests.Support;
using Arcp.Runtime.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.AspNetCore.Tests;

/// <summary>The end of the host.</summary>
[Trait("Section", "7.3")]
public sealed class ShutdownTests
{
    [Fact]
    public async Task Under_load_each_job_ends_once_and_every_socket_ends()
    {
        await using TestHost app = await TestHost.StartAsync();
        WireClient[] clients = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => app.OpenAsync()));
        Task<List<WireFrame>>[] reading = [.. clients.Select(async client =>
        {
            for (int i = 0; i < 5; i++)
            {
                await client.SendAsync("job.submit", new { agent = "tick" });
            }

            return await ReadToEndAsync(client);
        })];
        await Patience.UntilAsync(() => app.Runtime.GetStatistics().RunningAgents == 50, "50 jobs are at work");

        await app.StopAsync();
        foreach (List<WireFrame> frames in await Task.WhenAll(reading).WaitAsync(Patience.Limit, TimeProvider.System))
        {
            string[] jobs = [.. frames.Where(frame => frame.Type == "job.accepted").Select(frame => frame.JobId!)];
            jobs.Should().HaveCount(5);
            foreach (string job in jobs)
            {
                WireFrame[] ofJob = [.. frames.Where(frame => frame.JobId == job)];
                ofJob.Count(frame => frame.IsTerminal).Should().Be(1);
                ofJob[^1].IsTerminal.Should().BeTrue("nothing of a job follows its end");
            }

            frames[^1].Type.Should().Be("session.closed");
        }

        app.Runtime.GetStatistics().Should().BeEquivalentTo(new { Connections = 0, RunningJobs = 0, RunningAgents = 0 });
    }

    [Fact]
    public async Task A_connection_that_has_not_said_hello_does_not_hold_the_host_up()
    {
        await using TestHost app = await TestHost.StartAsync();
        await using WireClient client = await app.ConnectAsync();
        await Patience.UntilAsync(() => app.Runtime.GetStatistics().Connections == 1, "the runtime has the connection");
        Task stopping = app.StopAsync();
        (await client.ExpectAsync("session.error")).Code.Should().Be("INTERNAL_ERROR");
        await client.ExpectCloseAsync();
        await stopping;
        app.Runtime.GetStatistics().Connections.Should().Be(0);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_does_not_hold_the_host_up()
    {
        await using TestHost app = await TestHost.StartAsync(runtime: runtime => runtime.AddAgent("flood", "1.0.0", async (job, _) =>
        {
            string message = new('x', 10_000);
            for (int i = 0; i < 5_000; i++)
            {
                await job.LogAsync(message);
            }

            return null;
        }));
        using var idle = new RawSocketPeer(app.Address);
        await idle.SendAsync("""{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"}}}""");
        await idle.SendAsync("""{"type":"job.submit","payload":{"agent":"flood"}}""");
        await Patience.UntilAsync(() => app.Runtime.GetStatistics().BufferedBytes > 16 * 1024 * 1024, "more is waiting than fits on the way");

        long start = TimeProvider.System.GetTimestamp();
        await app.StopAsync();
        TimeProvider.System.GetElapsedTime(start).Should().BeLessThan(TimeSpan.FromSeconds(20), "that is less than the host's own patience");
        app.Runtime.GetStatistics().Connections.Should().Be(0);
        (await idle.ReadToEndAsync()).Should().BeTrue("its socket has ended");
    }

    private static async Task<List<WireFrame>> ReadToEndAsync(WireClient client)
    {
        await using (client)
        {
            var frames = new List<WireFrame>();
            while (await client.ReceiveAsync() is { } frame)
            {
                frames.Add(frame);
            }

            await client.CloseSideAsync();
            return frames;
        }
    }
}
