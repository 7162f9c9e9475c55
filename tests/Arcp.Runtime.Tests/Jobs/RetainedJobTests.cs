using System.Runtime.CompilerServices;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>A job that has ended holds its log and what it is listed by, and little more.</summary>
public class RetainedJobTests
{
    [Fact]
    public void A_job_that_has_ended_keeps_its_status_and_its_log_and_not_its_result()
    {
        Job job = TestJob.Create();
        job.TryApply(JobSignal.AgentStarted);
        WeakReference result = End(job);

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        result.IsAlive.Should().BeFalse();
        job.Snapshot().State.Status.Should().Be(JobStatus.Success);
        job.Snapshot().State.IsTerminal.Should().BeTrue();
        job.Snapshot().State.Decision!.Status.Should().Be(JobStatus.Success);
        ((int)TestJob.Frames(job)[^1].Payload["result"]!["n"]!).Should().Be(17);
        job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown)).Should().BeFalse();
        job.TryEmit(new ThoughtEvent { Text = "late" }).Should().BeFalse();
    }

    [Fact]
    public async Task The_input_of_a_job_goes_with_its_agent()
    {
        var inputs = new List<WeakReference>();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("remember", "1", (job, _) =>
        {
            inputs.Add(new WeakReference(job.Input));
            return Task.FromResult<RawJson?>(null);
        }));
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("remember", new { text = "much" });
        await client.RunJobAsync("remember", new { text = "much" }); // what the first one left on stacks and in frames is written over
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agents' return");

        await TestRuntime.UntilAsync(
            () =>
            {
                GC.Collect();
                return !inputs[0].IsAlive;
            },
            "the input to go");
        runtime.Runtime.GetStatistics().Jobs.Should().Be(2);
    }

    [Fact]
    public void Whoever_asks_for_the_token_late_is_told_to_stop()
    {
        Job job = TestJob.Create();
        job.TryApply(JobSignal.AgentStarted);
        CancellationToken early = job.Stopping;
        job.TryApply(new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Null)));
        job.ReleaseAgent();

        early.IsCancellationRequested.Should().BeTrue();
        job.Stopping.IsCancellationRequested.Should().BeTrue();
        job.StopDelivered.IsCompletedSuccessfully.Should().BeTrue();
        job.RequestStop();
    }

    [Fact]
    [Trait("Section", "6.6")]
    public async Task Jobs_are_forgotten_each_in_its_time()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");
        TimeSpan apart = TimeSpan.FromSeconds(100);
        for (int i = 0; i < 3; i++)
        {
            await client.RunJobAsync("echo");
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent's return");
            clock.Advance(apart);
        }

        runtime.Runtime.GetStatistics().Jobs.Should().Be(3);
        TimeSpan retention = new ArcpRuntimeOptions().EffectiveRetention;
        clock.Advance(retention - (3 * apart) - TimeSpan.FromSeconds(1));
        for (int left = 3; left > 0; left--)
        {
            runtime.Runtime.GetStatistics().Jobs.Should().Be(left);
            clock.Advance(TimeSpan.FromSeconds(1));
            runtime.Runtime.GetStatistics().Jobs.Should().Be(left - 1);
            clock.Advance(apart - TimeSpan.FromSeconds(1));
        }

        // And from the start again, when there was nothing to wait for.
        await client.RunJobAsync("echo");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent's return");
        clock.Advance(retention - TimeSpan.FromSeconds(1));
        runtime.Runtime.GetStatistics().Jobs.Should().Be(1);
        clock.Advance(TimeSpan.FromSeconds(1));
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference End(Job job)
    {
        RawJson result = RawJson.Parse("""{"n":17}""");
        job.TryApply(new JobSignal.Finished(new JobOutcome.Succeeded(result)));
        return new WeakReference(result);
    }
}
