using System.Security.Cryptography;
using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>While the store fails, what would have to be kept is refused or waits, and nothing is shown that is not kept; behind the fault all goes on.</summary>
public class FailingStoreTests
{
    private readonly GatedAgent _agent = new();

    [Fact]
    [Trait("Section", "12")]
    public async Task Requests_are_refused_what_runs_waits_and_all_comes_in_order_behind_the_fault()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        WireClient away = await durable.Host.OpenAsync();
        await away.DisposeAsync();
        JobContext job = await BeginAsync(client);
        await durable.CommittedAsync();
        durable.Store.Fail();

        await ExpectUnavailableAsync(client, await client.SendAsync("job.submit", new { agent = "gate" }));
        await durable.FailingAsync();
        await ExpectUnavailableAsync(client, await client.SendAsync("job.submit", new { agent = "gate", idempotency_key = "k" }));
        await ExpectNoSessionAsync(durable, "session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } });
        await ExpectNoSessionAsync(durable, "session.resume", new { resume_token = away.ResumeToken });
        for (int i = 1; i <= 20; i++)
        {
            await job.LogAsync($"{i}");
        }

        await client.ExpectHeldAsync();
        await client.SendAsync("job.cancel", new { job_id = job.JobId.Value });
        await client.ExpectHeldAsync();
        durable.Host.Runtime.GetStatistics().Should().Match<ArcpRuntimeStatistics>(now => now.IsStoreFailing && now.UncommittedBytes > 2_000);

        durable.Store.Recover();
        List<WireFrame> frames = await client.ReadJobAsync(job.JobId.Value);
        frames.LogLines().Should().Equal(Enumerable.Range(1, 20).Select(i => $"{i}"));
        frames.Should().ContainSingle(frame => frame.Type == "job.cancelled");
        frames[^1].Code.Should().Be("CANCELLED");
        await durable.CommittedAsync();
        _agent.Runs.Should().Be(1);
        await using WireClient back = durable.Host.Connect();
        (await back.ResumeAsync(away.ResumeToken, 0)).SessionId.Should().Be(away.SessionId, "a failed resume uses nothing up");
        (await client.RunJobAsync("echo", 1))[^1].FinalStatus.Should().Be("success");
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_token_is_good_after_a_restart_when_a_resume_was_refused()
    {
        await using DurableHost durable = await CreateAsync();
        WireClient away = await durable.Host.OpenAsync();
        await away.DisposeAsync();
        await durable.CommittedAsync();
        durable.Store.AfterCommit = _ => throw new IOException(DurableSteps.DiskText); // it is kept all the same
        await ExpectNoSessionAsync(durable, "session.resume", new { resume_token = away.ResumeToken });
        durable.Store.AfterCommit = null;
        await durable.CommittedAsync();
        await durable.RestartAsync();

        await using WireClient back = durable.Host.Connect();
        (await back.ResumeAsync(away.ResumeToken, 0)).SessionId.Should().Be(away.SessionId);
    }

    [Fact]
    [Trait("Section", "6.2")]
    public async Task A_commit_that_hangs_counts_as_failing_when_its_time_is_over()
    {
        var clock = new ManualClock();
        await using DurableHost durable = await CreateAsync(clock: clock);
        TimeSpan timeout = new StorageOptions().CommitTimeout;
        await using WireClient client = await durable.Host.OpenAsync();
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        string slow = await client.SendAsync("job.submit", new { agent = "gate" });
        await gate.ReachedAsync();
        await using WireClient late = durable.Host.Connect();
        await late.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } }, new { id = "hello" });
        await TestRuntime.UntilAsync(() => durable.Host.Runtime.GetStatistics().Sessions == 2, "the hello waits for its commit");
        await TestRuntime.UntilAsync(() => clock.HasTimerIn(timeout), "the commit's time runs");
        await client.ExpectHeldAsync();
        clock.Advance(timeout - TimeSpan.FromTicks(1));
        await client.ExpectHeldAsync();
        durable.Host.Runtime.GetStatistics().IsStoreFailing.Should().BeFalse();

        clock.Advance(TimeSpan.FromTicks(1));
        await ExpectUnavailableAsync(client, slow);
        ExpectUnavailable(await late.ExpectErrorAsync("INTERNAL_ERROR", "hello"));
        await durable.FailingAsync();
        await ExpectUnavailableAsync(client, await client.SendAsync("job.submit", new { agent = "gate" }));

        gate.Open();
        await durable.CommittedAsync();
        (await client.RunJobAsync("echo", 1))[^1].FinalStatus.Should().Be("success");
        _agent.Runs.Should().Be(0);
    }

    [Theory]
    [Trait("Section", "7.2")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_refused_submit_leaves_its_key_free_and_nothing_in_the_store(bool isKeptAllTheSame)
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await durable.CommittedAsync();
        durable.Store.BeforeCommit = isKeptAllTheSame ? null : _ => throw new IOException(DurableSteps.DiskText);
        durable.Store.AfterCommit = isKeptAllTheSame ? _ => throw new IOException(DurableSteps.DiskText) : null;
        await ExpectUnavailableAsync(client, await client.SendAsync("job.submit", new { agent = "gate", input = 1, idempotency_key = "k" }));
        durable.Store.BeforeCommit = null;
        durable.Store.AfterCommit = null;
        await durable.CommittedAsync();
        await client.SendAsync("session.list_jobs");
        (await client.ExpectAsync("session.jobs")).Payload["jobs"]!.AsArray().Should().BeEmpty();

        StoredState state = await durable.KillAndLookAsync();
        state.Jobs.Should().BeEmpty();
        state.Answers.Should().BeEmpty();
        state.Sessions.Should().ContainSingle().Which.Cursors.Should().BeEmpty();
        await durable.StartAsync();
        await using WireClient resumed = durable.Host.Connect();
        await resumed.ResumeAsync(client.ResumeToken, 0);
        await resumed.SendAsync("job.submit", new { agent = "echo", input = 2, idempotency_key = "k" });
        await resumed.ReadJobToEndAsync((await resumed.ExpectAsync("job.accepted")).JobId!);
    }

    [Fact]
    [Trait("Section", "7.1")]
    public async Task A_refused_submit_and_what_takes_it_back_are_committed_together()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await durable.CommittedAsync();

        // A process that died between the two would leave a job that its client was refused.
        durable.Store.BeforeCommit = changes => changes.Any(change => change is StoreChange.JobAdded) && !changes.Any(change => change is StoreChange.JobForgotten)
            ? throw new IOException(DurableSteps.DiskText)
            : Task.CompletedTask;
        await ExpectUnavailableAsync(client, await client.SendAsync("job.submit", new { agent = "gate", idempotency_key = "k" }));
        await durable.CommittedAsync();
        (await durable.KillAndLookAsync()).Jobs.Should().BeEmpty();
    }

    [Fact]
    [Trait("Section", "10")]
    public async Task A_delegation_is_denied_to_the_agent_and_leaves_nothing()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", """{"agent.delegate":["*"],"cost.budget":["USD:5"]}""");
        JobContext parent = await _agent.BegunAsync(accepted.JobId!);
        await client.ExpectAsync("job.event");
        await durable.CommittedAsync();
        durable.Store.Fail();

        var lease = new Core.Leases.Lease([new("cost.budget", ["USD:2"])]);
        ArcpException denial = (await parent.Awaiting(job => job.DelegateAsync("echo", lease: lease)).Should().ThrowAsync<ArcpException>()).Which;
        (denial.Code, denial.Retryable).Should().Be((ErrorCode.InternalError, true));
        parent.RemainingBudget["USD"].Should().Be(5);
        durable.Store.Recover();
        await durable.CommittedAsync();
        (await LendingRuntime.ReadToPongAsync(client)).Should().NotContain(frame => frame.Kind == "delegate");

        await parent.DelegateAsync("echo", lease: lease);
        await client.SendAsync("session.list_jobs");
        (await client.SkipToAsync("session.jobs")).Payload["jobs"]!.AsArray().Should().HaveCount(2);
        await durable.CommittedAsync();
        (await durable.KillAndLookAsync()).Jobs.Should().HaveCount(2);
    }

    [Fact]
    [Trait("Section", "9.8")]
    public async Task A_credential_that_cannot_be_recorded_is_revoked_once()
    {
        var provisioner = new ScriptedProvisioner();
        await using DurableHost durable = await CreateAsync(
            builder => builder.UseCredentialProvisioner(provisioner).UseSecretProtector(new AesGcmSecretProtector(RandomNumberGenerator.GetBytes(32))));
        await using WireClient client = await durable.Host.OpenFullAsync();
        await durable.CommittedAsync();
        durable.Store.Fail();

        await client.ExpectRefusalAsync(await client.SendAsync("job.submit", new { agent = "gate", idempotency_key = "k" }), "INTERNAL_ERROR");
        await TestRuntime.UntilAsync(() => provisioner.Revoked.Count == 1, "it is revoked");
        durable.Store.Recover();
        await durable.CommittedAsync();
        await TestRuntime.UntilAsync(() => durable.Host.Runtime.GetStatistics().OutstandingCredentials == 0, "nothing is outstanding");
        await client.ExpectQuietAsync();
        StoredState state = await durable.KillAndLookAsync();
        state.Credentials.Should().BeEmpty();
        state.Jobs.Should().BeEmpty();
        await durable.StartAsync();
        await durable.CommittedAsync();
        provisioner.AttemptsOn(provisioner.Values.Should().ContainSingle().Subject).Should().Be(1);
    }

    [Fact]
    [Trait("Section", "7.6")]
    public async Task A_log_that_cannot_be_read_makes_its_reader_wait_and_nobody_else()
    {
        await using DurableHost durable = await CreateAsync(builder => builder.Options.MaxLogEventsPerJob = 10);
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient watcher = await durable.Host.OpenAsync();
        List<WireFrame> done = await client.RunJobAsync("count", new { n = 100 });
        int attempts = 0;
        durable.Store.BeforeRead = (_, _) =>
        {
            Interlocked.Increment(ref attempts);
            throw new IOException(DurableSteps.DiskText);
        };

        await watcher.SubscribeAsync(done[0].JobId!);
        await TestRuntime.UntilAsync(() => Volatile.Read(ref attempts) > 2, "it is tried again");
        await watcher.ExpectHeldAsync();
        await client.RunJobAsync("echo", 1);
        durable.Store.BeforeRead = null;

        (await watcher.ReadJobAsync(done[0].JobId!)).Select(frame => frame.Id).Should().Equal(done.Skip(1).Select(frame => frame.Id));
    }

    [Theory]
    [Trait("Section", "7.3")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_runtime_whose_store_never_commits_stops_in_bounded_time(bool hangs)
    {
        await using DurableHost durable = await CreateAsync(builder => builder.Options.Storage.CommitTimeout = TimeSpan.FromSeconds(2));
        await using WireClient client = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        await durable.CommittedAsync();
        durable.Store.BeforeCommit = hangs ? _ => new TaskCompletionSource().Task : _ => throw new IOException(DurableSteps.DiskText);
        await job.LogAsync("never seen");
        await client.SendAsync("job.submit", new { agent = "gate" });
        await client.SendAsync("session.list_jobs");
        await client.SkipToAsync("session.error");

        await durable.Host.Runtime.StopAsync().WaitAsync(TimeSpan.FromSeconds(15), TimeProvider.System);
        List<WireFrame> rest = [];
        while (await client.ReceiveAsync() is { } frame)
        {
            rest.Add(frame);
        }

        rest.Should().NotContain(frame => frame.EventSeq != null, "nothing is shown that is not kept");
        durable.Host.Logs.Lines.Should().Contain(line => line.Contains(" 5005 "));
    }

    private static void ExpectUnavailable(WireFrame error)
    {
        ((bool)error.Payload["retryable"]!).Should().BeTrue();
        error.Text.Should().NotContainAny("disk", "/var", "IOException");
    }

    private static async Task ExpectUnavailableAsync(WireClient client, string request) =>
        ExpectUnavailable(await client.ExpectRefusalAsync(request, "INTERNAL_ERROR"));

    private static async Task ExpectNoSessionAsync(DurableHost durable, string type, object payload)
    {
        await using WireClient client = durable.Host.Connect();
        string request = await client.SendAsync(type, payload);
        ExpectUnavailable(await client.ExpectErrorAsync("INTERNAL_ERROR", request));
        await client.ExpectEndAsync();
    }

    private Task<DurableHost> CreateAsync(Action<ArcpRuntimeBuilder>? configure = null, TimeProvider? clock = null) => DurableHost.CreateAsync(
        builder =>
        {
            builder.Options.Storage.RetryBackoff = TimeSpan.FromMilliseconds(1);
            builder.Options.Storage.MaxRetryBackoff = TimeSpan.FromMilliseconds(4);
            builder.AddAgent("gate", "1", _agent.RunAsync);
            configure?.Invoke(builder);
        },
        clock);

    /// <summary>Submits a job that waits, and reads its first event.</summary>
    private async Task<JobContext> BeginAsync(WireClient client)
    {
        WireFrame accepted = await client.SubmitAsync("gate");
        await client.ExpectAsync("job.event");
        return await _agent.BegunAsync(accepted.JobId!);
    }
}
