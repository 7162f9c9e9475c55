using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Leases;

/// <summary>Where children stand in their submitter's stream, and how they end with their parent.</summary>
[Trait("Section", "10")]
public class DelegationStreamTests
{
    private const string Lease = """{"agent.delegate":["*"],"cost.budget":["USD:10"]}""";

    [Fact]
    public async Task Every_child_of_many_at_once_is_announced_before_its_first_frame()
    {
        const int Children = 20;
        await using TestRuntime runtime = Fanning(Children);
        await using WireClient client = runtime.Connect(capacity: 1);
        await client.HelloAsync("secret-a", LeaseRequests.Features);
        for (int i = 0; i < 50; i++)
        {
            WireFrame accepted = await client.SubmitLeasedAsync("fan", Lease);
            ExpectAnnounced(await client.ReadUntilEndedAsync((2 * Children) + 1), accepted.JobId!, 2 * Children);
        }
    }

    [Fact]
    [Trait("Section", "14")]
    public async Task A_client_that_does_not_read_changes_no_order()
    {
        const int Children = 10;
        await using TestRuntime runtime = Fanning(Children, builder => builder.Options.MaxLogEventsPerJob = 4);
        await using WireClient client = runtime.Connect(capacity: 1);
        await client.HelloAsync("secret-a", LeaseRequests.Features);
        await client.SendLeasedAsync("fan", Lease);
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Jobs > Children, "children are started before anything is read");

        WireFrame accepted = await client.ExpectAsync("job.accepted");
        ExpectAnnounced(await client.ReadUntilEndedAsync((2 * Children) + 1), accepted.JobId!, 2 * Children);
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_resume_at_any_frame_changes_no_order()
    {
        const int Children = 3;
        const int Frames = 2 + (Children * 2 * 4); // the parent's start and end; of each child announcement, start, line, end
        await using TestRuntime runtime = Fanning(Children);
        for (int cut = 0; cut <= Frames; cut++)
        {
            WireClient client = await runtime.OpenFullAsync();
            WireFrame accepted = await client.SubmitLeasedAsync("fan", Lease);
            var frames = new List<WireFrame>();
            while (frames.Count < cut)
            {
                frames.Add((await client.ReceiveAsync())!);
            }

            await client.DisposeAsync();
            await using WireClient again = runtime.Connect();
            await again.ResumeAsync(client.ResumeToken, cut);
            while (frames.Count < Frames)
            {
                WireFrame frame = (await again.ReceiveAsync())!;
                if (frame.Type != "job.accepted")
                {
                    frames.Add(frame);
                }
            }

            ExpectAnnounced(frames, accepted.JobId!, 2 * Children);
            await again.ExpectQuietAsync();
        }
    }

    [Fact]
    public async Task A_child_of_a_job_that_ends_while_it_is_announced_is_told_to_the_end()
    {
        var parentAgent = new GatedAgent();
        Arcp.Runtime.Sessions.SessionServices services = TestRuntime.Compose(new AgentDescriptor("gate", "1", false, _ => new DelegateAgent(parentAgent.RunAsync)));
        await TestRuntime.ServeAsync(services, async client =>
        {
            WireFrame accepted = await client.SubmitLeasedAsync("gate", Lease);
            JobContext job = await parentAgent.BegunAsync(accepted.JobId!);
            await client.ExpectAsync("job.event");
            services.Jobs.TryFind(new JobId(accepted.JobId!), out KnownJob? parent).Should().BeTrue();
            using var watch = new HoldingReader();
            parent!.Itself!.Attach(watch);

            // The announcement stands in the log; before the session is told to read the child, the parent ends and all of it is sent.
            Task<DelegatedJob> delegating = Task.Run(() => job.DelegateAsync("gate"));
            WireFrame announced = await client.ExpectAsync("job.event");
            announced.Kind.Should().Be("delegate");
            await client.SendAsync("job.cancel", new { job_id = accepted.JobId });
            await client.ExpectAsync("job.cancelled");
            (await client.ExpectAsync("job.error")).JobId.Should().Be(accepted.JobId);
            watch.Release();

            WireFrame end = await client.ExpectAsync("job.error");
            end.JobId.Should().Be((string?)announced.Body["child_job_id"]);
            end.FinalStatus.Should().Be("cancelled");
            (await (await delegating).Completion).Status.Value.Should().Be("cancelled");
            await client.ExpectQuietAsync();
        });
        services.Deadlines.Dispose();
    }

    [Theory]
    [InlineData("success", "CANCELLED")]
    [InlineData("cancel", "CANCELLED")]
    [InlineData("timeout", "CANCELLED")]
    [InlineData("expiry", null)] // its own lease ends at the same moment
    [InlineData("shutdown", null)]
    public async Task The_end_of_a_job_is_the_end_of_all_below_it(string end, string? code)
    {
        var clock = new ManualClock();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync), clock);
        await using WireClient client = await runtime.OpenFullAsync();
        await client.SendAsync("job.submit", new
        {
            agent = "gate",
            lease_request = new Dictionary<string, string[]> { ["agent.delegate"] = ["gate"] },
            lease_constraints = end == "expiry" ? new { expires_at = clock.GetUtcNow().AddSeconds(5).UtcDateTime.ToString("O") } : null,
            max_runtime_sec = end == "timeout" ? 5 : (int?)null,
        });
        string jobId = (await client.ExpectAsync("job.accepted")).JobId!;
        JobContext job = await agent.BegunAsync(jobId);
        DelegatedJob child = await job.DelegateAsync("gate", null, job.Lease);
        JobContext ofChild = await agent.BegunAsync(child.JobId.Value);
        ofChild.LeaseExpiresAt.Should().Be(job.LeaseExpiresAt, "it is inherited");
        DelegatedJob grandchild = await ofChild.DelegateAsync("gate");
        await agent.BegunAsync(grandchild.JobId.Value);
        if (end is "timeout" or "expiry")
        {
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == (end == "expiry" ? 3 : 1), "the deadlines are set");
            clock.Advance(TimeSpan.FromSeconds(5));
        }
        else if (end == "shutdown")
        {
            _ = runtime.Runtime.StopAsync();
        }
        else if (end == "cancel")
        {
            await client.SendAsync("job.cancel", new { job_id = jobId });
        }
        else
        {
            agent.Open(jobId);
        }

        List<WireFrame> frames = await client.ReadUntilEndedAsync(3);

        frames.Where(frame => frame.IsTerminal).Select(frame => frame.JobId).Should().BeEquivalentTo([jobId, child.JobId.Value, grandchild.JobId.Value]);
        if (code is not null)
        {
            frames.Where(frame => frame.IsTerminal && frame.JobId != jobId).Should().OnlyContain(frame => frame.Code == code);
        }

        (await child.Completion).Error.Should().NotBeNull();
        await agent.OverAsync(grandchild.JobId.Value);
        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "9.6")]
    public async Task A_delegation_that_races_with_its_jobs_end_leaves_no_child_and_no_budget_behind()
    {
        const int Iterations = 500;
        var agent = new GatedAgent();
        await using var lending = new LendingRuntime(builder => builder.AddAgent("inner", "1", agent.RunAsync));
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", Lease);
        JobContext top = await lending.Agent.BegunAsync(accepted.JobId!);
        using var race = new Race(2);
        int started = 0;
        for (int i = 0; i < Iterations; i++)
        {
            DelegatedJob middle = await top.DelegateAsync("inner", null, DelegationAuthorityTests.ToLease("""{"agent.delegate":["*"],"cost.budget":["USD:5"]}"""));
            JobContext ofMiddle = await agent.BegunAsync(middle.JobId.Value);
            Task<DelegatedJob>? delegating = null;
            race.Round(runner =>
            {
                if (runner == 0)
                {
                    delegating = ofMiddle.DelegateAsync("inner", null, DelegationAuthorityTests.ToLease("""{"cost.budget":["USD:2"]}"""));
                }
                else
                {
                    Thread.SpinWait(i % 50 * 400);
                    middle.Cancel();
                }
            });

            int ends = 1;
            try
            {
                DelegatedJob leaf = await delegating!;
                (await leaf.Completion).Status.Value.Should().Be("cancelled");
                ends++;
                started++;
            }
            catch (OperationCanceledException)
            {
                // the middle one had ended
            }

            await middle.Completion;
            await TestRuntime.UntilAsync(() => top.RemainingBudget["USD"] == 10, "all of the budget is back");
            await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics() is { RunningJobs: 1, OutstandingCredentials: 2 }, "only the top is left");
            List<WireFrame> frames = await client.ReadUntilEndedAsync(ends);
            frames.Count(frame => frame.Kind == "delegate").Should().Be(ends, "every child that was announced is told to its end");
        }

        started.Should().BeInRange(1, Iterations - 1, "the race must be one");
        (await LendingRuntime.ReadToPongAsync(client)).Should().BeEmpty();
        lending.Agent.Open(accepted.JobId!);
        await client.ReadJobToEndAsync(accepted.JobId!);
        await lending.ExpectAllTakenBackAsync();
    }

    [Fact]
    public async Task A_job_that_has_ended_delegates_nothing()
    {
        var agent = new GatedAgent(isStubborn: true);
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", Lease);
        JobContext job = await agent.BegunAsync(accepted.JobId!);
        await client.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await client.ReadJobToEndAsync(accepted.JobId!);

        foreach (string lease in (string[])["{}", """{"cost.budget":["USD:1"]}""", """{"cost.budget":["USD:11"]}"""])
        {
            Func<Task> late = () => job.DelegateAsync("gate", null, DelegationAuthorityTests.ToLease(lease));
            await late.Should().ThrowAsync<OperationCanceledException>();
        }

        runtime.Runtime.GetStatistics().Jobs.Should().Be(1);
        agent.Open(accepted.JobId!);
    }

    [Fact]
    [Trait("Section", "9.8")]
    public async Task A_job_that_ends_while_a_childs_credentials_are_issued_does_not_wait_for_them()
    {
        await using var lending = new LendingRuntime();
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", Lease);
        JobContext job = await lending.Agent.BegunAsync(accepted.JobId!);
        var answer = new TaskCompletionSource<IReadOnlyList<Arcp.Runtime.Credentials.IssuedCredential>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lending.Provisioner.OnIssue = (_, _) => new(answer.Task);
        Task<DelegatedJob> delegating = job.DelegateAsync("gate", null, DelegationAuthorityTests.ToLease("""{"cost.budget":["USD:4"]}"""));
        await TestRuntime.UntilAsync(() => lending.Provisioner.Requests.Count == 2, "the issue is under way");
        job.RemainingBudget["USD"].Should().Be(6);

        await client.SendAsync("job.cancel", new { job_id = accepted.JobId });

        Func<Task> waiting = () => delegating.WaitAsync(WireClient.Patience, TimeProvider.System);
        await waiting.Should().ThrowAsync<OperationCanceledException>();
        await client.ReadJobToEndAsync(accepted.JobId!);
        lending.Host.Runtime.GetStatistics().Jobs.Should().Be(1);
        answer.SetResult([lending.Provisioner.Next()]);
        await lending.ExpectAllTakenBackAsync();
        lending.Provisioner.Values.Should().HaveCount(3);
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task Children_of_a_job_whose_session_is_gone_run_and_end()
    {
        var clock = new ManualClock();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(
            builder =>
            {
                builder.AddAgent("gate", "1", agent.RunAsync);
                builder.Options.ResumeWindow = TimeSpan.FromSeconds(5);
                builder.Options.TerminalRetention = TimeSpan.FromHours(1);
            },
            clock);
        WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", Lease);
        JobContext job = await agent.BegunAsync(accepted.JobId!);
        await client.DisposeAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { Connections: 0, PendingDeadlines: 1 }, "the window runs");
        clock.Advance(TimeSpan.FromSeconds(5));
        runtime.Runtime.GetStatistics().Sessions.Should().Be(0);

        DelegatedJob child = await job.DelegateAsync("gate", RawJson.Parse("7"));
        agent.Open(child.JobId.Value);

        (await child.GetResultAsync()).ToString().Should().Be("7");
        agent.Open(accepted.JobId!);
        await using WireClient later = await runtime.OpenFullAsync();
        await later.SendAsync("job.subscribe", new { job_id = child.JobId.Value, from_event_seq = 0 });
        await later.ExpectAsync("job.subscribed");
        (await later.ReadJobAsync(child.JobId.Value))[^1].Raw("result").Should().Be("7");
    }

    // Starts children at once, each of which starts one of its own.
    private static TestRuntime Fanning(int children, Action<ArcpRuntimeBuilder>? configure = null) => new(builder =>
    {
        builder
            .AddAgent("fan", "1", async (job, cancellationToken) =>
            {
                DelegatedJob[] started = await Task.WhenAll(Enumerable.Range(0, children).Select(_ => Task.Run(() => job.DelegateAsync("middle", null, DelegationAuthorityTests.ToLease("""{"agent.delegate":["leaf"]}""")))));
                await Task.WhenAll(started.Select(child => child.GetResultAsync(cancellationToken)));
                return null;
            })
            .AddAgent("middle", "1", async (job, cancellationToken) =>
            {
                await job.LogAsync("here");
                return await (await job.DelegateAsync("leaf")).GetResultAsync(cancellationToken);
            })
            .AddAgent("leaf", "1", async (job, _) =>
            {
                await job.LogAsync("here");
                return null;
            });
        configure?.Invoke(builder);
    });

    private static void ExpectAnnounced(List<WireFrame> frames, string jobId, int children)
    {
        frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range((int)frames[0].EventSeq!, frames.Count).Select(seq => (long?)seq));
        var known = new HashSet<string> { jobId };
        foreach (WireFrame frame in frames)
        {
            known.Should().Contain(frame.JobId!, "a job is announced before its first frame, which {0} is", frame.Text);
            if (frame.Kind == "delegate")
            {
                known.Add((string)frame.Body["child_job_id"]!).Should().BeTrue("each is announced once");
            }
        }

        known.Should().HaveCount(children + 1);
        frames.Count(frame => frame.IsTerminal).Should().Be(children + 1);
    }

    /// <summary>Holds up who appends to a job's log, once, behind the entry.</summary>
    private sealed class HoldingReader : JobReader, IDisposable
    {
        private readonly ManualResetEventSlim _released = new();
        private int _holds;

        public void Release() => _released.Set();

        public override void OnAppended()
        {
            if (Interlocked.Exchange(ref _holds, 1) == 0)
            {
                _released.Wait(WireClient.Patience);
            }
        }

        public override void OnStalled()
        {
        }

        public void Dispose() => _released.Dispose();
    }
}
