using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>Meters are the process's: nothing else may run while they are looked at.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
public sealed class RunsAlone;

[Collection("Alone")]
[Trait("Section", "11")]
public class MeterTests
{
    [Fact]
    public async Task Meters_move_and_return()
    {
        using var meters = new Meters();
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "progress");
        List<WireFrame> frames = await client.RunJobAsync("count", new { n = 3 });
        string waiting = (await client.SubmitAsync("wait")).JobId!;
        await client.ExpectAsync("job.event");
        await TestRuntime.UntilAsync(() => meters["arcp.events.delivered"] == 6, "the count of what was sent");
        (meters["arcp.connections"], meters["arcp.sessions"], meters["arcp.jobs.running"]).Should().Be((1, 1, 1));
        (meters["arcp.jobs.ended"], meters["arcp.job.duration"]).Should().Be((1, 1));
        meters["arcp.events.emitted"].Should().Be(6);
        meters["arcp.frames.received"].Should().Be(2, "the hello is not counted");
        meters["arcp.frames.sent"].Should().Be(9);
        meters["arcp.log.bytes"].Should().BeGreaterThan(0).And.Be(runtime.Runtime.GetStatistics().BufferedBytes);
        frames.Should().HaveCount(6);

        await client.SendAsync("job.cancel", new { job_id = waiting });
        await client.ReadJobAsync(waiting);
        await client.DisposeAsync();
        await runtime.ConnectionsEndedAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agents' return: then retention has begun");
        clock.Advance(TimeSpan.FromSeconds(601));
        (meters["arcp.connections"], meters["arcp.sessions"], meters["arcp.jobs.running"], meters["arcp.log.bytes"]).Should().Be((0, 0, 0, 0));
        meters["arcp.jobs.ended"].Should().Be(2);
        meters["arcp.events.evicted"].Should().Be(0);
    }
}
