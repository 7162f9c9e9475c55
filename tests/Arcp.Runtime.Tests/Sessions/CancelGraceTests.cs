using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "7.4")]
public class CancelGraceTests
{
    [Fact]
    public async Task Within_the_grace_an_agent_winds_down_and_its_job_still_ends_cancelled()
    {
        await using var runtime = new TestRuntime(
            builder =>
            {
                builder.Options.CancelGrace = TimeSpan.FromMinutes(1);
                builder.AddAgent("tidy", "1", async (job, cancellationToken) =>
                {
                    var stop = new TaskCompletionSource();
                    await using CancellationTokenRegistration registration = cancellationToken.Register(stop.SetResult);
                    await stop.Task;
                    await job.LogAsync("tidied up");
                    return job.Input;
                });
            },
            new ManualClock());
        await using WireClient client = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("tidy")).JobId!;
        await client.ExpectAsync("job.event");

        await client.SendAsync("job.cancel", new { job_id = jobId, reason = "enough" });

        ((string?)(await client.ExpectAsync("job.cancelled")).Payload["reason"]).Should().Be("enough");
        ((string?)(await client.ExpectAsync("job.event")).Body["message"]).Should().Be("tidied up");
        WireFrame end = await client.ExpectAsync("job.error");
        (end.Code, end.FinalStatus, end.EventSeq).Should().Be(("CANCELLED", "cancelled", 3L));
        await client.SendAsync("job.cancel", new { job_id = jobId });
        ((bool?)(await client.ExpectAsync("job.cancelled")).Payload["already_terminal"]).Should().BeTrue();
    }

    [Fact]
    public async Task After_the_grace_the_job_ends_without_an_agent_that_does_not_listen()
    {
        var clock = new ManualClock();
        var release = new TaskCompletionSource();
        await using var runtime = new TestRuntime(
            builder =>
            {
                builder.Options.CancelGrace = TimeSpan.FromSeconds(5);
                builder.AddAgent("deaf", "1", async (JobContext job, CancellationToken _) =>
                {
                    await release.Task;
                    return (RawJson?)job.Input;
                });
            },
            clock);
        await using WireClient client = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("deaf")).JobId!;
        await client.ExpectAsync("job.event");
        for (int i = 0; i < 2; i++) // asking twice is asking once
        {
            await client.SendAsync("job.cancel", new { job_id = jobId });
            (await client.ExpectAsync("job.cancelled")).Payload.ContainsKey("already_terminal").Should().BeFalse();
        }

        clock.Advance(TimeSpan.FromSeconds(4.9));
        await client.ExpectQuietAsync();
        clock.Advance(TimeSpan.FromSeconds(0.1));

        (await client.ExpectAsync("job.error")).FinalStatus.Should().Be("cancelled");
        release.SetResult();
    }
}
