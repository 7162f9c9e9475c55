using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Leases;

/// <summary>A child never may more than its parent, alone or together with others.</summary>
[Trait("Section", "10")]
public class DelegationAuthorityTests
{
    private const string ParentLease = """{"agent.delegate":["gate"],"fs.read":["/data/*"],"tool.call":["a.*","b"],"model.use":["small-*"],"cost.budget":["USD:2","EUR:1"]}""";

    [Theory]
    [InlineData("""{"fs.read":["/data/**"]}""", 0)]
    [InlineData("""{"fs.read":["/data/*","/etc/passwd"]}""", 0)]
    [InlineData("""{"fs.read":["/**"]}""", 0)]
    [InlineData("""{"tool.call":["*"]}""", 0)]
    [InlineData("""{"tool.call":["c"]}""", 0)]
    [InlineData("""{"fs.write":["/data/x"]}""", 0)]
    [InlineData("""{"x-vendor.y":["z"]}""", 0)]
    [InlineData("""{"agent.delegate":["**"]}""", 0)]
    [InlineData("""{"model.use":["large"]}""", 0)]
    [InlineData("""{"model.use":["*"]}""", 0)]
    [InlineData("""{"cost.budget":["USD:2.01"]}""", 0)]
    [InlineData("""{"cost.budget":["USD:1","USD:1.01"]}""", 0)]
    [InlineData("""{"cost.budget":["USD:1","GBP:0.01"]}""", 0)]
    [InlineData("""{"cost.budget":["usd:1"]}""", 0)]
    [InlineData("{}", 101)]
    [InlineData("""{"tool.call":["b"]}""", 100.0001)]
    public async Task Every_way_to_widen_a_lease_is_refused_and_leaves_nothing(string lease, double expiresIn)
    {
        await using var lending = new LendingRuntime(builder => builder.Options.MaxChildrenPerJob = 1);
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", ParentLease, lending.Clock.GetUtcNow().AddSeconds(100));
        JobContext job = await lending.Agent.BegunAsync(accepted.JobId!);
        ArcpRuntimeStatistics before = lending.Host.Runtime.GetStatistics();

        Func<Task> widen = () => job.DelegateAsync("gate", null, ToLease(lease), expiresIn == 0 ? null : new LeaseConstraints { ExpiresAt = lending.Clock.GetUtcNow().AddSeconds(expiresIn) });

        (await widen.Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.LeaseSubsetViolation);
        job.RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 2, ["EUR"] = 1 });
        lending.Host.Runtime.GetStatistics().Should().Be(before with { BufferedBytes = lending.Host.Runtime.GetStatistics().BufferedBytes });
        lending.Provisioner.Requests.Should().HaveCount(1);
        (await LendingRuntime.ReadToPongAsync(client)).Should().OnlyContain(frame => frame.Kind == "status", "a refusal says nothing");

        // The same within the parent's bounds is accepted, though only one child may be started.
        DelegatedJob child = await job.DelegateAsync("gate", null, ToLease(ParentLease), new LeaseConstraints { ExpiresAt = lending.Clock.GetUtcNow().AddSeconds(100) });
        job.RemainingBudget.Values.Should().AllBeEquivalentTo(0m);
        lending.Agent.Open(child.JobId.Value);
        await child.GetResultAsync();
        job.RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 2, ["EUR"] = 1 });
        lending.Agent.Open(accepted.JobId!);
    }

    [Theory]
    [InlineData(true, "{}", """{"model.use":["m"]}""", true)] // what nobody lists the child may list
    [InlineData(true, "{}", "{}", true)]
    [InlineData(true, """{"model.use":["m"]}""", "{}", false)] // the parent's list bounds a child that brings none
    [InlineData(true, """{"model.use":["m"]}""", """{"model.use":["m"]}""", true)]
    [InlineData(true, """{"model.use":["n"]}""", """{"model.use":["m"]}""", null)]
    [InlineData(true, """{"model.use":[]}""", """{"model.use":["m"]}""", null)]
    [InlineData(false, "{}", """{"model.use":["m"]}""", null)]
    [InlineData(false, """{"model.use":["m"]}""", "{}", false)]
    [Trait("Section", "9.7")]
    public async Task A_child_uses_no_model_that_its_parent_may_not(bool allowsUnlisted, string parentLease, string childLease, bool? isAllowed)
    {
        bool? allowed = null;
        await using TestRuntime runtime = Create(
            async job =>
            {
                DelegatedJob child = await job.DelegateAsync("ask", null, ToLease(childLease));
                return await child.GetResultAsync();
            },
            builder =>
            {
                builder.Options.AllowUnlistedModels = allowsUnlisted;
                builder.AddAgent("ask", "1", (job, cancellationToken) =>
                {
                    allowed = job.TryAuthorize(LeaseNamespaces.ModelUse, "m", out _);
                    return Task.FromResult<RawJson?>(null);
                });
            });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("boss", parentLease.Insert(1, "\"agent.delegate\":[\"ask\"]" + (parentLease.Length > 2 ? "," : "")));
        WireFrame end = (await client.ReadJobAsync(accepted.JobId!))[^1];

        allowed.Should().Be(isAllowed);
        end.Code.Should().Be(isAllowed is null ? "LEASE_SUBSET_VIOLATION" : null);
    }

    [Theory]
    [InlineData("""{}""", "count", "PERMISSION_DENIED")]
    [InlineData("""{"agent.delegate":[]}""", "count", "PERMISSION_DENIED")]
    [InlineData("""{"agent.delegate":["echo"]}""", "count", "PERMISSION_DENIED")]
    [InlineData("""{"agent.delegate":["echo"]}""", "nobody", "PERMISSION_DENIED")] // before whether it exists
    [InlineData("""{"agent.delegate":["echo"]}""", "count@9", "PERMISSION_DENIED")]
    [InlineData("""{"agent.delegate":["nobody"]}""", "nobody", "AGENT_NOT_AVAILABLE")]
    [InlineData("""{"agent.delegate":["count"]}""", "count@9", "AGENT_VERSION_NOT_AVAILABLE")]
    [InlineData("""{"agent.delegate":["count"]}""", "count", null)]
    [InlineData("""{"agent.delegate":["count"]}""", "count@1.0.0", null)]
    [InlineData("""{"agent.delegate":["count@1.0.0"]}""", "count@1.0.0", null)]
    [InlineData("""{"agent.delegate":["count@1.0.0"]}""", "count", null)] // it resolves to that version
    [InlineData("""{"agent.delegate":["count@2*"]}""", "count", "PERMISSION_DENIED")]
    [InlineData("""{"agent.delegate":["count@2*"]}""", "count@1.0.0", "PERMISSION_DENIED")]
    [InlineData("""{"agent.delegate":["*"]}""", "Count", "INVALID_REQUEST")]
    public async Task Delegating_is_authorised_before_anything_else(string lease, string agent, string? code)
    {
        await using TestRuntime runtime = Create(async job => await (await job.DelegateAsync(agent, RawJson.Parse("""{"n":1}"""))).GetResultAsync());
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("boss", lease);
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames[^1].Code.Should().Be(code);
        frames.Count(frame => frame.Kind == "delegate").Should().Be(code is null ? 1 : 0);
        runtime.Runtime.GetStatistics().Jobs.Should().Be(code is null ? 2 : 1);
    }

    [Fact]
    [Trait("Section", "9.6")]
    public async Task Siblings_together_never_exceed_their_parent()
    {
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", """{"agent.delegate":["gate"],"cost.budget":["USD:10"]}""");
        JobContext job = await agent.BegunAsync(accepted.JobId!);
        for (int round = 0; round < 50; round++)
        {
            Task<DelegatedJob>[] starting = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(() => job.DelegateAsync("gate", null, ToLease("""{"cost.budget":["USD:3"]}"""))))];
            await Task.WhenAll(starting).ContinueWith(_ => { }, TaskScheduler.Default);

            starting.Count(each => each.IsCompletedSuccessfully).Should().Be(3);
            job.RemainingBudget["USD"].Should().Be(1);
            starting.Where(each => each.IsFaulted).Should().OnlyContain(each => ((ArcpException)each.Exception!.InnerException!).Code == ErrorCode.LeaseSubsetViolation);
            foreach (Task<DelegatedJob> child in starting.Where(each => each.IsCompletedSuccessfully))
            {
                (await child).Cancel();
                await (await child).Completion;
            }

            job.RemainingBudget["USD"].Should().Be(10, "what was not spent has come back");
        }

        agent.Open(accepted.JobId!);
    }

    [Fact]
    [Trait("Section", "9.6")]
    public async Task What_a_child_leaves_returns_and_what_it_overspends_its_parent_bears()
    {
        var left = new List<decimal>();
        await using TestRuntime runtime = Create(
            async job =>
            {
                foreach (string cost in (string[])["0.25", "5"])
                {
                    DelegatedJob child = await job.DelegateAsync("spend", RawJson.Parse(cost), ToLease("""{"cost.budget":["USD:2"]}"""));
                    await child.GetResultAsync();
                    left.Add(job.RemainingBudget["USD"]);
                }

                DelegatedJob without = await job.DelegateAsync("spend", RawJson.Parse("0.75"));
                await without.GetResultAsync();
                left.Add(job.RemainingBudget["USD"]);
                return null;
            },
            builder => builder.AddAgent("spend", "1", async (job, _) =>
            {
                await job.ReportCostAsync(decimal.Parse(job.Input.ToString(), System.Globalization.CultureInfo.InvariantCulture), "USD");
                return null;
            }));
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("boss", """{"agent.delegate":["spend"],"cost.budget":["USD:10"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames[^1].Type.Should().Be("job.result");
        left.Should().Equal(9.75m, 4.75m, 4m);
        ((decimal)frames.Last(frame => frame.Kind == "metric" && (string?)frame.Body["name"] == "cost.budget.remaining").Body["value"]!).Should().Be(4m);
    }

    [Fact]
    [Trait("Section", "9.6")]
    public async Task A_child_without_a_budget_stops_where_its_parents_is_used_up()
    {
        await using TestRuntime runtime = Create(
            async job =>
            {
                DelegatedJob child = await job.DelegateAsync("spend", null, ToLease("""{"tool.call":["t"]}"""));
                DelegatedOutcome outcome = await child.Completion;
                return RawJson.From(outcome.Error!.Code.Value);
            },
            builder => builder.AddAgent("spend", "1", async (job, _) =>
            {
                job.RemainingBudget.Should().BeEmpty();
                await job.ReportCostAsync(1, "USD");
                await job.AuthorizeAsync(LeaseNamespaces.ToolCall, "t");
                return null;
            }));
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("boss", """{"agent.delegate":["spend"],"tool.call":["t"],"cost.budget":["USD:1"]}""");

        (await client.ReadJobAsync(accepted.JobId!))[^1].Raw("result").Should().Be("\"BUDGET_EXHAUSTED\"");
    }

    [Theory]
    [InlineData(false, "\"BUDGET_EXHAUSTED\"", null)]
    [InlineData(true, null, "BUDGET_EXHAUSTED")]
    [Trait("Section", "9.6")]
    public async Task Delegating_is_an_operation_that_a_used_up_budget_refuses(bool isFatal, string? result, string? code)
    {
        await using TestRuntime runtime = Create(
            async job =>
            {
                await job.ReportCostAsync(1, "USD");
                try
                {
                    await job.DelegateAsync("echo");
                    return null;
                }
                catch (ArcpException e)
                {
                    return RawJson.From(e.Code.Value);
                }
            },
            builder => builder.Options.EndOnBudgetExhaustion = isFatal);
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("boss", """{"agent.delegate":["echo"],"cost.budget":["USD:1"]}""");
        WireFrame end = (await client.ReadJobAsync(accepted.JobId!))[^1];

        end.Code.Should().Be(code);
        if (result is not null)
        {
            end.Raw("result").Should().Be(result);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    public async Task Depth_is_bounded(int limit, int reached)
    {
        int deepest = 0;
        await using var runtime = new TestRuntime(builder =>
        {
            builder.Options.MaxDelegationDepth = limit;
            builder.AddAgent("deeper", "1", async (job, cancellationToken) =>
            {
                int depth = job.Input == RawJson.Null ? 0 : int.Parse(job.Input.ToString(), System.Globalization.CultureInfo.InvariantCulture);
                deepest = Math.Max(deepest, depth);
                DelegatedJob child = await job.DelegateAsync("deeper", RawJson.From(depth + 1), job.Lease);
                return await child.GetResultAsync(cancellationToken);
            });
        });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("deeper", """{"agent.delegate":["deeper"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames[^1].Code.Should().Be("PERMISSION_DENIED");
        deepest.Should().Be(reached);
        runtime.Runtime.GetStatistics().Jobs.Should().Be(reached + 1);
    }

    [Fact]
    public async Task The_number_of_children_is_bounded()
    {
        await using TestRuntime runtime = Create(
            async job =>
            {
                Task<DelegatedJob>[] starting = [.. Enumerable.Range(0, 20).Select(_ => Task.Run(() => job.DelegateAsync("echo")))];
                await Task.WhenAll(starting).ContinueWith(_ => { }, TaskScheduler.Default);
                return RawJson.From(starting.Count(each => each.IsCompletedSuccessfully));
            },
            builder => builder.Options.MaxChildrenPerJob = 5);
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("boss", """{"agent.delegate":["echo"]}""");

        (await client.ReadJobAsync(accepted.JobId!))[^1].Raw("result").Should().Be("5");
        runtime.Runtime.GetStatistics().Jobs.Should().Be(6);
    }

    [Fact]
    [Trait("Section", "9.8")]
    public async Task A_delegation_whose_credentials_are_not_issued_leaves_nothing()
    {
        await using var lending = new LendingRuntime(builder => builder.Options.MaxRunningJobsPerPrincipal = 2);
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gate", ParentLease);
        JobContext job = await lending.Agent.BegunAsync(accepted.JobId!);
        lending.Provisioner.OnIssue = (_, _) => throw new InvalidOperationException("no");
        for (int i = 0; i < 3; i++)
        {
            Func<Task> refused = () => job.DelegateAsync("gate", null, ToLease("""{"cost.budget":["USD:2"]}"""));
            (await refused.Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);
        }

        job.RemainingBudget["USD"].Should().Be(2);
        lending.Host.Runtime.GetStatistics().Should().Match<ArcpRuntimeStatistics>(now => now.Jobs == 1 && now.RunningJobs == 1 && now.OutstandingCredentials == 2);
        lending.Provisioner.OnIssue = null;
        DelegatedJob child = await job.DelegateAsync("gate");
        Func<Task> beyond = () => job.DelegateAsync("gate", null, ToLease("""{"cost.budget":["USD:2"]}"""));
        (await beyond.Should().ThrowAsync<ArcpException>()).Which.Message.Should().Contain("running jobs per principal");
        job.RemainingBudget["USD"].Should().Be(2);
        lending.Agent.Open(child.JobId.Value);
        await child.Completion;
        lending.Agent.Open(accepted.JobId!);
        await lending.ExpectAllTakenBackAsync();
    }

    internal static Lease ToLease(string json) => JsonSerializer.Deserialize<Lease>(json)!;

    private static TestRuntime Create(Func<JobContext, Task<RawJson?>> run, Action<ArcpRuntimeBuilder>? configure = null) => new(builder =>
    {
        builder.AddAgent("boss", "1", (job, _) => run(job));
        configure?.Invoke(builder);
    });
}
