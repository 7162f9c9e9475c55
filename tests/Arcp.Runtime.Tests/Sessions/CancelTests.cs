using Arcp.Core;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "7.4")]
public class CancelTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cancel_ends_the_job_at_once_with_the_answer_before_the_terminal_frame(bool onEnvelope)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        string id = onEnvelope
            ? await client.SendAsync("job.cancel", new { reason = "enough" }, new { job_id = accepted.JobId })
            : await client.SendAsync("job.cancel", new { job_id = accepted.JobId, reason = "enough" });

        WireFrame cancelled = await client.ExpectAsync("job.cancelled");
        cancelled.JobId.Should().Be(accepted.JobId);
        cancelled.EventSeq.Should().BeNull();
        ((string?)cancelled.Json["request_id"]).Should().Be(id);
        cancelled.Payload.ToJsonString().Should().Be($$"""{"job_id":"{{accepted.JobId}}","reason":"enough"}""");
        WireFrame error = await client.ExpectAsync("job.error");
        error.Code.Should().Be("CANCELLED");
        error.FinalStatus.Should().Be("cancelled");
        error.EventSeq.Should().Be(2);
        error.Message.Should().Contain("enough");
        await client.ExpectQuietAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent is told");
    }

    [Fact]
    public async Task An_agent_that_does_not_listen_is_cancelled_at_once_too_and_its_output_is_dropped()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runtime = new TestRuntime(builder => builder.AddAgent("stubborn", "1", async (job, _) =>
        {
            await release.Task;
            try
            {
                await job.LogAsync("late");
            }
            catch (OperationCanceledException)
            {
                // as it should be
            }

            return RawJson.Parse("1");
        }));
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("stubborn");
        await client.ExpectAsync("job.event");

        await client.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await client.ExpectAsync("job.cancelled");
        (await client.ExpectAsync("job.error")).FinalStatus.Should().Be("cancelled");
        release.SetResult();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent has returned");

        await client.ExpectQuietAsync();
    }

    [Theory]
    [InlineData("echo", "success")]
    [InlineData("fails", "error")]
    [InlineData("wait", "cancelled")]
    public async Task A_job_that_has_ended_stays_as_it_is(string agent, string status)
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("fails", "1", (_, _) => throw new ArcpException(ErrorCode.Timeout, "x")));
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync(agent);
        if (agent == "wait")
        {
            await client.SendAsync("job.cancel", new { job_id = accepted.JobId });
        }

        await client.ReadJobToEndAsync(accepted.JobId!);
        for (int i = 0; i < 2; i++)
        {
            await client.SendAsync("job.cancel", new { job_id = accepted.JobId, reason = "late" });
            WireFrame answer = await client.ExpectAsync("job.cancelled");
            answer.Payload.ToJsonString().Should().Be($$"""{"job_id":"{{accepted.JobId}}","already_terminal":true,"final_status":"{{status}}"}""");
            await client.ExpectQuietAsync();
        }

        await client.SendAsync("job.subscribe", new { job_id = accepted.JobId });
        ((string?)(await client.ExpectAsync("job.subscribed")).Payload["current_status"]).Should().Be(status);
        (await client.ReceiveAsync())!.FinalStatus.Should().Be(status);
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task Only_the_submitting_session_may_cancel()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient same = await runtime.OpenAsync();
        await using WireClient bob = await runtime.OpenAsync("secret-b");
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        string id = await same.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await same.ExpectRefusalAsync(id, "PERMISSION_DENIED");
        id = await bob.SendAsync("job.cancel", new { job_id = accepted.JobId });
        WireFrame foreign = await bob.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        id = await bob.SendAsync("job.cancel", new { job_id = "job_none" });
        WireFrame unknown = await bob.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        foreign.Message.Should().Be(unknown.Message);
        id = await client.SendAsync("job.cancel", new { reason = "which?" });
        await client.ExpectRefusalAsync(id, "INVALID_REQUEST");

        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1);
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task A_job_that_is_forgotten_is_not_found()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(builder => builder.Options.TerminalRetention = TimeSpan.FromSeconds(5), clock);
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = (await client.RunJobAsync("echo"))[0];
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the retention has begun");

        clock.Advance(TimeSpan.FromSeconds(5));

        string id = await client.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await client.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
    }

    [Fact]
    public async Task A_cancel_that_races_the_jobs_end_gives_one_terminal_frame()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        var statuses = new HashSet<string>();
        for (int i = 0; i < 2000; i++)
        {
            WireFrame accepted = await client.SubmitAsync("echo");
            await client.SendAsync("job.cancel", new { job_id = accepted.JobId });
            WireFrame? answer = null;
            string? status = null;
            while (answer is null || status is null)
            {
                WireFrame frame = (await client.ReceiveAsync())!;
                if (frame.Type == "job.cancelled")
                {
                    answer = frame;
                }
                else if (frame.IsTerminal)
                {
                    status.Should().BeNull();
                    status = frame.FinalStatus;
                    if (status == "cancelled")
                    {
                        answer.Should().NotBeNull("job.cancelled comes before the job.error that it causes");
                    }
                }
            }

            statuses.Add(status);
            (status == "cancelled").Should().Be(answer.Payload["already_terminal"] is null);
        }

        await client.ExpectQuietAsync();
    }
}
