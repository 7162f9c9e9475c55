using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>Submits that wait for credentials, that fail behind them, and that are repeated.</summary>
[Trait("Section", "9.8")]
public class LendingSubmitTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_submit_whose_credentials_are_not_issued_leaves_nothing(bool isBudget)
    {
        await using var lending = new LendingRuntime();
        lending.Provisioner.OnIssue = (_, _) => throw (isBudget
            ? new ArcpException(ErrorCode.BudgetExhausted, "the team's budget is spent")
            : new InvalidOperationException(ScriptedProvisioner.Secret));
        await using WireClient client = await lending.Host.OpenFullAsync();

        string id = await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });

        WireFrame error = await client.ExpectRefusalAsync(id, isBudget ? "BUDGET_EXHAUSTED" : "INTERNAL_ERROR");
        ((bool)error.Payload["retryable"]!).Should().Be(!isBudget);
        error.Text.Should().NotContain(ScriptedProvisioner.Secret);
        error.Message!.Contains("the team's budget is spent", StringComparison.Ordinal).Should().Be(isBudget);
        lending.Host.Runtime.GetStatistics().Should().Match<ArcpRuntimeStatistics>(now => now.Jobs == 0 && now.RunningJobs == 0 && now.IdempotencyEntries == 0 && now.PendingDeadlines == 0);
        lending.Provisioner.OnIssue = null;
        await client.SendAsync("job.submit", new { agent = "echo", input = "another request", idempotency_key = "k" });
        await client.ReadJobToEndAsync((await client.ExpectAsync("job.accepted")).JobId!);
        await lending.ExpectAllTakenBackAsync();
    }

    [Fact]
    public async Task A_limit_refuses_before_anything_is_issued()
    {
        await using var lending = new LendingRuntime(builder => builder.Options.MaxRunningJobsPerPrincipal = 1);
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame first = await client.SubmitAsync("gate");
        await client.ExpectAsync("job.event");

        string id = await client.SendAsync("job.submit", new { agent = "gate" });

        await client.ExpectRefusalAsync(id, "INTERNAL_ERROR");
        lending.Provisioner.Requests.Should().HaveCount(1);
        lending.Agent.Open(first.JobId!);
        await client.ReadJobToEndAsync(first.JobId!);
        await lending.ExpectAllTakenBackAsync();
    }

    [Fact]
    public async Task A_store_that_fails_behind_the_issue_leaves_no_value_and_no_job()
    {
        var provisioner = new ScriptedProvisioner();
        var store = new ScriptedRuntimeStore { BeforeCommit = changes => changes.Any(change => change is StoreChange.JobAdded) ? throw new IOException("the disk is full") : Task.CompletedTask };
        SessionServices services = Setup(provisioner, store, new ArcpRuntimeOptions()).Compose(out RuntimeRecovery? recovery);
        await recovery!.RunAsync(services, CancellationToken.None);
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        using var host = new ConnectionHost(services, static _ => Task.CompletedTask);
        Task connection = host.RunAsync(host.Add(far), ConnectionContext.Unknown, CancellationToken.None);
        await using (var client = new WireClient(near))
        {
            await client.HelloAsync("secret-a", LeaseRequests.Features);
            string id = await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });
            await client.ExpectRefusalAsync(id, "INTERNAL_ERROR");
        }

        await connection.WaitAsync(WireClient.Patience, TimeProvider.System);
        await TestRuntime.UntilAsync(() => services.Broker!.Outstanding == 0, "nothing outstanding");
        provisioner.Revoked.Should().Equal(provisioner.Values.ToDictionary(value => value, _ => 1)).And.HaveCount(1);
        services.Jobs.Count.Should().Be(0);
        services.Jobs.ActiveCount.Should().Be(0);
        services.Deadlines.Dispose();
    }

    [Fact]
    [Trait("Section", "7.1")]
    public async Task A_provisioner_that_hangs_holds_up_neither_pings_nor_others_and_answers_stay_in_order()
    {
        await using var lending = new LendingRuntime();
        var answer = new TaskCompletionSource<IReadOnlyList<IssuedCredential>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lending.Provisioner.OnIssue = (request, _) => request.JobId == lending.Provisioner.Requests.First().JobId ? new(answer.Task) : new([lending.Provisioner.Next()]);
        await using WireClient client = await lending.Host.OpenFullAsync();
        await using WireClient other = await lending.Host.OpenFullAsync();
        string slow = await client.SendAsync("job.submit", new { agent = "echo" });
        await TestRuntime.UntilAsync(() => lending.Provisioner.Requests.Count == 1, "the issue is under way");
        string jobId = lending.Provisioner.Requests.Single().JobId.Value;
        string quick = await client.SendAsync("job.submit", new { agent = "gate" });
        string refused = await client.SendAsync("job.submit", new { agent = "nobody" });
        await TestRuntime.UntilAsync(() => lending.Provisioner.Requests.Count == 2, "the next submit is decided meanwhile");
        await client.ExpectQuietAsync();

        // Nobody sees a job that is not accepted.
        await client.SendAsync("session.list_jobs");
        WireFrame listed = await client.ExpectAsync("session.jobs");
        listed.Text.Should().NotContain(jobId);
        await client.ExpectRefusalAsync(await client.SendAsync("job.cancel", new { job_id = jobId }), "JOB_NOT_FOUND");
        await client.ExpectRefusalAsync(await client.SendAsync("job.subscribe", new { job_id = jobId }), "JOB_NOT_FOUND");
        List<WireFrame> ofOther = await other.RunJobAsync("echo");
        ofOther[^1].Type.Should().Be("job.result");

        lending.Clock.Advance(TimeSpan.FromSeconds(30));
        await client.ExpectRefusalAsync(slow, "INTERNAL_ERROR");
        WireFrame accepted = await client.SkipToAsync("job.accepted");
        ((string?)accepted.Json["request_id"]).Should().Be(quick);
        WireFrame error = await client.SkipToAsync("session.error");
        ((string?)error.Payload["request_id"]).Should().Be(refused);
        answer.SetResult([lending.Provisioner.Next()]);
        lending.Agent.Open(accepted.JobId!);
        await client.ReadJobToEndAsync(accepted.JobId!);
        await lending.ExpectAllTakenBackAsync();
        lending.Host.Runtime.GetStatistics().RunningJobs.Should().Be(0, "the refused submit's place is free");
    }

    [Theory]
    [InlineData("closed")]
    [InlineData("lost")]
    [InlineData("expired")]
    public async Task A_session_that_goes_during_the_issue_leaves_nothing_outstanding(string how)
    {
        await using var lending = new LendingRuntime();
        var answer = new TaskCompletionSource<IReadOnlyList<IssuedCredential>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lending.Provisioner.OnIssue = (_, _) => new(answer.Task);
        WireClient client = await lending.Host.OpenFullAsync();
        await client.SendAsync("job.submit", new { agent = "gate" });
        await TestRuntime.UntilAsync(() => lending.Provisioner.Requests.Count == 1, "the issue is under way");
        string jobId = lending.Provisioner.Requests.Single().JobId.Value;
        if (how == "closed")
        {
            await client.SendAsync("session.close");
            await client.ExpectAsync("session.closed");
        }

        await client.DisposeAsync();
        await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics().Connections == 0, "the connection is gone");
        if (how == "expired")
        {
            // The issue may take as long as the window: its own limit is a call that the clock ends as well.
            lending.Clock.Advance(TimeSpan.FromSeconds(29));
            answer.SetResult([lending.Provisioner.Next()]);
            await lending.Agent.BegunAsync(jobId);
            lending.Clock.Advance(TimeSpan.FromSeconds(600));
            await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics().Sessions == 0, "the session is gone");
            lending.Agent.Open(jobId);
        }
        else
        {
            answer.SetResult([lending.Provisioner.Next()]);
            await lending.Agent.BegunAsync(jobId);
            await using WireClient again = lending.Host.Connect();
            await again.ResumeAsync(client.ResumeToken, 0);
            WireFrame accepted = await again.ExpectAsync("job.accepted");
            accepted.Payload["credentials"]!.AsArray().Should().HaveCount(1);
            lending.Agent.Open(jobId);
            await again.ReadJobToEndAsync(jobId);
        }

        await lending.ExpectAllTakenBackAsync();
        lending.Provisioner.Values.Should().HaveCount(1);
        lending.Host.Runtime.GetStatistics().RunningJobs.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_job_accepted_when_its_session_is_gone_for_good_runs_unread()
    {
        await using var lending = new LendingRuntime(builder => builder.Options.ResumeWindow = TimeSpan.FromSeconds(5));
        var answer = new TaskCompletionSource<IReadOnlyList<IssuedCredential>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lending.Provisioner.OnIssue = (_, _) => new(answer.Task);
        WireClient client = await lending.Host.OpenFullAsync();
        await client.SendAsync("job.submit", new { agent = "gate" });
        await TestRuntime.UntilAsync(() => lending.Provisioner.Requests.Count == 1, "the issue is under way");
        await client.DisposeAsync();
        await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics() is { Connections: 0, PendingDeadlines: 1 }, "the window runs");
        lending.Clock.Advance(TimeSpan.FromSeconds(5));
        lending.Host.Runtime.GetStatistics().Sessions.Should().Be(0);

        answer.SetResult([lending.Provisioner.Next()]);

        string jobId = lending.Provisioner.Requests.Single().JobId.Value;
        await lending.Agent.BegunAsync(jobId);
        lending.Agent.Open(jobId, async job =>
        {
            await job.DelegateAsync("gate", lease: null).ContinueWith(denied => denied.IsFaulted.Should().BeTrue(), TaskScheduler.Default);
            return null;
        });
        await lending.ExpectAllTakenBackAsync();
    }

    [Fact]
    [Trait("Section", "7.2")]
    public async Task A_replay_carries_the_same_bytes_also_after_a_rotation_and_the_end()
    {
        await using var lending = new LendingRuntime();
        await using WireClient client = await lending.Host.OpenFullAsync();
        await using WireClient other = await lending.Host.OpenFullAsync();
        var submit = new { agent = "gate", idempotency_key = "k" };
        await client.SendAsync("job.submit", submit);
        WireFrame first = await client.ExpectAsync("job.accepted");
        string payload = PayloadOf(first);
        payload.Should().Contain(ScriptedProvisioner.Secret);
        JobContext job = await lending.Agent.BegunAsync(first.JobId!);

        await ExpectReplayAsync();
        await job.RotateCredentialAsync(job.Credentials[0].Id);
        await ExpectReplayAsync();
        lending.Agent.Open(first.JobId!);
        await client.ReadJobToEndAsync(first.JobId!);
        await lending.ExpectAllTakenBackAsync();
        await ExpectReplayAsync();
        lending.Provisioner.Requests.Should().HaveCount(2, "one issue and one rotation");

        async Task ExpectReplayAsync()
        {
            await other.SendAsync("job.submit", submit);
            PayloadOf(await other.ExpectAsync("job.accepted")).Should().Be(payload);
        }
    }

    [Fact]
    [Trait("Section", "7.2")]
    public async Task Identical_submits_at_once_have_one_issue()
    {
        await using var lending = new LendingRuntime();
        var answer = new TaskCompletionSource<IReadOnlyList<IssuedCredential>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lending.Provisioner.OnIssue = (_, _) => new(answer.Task);
        WireClient[] clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => lending.Host.OpenFullAsync()));
        await Task.WhenAll(clients.Select(client => client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" })));
        await Task.WhenAll(clients.Select(client => client.ExpectQuietAsync()));

        answer.SetResult([lending.Provisioner.Next()]);

        WireFrame[] accepted = await Task.WhenAll(clients.Select(client => client.ExpectAsync("job.accepted")));
        accepted.Select(PayloadOf).Distinct().Should().ContainSingle().Which.Should().Contain(ScriptedProvisioner.Secret);
        lending.Provisioner.Requests.Should().HaveCount(1);
        await lending.ExpectAllTakenBackAsync();
        foreach (WireClient client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_job_decided_while_the_runtime_stops_is_told_its_end_before_the_connection_closes()
    {
        var provisioner = new ScriptedProvisioner();
        var accept = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var revoke = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        provisioner.OnRevoke = async (_, _, _) => await revoke.Task;
        var store = new ScriptedRuntimeStore
        {
            BeforeCommit = changes => changes.Any(change => change is StoreChange.AnswerKept) ? accept.Task : Task.CompletedTask,
        };
        await using var runtime = new ArcpRuntime(Setup(provisioner, store, new ArcpRuntimeOptions { ShutdownGrace = TimeSpan.FromSeconds(1) }));
        await using var client = new WireClient(runtime.ConnectInProcess());
        await client.HelloAsync("secret-a", LeaseRequests.Features);
        await using var other = new WireClient(runtime.ConnectInProcess());
        await other.HelloAsync("secret-a", "ack");
        await other.SubmitAsync("watch");
        await other.ExpectAsync("job.event");
        await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });
        await TestRuntime.UntilAsync(() => runtime.GetStatistics().OutstandingCredentials == 1, "the value is issued");

        Task stopping = runtime.StopAsync();
        await TestRuntime.UntilAsync(() => runtime.GetStatistics().RunningJobs == 0, "jobs are no longer taken, and those there were have ended");
        accept.SetResult();
        (await other.ExpectAsync("job.error")).Code.Should().Be("INTERNAL_ERROR");
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ExpectQuietAsync();
        revoke.SetResult();

        WireFrame end = await client.ExpectAsync("job.error");
        end.JobId.Should().Be(accepted.JobId);
        end.Code.Should().Be("INTERNAL_ERROR");
        await client.ExpectAsync("session.closed");
        await stopping.WaitAsync(WireClient.Patience, TimeProvider.System);
        provisioner.Revoked.Values.Should().Equal(1);
    }

    private static string PayloadOf(WireFrame frame)
    {
        using JsonDocument document = JsonDocument.Parse(frame.Text);
        return document.RootElement.GetProperty("payload").GetRawText();
    }

    private static RuntimeSetup Setup(ICredentialProvisioner provisioner, IRuntimeStore store, ArcpRuntimeOptions options) => new()
    {
        Options = options,
        Clock = TimeProvider.System,
        LoggerFactory = new CapturedLogs(),
        Services = new ServiceCollection().BuildServiceProvider(),
        Authenticator = new StaticTokenAuthenticator([("secret-a", Principal.Named("alice"))]),
        ObservationPolicy = new DenyOthers(),
        CredentialProvisioner = provisioner,
        RevocationStore = new InMemoryRevocationStore(),
        Agents =
        [
            new AgentDescriptor("echo", "1", false, _ => new DelegateAgent((job, _) => Task.FromResult<RawJson?>(job.Input))),
            new AgentDescriptor("watch", "1", false, _ => new DelegateAgent(async (_, cancellationToken) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                return null;
            })),
        ],
        Store = store,
        SecretProtector = new AesGcmSecretProtector(new byte[32]),
    };
}
