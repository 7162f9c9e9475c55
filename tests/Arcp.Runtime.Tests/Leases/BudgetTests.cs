using System.Globalization;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Leases;

[Trait("Section", "9.6")]
public class BudgetTests
{
    [Fact]
    public async Task A_tenth_ten_times_leaves_nothing_of_one_and_the_next_operation_is_refused()
    {
        int bodies = 0;
        await using TestRuntime runtime = Create(async job =>
        {
            for (int i = 0; i < 10; i++)
            {
                await job.CallToolAsync("pay", null, async _ =>
                {
                    bodies++;
                    await job.ReportCostAsync(0.1m, "USD");
                });
            }

            job.RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 0 });
            Func<Task> eleventh = () => job.CallToolAsync("pay", null, _ => Task.FromResult(RawJson.From(++bodies)));
            (await eleventh.Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.BudgetExhausted);
            return null;
        });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("spend", """{"tool.call":["pay"],"cost.budget":["USD:1.00"]}""");
        accepted.Raw("budget").Should().Be("""{"USD":1.00}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        bodies.Should().Be(10, "a denied operation has no side effect");
        frames[^1].Type.Should().Be("job.result", "a denial is not the end of the job");
        frames.Where(frame => Name(frame) == "cost.charge").Select(Value).Should().HaveCount(10).And.OnlyContain(cost => cost == 0.1m);
        List<decimal> left = [.. frames.Where(frame => Name(frame) == "cost.budget.remaining").Select(Value)];
        left.Should().BeInDescendingOrder().And.HaveElementAt(0, 0.9m);
        left[^1].Should().Be(0);
        frames.First(frame => frame.Kind == "tool_result").Raw("body").Should().EndWith("\"result\":null}", "a tool without a result");
        WireFrame denied = frames.Last(frame => frame.Kind == "tool_result");
        ((string?)denied.Body["error"]!["code"]).Should().Be("BUDGET_EXHAUSTED");
        ((bool?)denied.Body["error"]!["retryable"]).Should().BeFalse();
        frames.Last(frame => frame.Kind == "tool_call").Body["call_id"]!.ToJsonString().Should().Be(denied.Body["call_id"]!.ToJsonString());
    }

    [Fact]
    public async Task Ten_thousand_costs_at_once_sum_exactly()
    {
        decimal left = 0;
        await using TestRuntime runtime = Create(async job =>
        {
            await Parallel.ForAsync(0, 10_000, async (_, _) => await job.EmitAsync(new MetricEvent { Name = "cost.token", Value = 0.0001m, Unit = "USD" }));
            left = job.RemainingBudget["USD"];
            return null;
        });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("spend", """{"cost.budget":["USD:1.5"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        left.Should().Be(0.5m);
        frames.Count(frame => Name(frame) == "cost.token").Should().Be(10_000);
        List<decimal> reports = [.. frames.Where(frame => Name(frame) == "cost.budget.remaining").Select(Value)];
        reports.Should().BeInDescendingOrder("what is left never grows");
        reports[^1].Should().Be(0.5m, "the last word comes before the end");
        frames[^1].IsTerminal.Should().BeTrue();
    }

    [Fact]
    public async Task Spending_more_than_there_is_is_recorded_and_the_next_operation_refused()
    {
        await using TestRuntime runtime = Create(async job =>
        {
            await job.AuthorizeAsync(LeaseNamespaces.ToolCall, "pay");
            await job.ReportCostAsync(3m, "EUR");
            job.RemainingBudget["EUR"].Should().Be(-2m);
            job.TryAuthorize(LeaseNamespaces.ToolCall, "pay", out ArcpException? denial).Should().BeFalse();
            throw denial!;
        });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("spend", """{"tool.call":["pay"],"cost.budget":["EUR:0.5","USD:9","EUR:0.5"]}""");
        accepted.Raw("budget").Should().Be("""{"EUR":1.0,"USD":9}""", "a currency given twice adds up");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames.Where(frame => Name(frame) == "cost.budget.remaining").Select(Value).Should().Equal(-2m);
        frames[^1].Code.Should().Be("BUDGET_EXHAUSTED");
        ((bool?)frames[^1].Payload["retryable"]).Should().BeFalse();
    }

    [Theory]
    [InlineData("cost.x", "USD", "1", true)]
    [InlineData("cost.x", "EUR", "1", false)] // no budget in this currency
    [InlineData("cost.x", "usd", "1", false)]
    [InlineData("cost.x", null, "1", false)]
    [InlineData("cost.budget.x", "USD", "1", false)]
    [InlineData("cost.budget.remaining", "USD", "1", false)]
    [InlineData("cost", "USD", "1", false)]
    [InlineData("costs.x", "USD", "1", false)]
    [InlineData("tokens", "USD", "1", false)]
    [InlineData("cost.x", "USD", "0", true)]
    public async Task A_metric_counts_when_it_is_a_cost_in_a_budgeted_currency(string name, string? unit, string value, bool counts)
    {
        decimal amount = decimal.Parse(value, CultureInfo.InvariantCulture);
        decimal left = -1;
        await using TestRuntime runtime = Create(async job =>
        {
            await job.MetricAsync(name, amount, unit);
            left = job.RemainingBudget["USD"];
            return null;
        });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("spend", """{"cost.budget":["USD:2"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        left.Should().Be(counts ? 2 - amount : 2);
        frames.Where(frame => frame.Kind == "metric" && Value(frame) == amount).Should().NotBeEmpty("the metric itself is shown in any case");
    }

    [Fact]
    public async Task A_negative_cost_is_refused_and_not_counted_and_the_job_lives()
    {
        await using TestRuntime runtime = Create(async job =>
        {
            Func<Task> negative = async () => await job.MetricAsync("cost.x", -1m, "USD");
            await negative.Should().ThrowAsync<ArgumentException>();
            Func<Task> report = async () => await job.ReportCostAsync(-1m, "USD");
            await report.Should().ThrowAsync<ArgumentException>();
            job.RemainingBudget["USD"].Should().Be(2);
            return RawJson.Parse("\"alive\"");
        });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("spend", """{"cost.budget":["USD:2"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames.Should().NotContain(frame => frame.Kind == "metric");
        frames[^1].Raw("result").Should().Be("\"alive\"");
    }

    [Fact]
    public async Task A_host_may_make_exhaustion_the_end_of_the_job()
    {
        var returned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestRuntime runtime = Create(
            async job =>
            {
                await job.ReportCostAsync(2m, "USD");
                job.TryAuthorize(LeaseNamespaces.ToolCall, "pay", out _).Should().BeFalse();
                returned.SetResult();
                return RawJson.Parse("\"it went on\"");
            },
            endOnExhaustion: true);
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("spend", """{"tool.call":["pay"],"cost.budget":["USD:2"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames[^1].Type.Should().Be("job.error");
        frames[^1].Code.Should().Be("BUDGET_EXHAUSTED");
        frames[^1].FinalStatus.Should().Be("error");
        await returned.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
    }

    [Fact]
    public async Task What_is_left_is_told_at_once_and_then_once_per_interval()
    {
        var clock = new ManualClock();
        var gate = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.Add("gated", "1", false, _ => new DelegateAgent(gate.RunAsync)), clock);
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gated", """{"cost.budget":["USD:10"]}""");
        JobContext job = await gate.BegunAsync(accepted.JobId!);
        await client.ExpectAsync("job.event");

        await job.ReportCostAsync(1, "USD");
        await job.ReportCostAsync(1, "USD");
        await job.ReportCostAsync(1, "USD");
        (await ReadMetricsAsync(client, 4)).Should().Equal("cost.charge 1", "cost.budget.remaining 9", "cost.charge 1", "cost.charge 1");
        await client.ExpectQuietAsync();
        clock.Advance(TimeSpan.FromMilliseconds(99));
        await client.ExpectQuietAsync();
        clock.Advance(TimeSpan.FromMilliseconds(1));
        (await ReadMetricsAsync(client, 1)).Should().Equal("cost.budget.remaining 7");
        await job.ReportCostAsync(2, "USD");
        gate.Open(accepted.JobId!);
        (await ReadMetricsAsync(client, 2)).Should().Equal("cost.charge 2", "cost.budget.remaining 5");
        await client.ExpectAsync("job.result");
    }

    [Fact]
    public async Task A_subscriber_is_told_what_is_left_at_that_moment()
    {
        var gate = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.Add("gated", "1", false, _ => new DelegateAgent(gate.RunAsync)));
        await using WireClient client = await runtime.OpenFullAsync();
        await using WireClient other = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gated", """{"cost.budget":["USD:10"]}""");
        JobContext job = await gate.BegunAsync(accepted.JobId!);
        await job.ReportCostAsync(0.25m, "USD");

        await other.SendAsync("job.subscribe", new { job_id = accepted.JobId });

        (await other.ExpectAsync("job.subscribed")).Raw("budget").Should().Be("""{"USD":9.75}""");
        gate.Open(accepted.JobId!);
    }

    private static TestRuntime Create(Func<JobContext, Task<RawJson?>> run, bool endOnExhaustion = false) => new(builder =>
    {
        builder.Options.EndOnBudgetExhaustion = endOnExhaustion;
        builder.Add("spend", "1", false, _ => new DelegateAgent((job, _) => run(job)));
    });

    private static string? Name(WireFrame frame) => frame.Kind == "metric" ? (string?)frame.Body["name"] : null;

    private static decimal Value(WireFrame frame) => (decimal)frame.Body["value"]!;

    private static async Task<List<string>> ReadMetricsAsync(WireClient client, int count)
    {
        var metrics = new List<string>();
        for (int i = 0; i < count; i++)
        {
            WireFrame frame = await client.ExpectAsync("job.event");
            metrics.Add($"{Name(frame)} {Value(frame)}");
        }

        return metrics;
    }
}
