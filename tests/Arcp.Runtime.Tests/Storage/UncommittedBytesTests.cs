using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>What may wait to be committed is bounded: beyond the bound agents wait.</summary>
public class UncommittedBytesTests
{
    private readonly GatedAgent _agent = new();

    [Fact]
    [Trait("Section", "14")]
    public async Task An_agent_waits_while_too_much_is_not_committed_and_loses_nothing()
    {
        const int lines = 100;
        await using DurableHost durable = await CreateAsync(maxUncommittedBytes: 4_000);
        await using WireClient client = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        int emitted = 0;
        Task emitting = Task.Run(async () =>
        {
            for (int i = 1; i <= lines; i++)
            {
                await job.LogAsync($"{i}");
                Interlocked.Increment(ref emitted);
            }
        });
        await TestRuntime.UntilAsync(() => durable.Host.Runtime.GetStatistics().UncommittedBytes >= 4_000, "the bound is reached");
        await client.ExpectHeldAsync();
        emitting.IsCompleted.Should().BeFalse();
        Volatile.Read(ref emitted).Should().BeInRange(1, lines / 2);

        gate.Open();
        (await client.ReadNumberedAsync(lines)).LogLines().Should().Equal(Enumerable.Range(1, lines).Select(i => $"{i}"));
        await emitting.WaitAsync(WireClient.Patience, TimeProvider.System);
    }

    [Fact]
    [Trait("Section", "7.4")]
    public async Task An_agent_that_waits_for_the_store_is_unwound_when_its_job_is_cancelled()
    {
        await using DurableHost durable = await CreateAsync(maxUncommittedBytes: 1);
        await using WireClient client = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        await job.LogAsync("1");
        Task waiting = job.LogAsync("2").AsTask();
        waiting.IsCompleted.Should().BeFalse();
        await client.SendAsync("job.cancel", new { job_id = job.JobId.Value });

        await FluentActions.Awaiting(() => waiting.WaitAsync(WireClient.Patience, TimeProvider.System)).Should().ThrowAsync<OperationCanceledException>();
        await client.ExpectHeldAsync();
        gate.Open();
        (await client.ReadJobAsync(job.JobId.Value)).Where(frame => frame.EventSeq is not null).Select(frame => frame.Kind ?? frame.Code).Should().Equal("log", "CANCELLED");
    }

    private Task<DurableHost> CreateAsync(long maxUncommittedBytes) => DurableHost.CreateAsync(builder =>
    {
        builder.Options.Storage.MaxUncommittedBytes = maxUncommittedBytes;
        builder.AddAgent("gate", "1", _agent.RunAsync);
    });

    /// <summary>Submits a job that waits, and reads its first event.</summary>
    private async Task<JobContext> BeginAsync(WireClient client)
    {
        WireFrame accepted = await client.SubmitAsync("gate");
        await client.ExpectAsync("job.event");
        return await _agent.BegunAsync(accepted.JobId!);
    }
}
