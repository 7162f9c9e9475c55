using System.Text.Json.Nodes;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>However a job ends, what was lent to it is taken back before that is shown.</summary>
[Trait("Section", "9.8")]
public class TerminalPathTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<string, (string Status, string? Code)> Ends = new()
    {
        ["success"] = ("success", null),
        ["agent exception"] = ("error", "INTERNAL_ERROR"),
        ["agent refusal"] = ("error", "PERMISSION_DENIED"),
        ["result left open"] = ("error", "INTERNAL_ERROR"),
        ["streamed"] = ("success", null),
        ["cancel"] = ("cancelled", "CANCELLED"),
        ["cancel, wound down"] = ("cancelled", "CANCELLED"),
        ["cancel, grace over"] = ("cancelled", "CANCELLED"),
        ["timeout"] = ("timed_out", "TIMEOUT"),
        ["expiry"] = ("error", "LEASE_EXPIRED"),
        ["budget"] = ("error", "BUDGET_EXHAUSTED"),
        ["shutdown"] = ("error", "INTERNAL_ERROR"),
    };

    public static TheoryData<string, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, bool>();
            foreach (string end in Ends.Keys)
            {
                cases.Add(end, true);
                cases.Add(end, false);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task An_end_is_shown_when_all_values_are_revoked_or_the_wait_for_it_is_over(string end, bool isPrompt)
    {
        (string status, string? code) = Ends[end];
        await using LendingRuntime lending = Create(end);
        await using WireClient client = await lending.Host.OpenFullAsync();
        string jobId = await SubmitAsync(lending, client, end);
        await lending.Agent.BegunAsync(jobId);
        TimeSpan wait = TimeSpan.FromSeconds(2);

        await EndAsync(lending, client, jobId, end);
        await TestRuntime.UntilAsync(() => lending.Provisioner.Values.All(value => lending.Provisioner.AttemptsOn(value) == 1), "revocations are under way");
        await TestRuntime.UntilAsync(() => lending.Clock.HasTimerIn(wait), "the end waits for them");
        (await LendingRuntime.ReadToPongAsync(client)).Should().NotContain(frame => frame.IsTerminal, "the values still hold");
        await client.SendAsync("job.cancel", new { job_id = jobId });
        WireFrame late = await client.ExpectAsync("job.cancelled");
        late.Payload.ToJsonString().Should().Be($$"""{"job_id":"{{jobId}}","already_terminal":true,"final_status":"{{status}}"}""", "the end is decided");

        if (isPrompt)
        {
            lending.LetRevoke();
        }
        else
        {
            lending.Clock.Advance(wait - TimeSpan.FromTicks(1));
            (await LendingRuntime.ReadToPongAsync(client)).Should().BeEmpty();
            lending.Clock.Advance(TimeSpan.FromTicks(1));
        }

        List<WireFrame> rest = await client.ReadJobAsync(jobId);
        rest.Should().ContainSingle("no event comes behind a decided end");
        rest[0].FinalStatus.Should().Be(status);
        rest[0].Code.Should().Be(code);
        lending.Provisioner.Revoked.Should().HaveCount(isPrompt ? 2 : 0);
        lending.LetRevoke();
        lending.Agent.Open(jobId);
        await lending.ExpectAllTakenBackAsync();
        await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics() is { RunningJobs: 0, RunningAgents: 0, CredentialDeadLetters: 0 }, "nothing is left");
    }

    [Fact]
    public async Task Jobs_that_end_at_once_in_all_ways_give_back_each_value_once()
    {
        const int Jobs = 200;
        await using var lending = new LendingRuntime();
        await using WireClient client = await lending.Host.OpenFullAsync();
        for (int i = 0; i < Jobs; i++)
        {
            string jobId = await SubmitAsync(lending, client, i % 4 == 3 ? "expiry" : "");
            await lending.Agent.BegunAsync(jobId);
            if (i % 4 == 0)
            {
                lending.Agent.Open(jobId);
            }
            else if (i % 4 == 1)
            {
                lending.Agent.Open(jobId, _ => throw new InvalidOperationException("x"));
            }
            else if (i % 4 == 2)
            {
                await client.SendAsync("job.cancel", new { job_id = jobId });
            }

            await LendingRuntime.ReadToPongAsync(client);
        }

        lending.Clock.Advance(Limit);

        await lending.ExpectAllTakenBackAsync();
        lending.Provisioner.Values.Should().HaveCount(2 * Jobs).And.OnlyHaveUniqueItems();
        await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics().RunningJobs == 0, "all have ended");
    }

    [Theory]
    [InlineData("success")]
    [InlineData("cancel")]
    [InlineData("expiry")]
    public async Task A_child_has_values_of_its_own_which_end_with_its_parent(string end)
    {
        await using var lending = new LendingRuntime();
        await using WireClient client = await lending.Host.OpenFullAsync();
        string jobId = await SubmitAsync(lending, client, end);
        JobContext parent = await lending.Agent.BegunAsync(jobId);
        DelegatedJob child = await parent.DelegateAsync("gate");
        JobContext ofChild = await lending.Agent.BegunAsync(child.JobId.Value);
        ofChild.Credentials.Select(each => each.Value).Should().HaveCount(2).And.NotIntersectWith(parent.Credentials.Select(each => each.Value));
        ofChild.Credentials.Select(each => each.Id).Should().NotIntersectWith(parent.Credentials.Select(each => each.Id));
        lending.Provisioner.Requests.Last().ParentJobId.Should().Be(new JobId(jobId));

        lending.LetRevoke();
        await EndAsync(lending, client, jobId, end);
        List<WireFrame> frames = await client.ReadUntilEndedAsync(2);

        frames.Where(frame => frame.IsTerminal).Select(frame => frame.JobId).Should().BeEquivalentTo([jobId, child.JobId.Value]);
        await lending.ExpectAllTakenBackAsync();
        lending.Provisioner.Values.Should().HaveCount(4);
    }

    [Fact]
    [Trait("Section", "7.3")]
    public async Task Whatever_races_while_values_are_taken_back_a_job_ends_once_and_all_are_told_the_same()
    {
        const int Iterations = 600;
        await using var lending = new LendingRuntime(builder =>
        {
            builder.Options.TerminalRetention = TimeSpan.FromMinutes(1);
            builder.Options.ResumeWindow = TimeSpan.FromDays(1);
            builder.Options.Credentials.RevocationAttemptTimeout = TimeSpan.FromHours(24); // or the clock of later rounds ends an attempt of an earlier one, which is then made again
        });
        lending.Provisioner.OnRevoke = async (_, _, _) =>
        {
            await Task.Yield();
            Thread.SpinWait(200);
            await Task.Yield();
        };
        await using WireClient client = await lending.Host.OpenFullAsync();
        await using WireClient watcher = await lending.Host.OpenFullAsync();
        using var race = new Race(3);
        var outcomes = new Dictionary<string, int>();
        for (int i = 0; i < Iterations; i++)
        {
            string jobId = await SubmitAsync(lending, client, i % 2 == 0 ? "timeout" : "expiry");
            await lending.Agent.BegunAsync(jobId);
            await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
            await watcher.SkipToAsync("job.subscribed");
            int first = i % 4;
            race.Round(runner =>
            {
                Thread.SpinWait(runner == first ? 0 : i % 7 * 300);
                switch (runner)
                {
                    case 0:
                        lending.Agent.Open(jobId);
                        break;
                    case 1:
                        lending.Clock.Advance(Limit);
                        break;
                    default:
                        client.SendAsync("job.cancel", new { job_id = jobId }).GetAwaiter().GetResult();
                        client.SendAsync("job.cancel", new { job_id = jobId }).GetAwaiter().GetResult();
                        break;
                }
            });

            List<WireFrame> frames = await ReadEndAsync(client, jobId, answers: 2);
            WireFrame end = frames.Should().ContainSingle(frame => frame.IsTerminal).Subject;
            frames.Where(frame => frame.Type == "job.cancelled" && frame.Payload.ContainsKey("already_terminal"))
                .Should().OnlyContain(answer => answer.FinalStatus == end.FinalStatus);
            int took = frames.Count(frame => frame.Type == "job.cancelled" && !frame.Payload.ContainsKey("already_terminal"));
            took.Should().Be(end.FinalStatus == "cancelled" ? 1 : 0, "only the cancel that won is told that it took effect");
            if (took == 1)
            {
                frames.FindIndex(frame => frame.Type == "job.cancelled").Should().BeLessThan(frames.IndexOf(end));
            }

            (await watcher.ReadJobAsync(jobId))[^1].FinalStatus.Should().Be(end.FinalStatus);
            string outcome = end.Code ?? "success";
            outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
        }

        (await LendingRuntime.ReadToPongAsync(client)).Should().BeEmpty("nothing comes behind an end");
        (await LendingRuntime.ReadToPongAsync(watcher)).Should().BeEmpty();
        outcomes.Keys.Should().BeSubsetOf(["success", "TIMEOUT", "LEASE_EXPIRED", "CANCELLED"]);
        outcomes.Should().HaveCountGreaterThan(2, "the race must be one");
        await lending.ExpectAllTakenBackAsync();
        lending.Provisioner.Values.Should().HaveCount(2 * Iterations);
    }

    private static LendingRuntime Create(string end) => new(
        builder =>
        {
            builder.Options.CancelGrace = end.StartsWith("cancel,", StringComparison.Ordinal) ? Limit : TimeSpan.Zero;
            builder.Options.EndOnBudgetExhaustion = end == "budget";
        },
        isStubborn: end.StartsWith("cancel,", StringComparison.Ordinal),
        holdsRevocations: true);

    private static async Task<string> SubmitAsync(LendingRuntime lending, WireClient client, string end)
    {
        var payload = new JsonObject { ["agent"] = "gate", ["lease_request"] = JsonNode.Parse("""{"cost.budget":["USD:1"],"tool.call":["*"],"agent.delegate":["*"]}""") };
        if (end == "timeout")
        {
            payload["max_runtime_sec"] = Limit.TotalSeconds;
        }
        else if (end == "expiry")
        {
            payload["lease_constraints"] = new JsonObject { ["expires_at"] = (lending.Clock.GetUtcNow() + Limit).UtcDateTime.ToString("O") };
        }

        await client.SendAsync("job.submit", payload);
        WireFrame accepted = await client.SkipToAsync("job.accepted");
        accepted.Payload["credentials"]!.AsArray().Should().HaveCount(2);
        return accepted.JobId!;
    }

    private static async Task EndAsync(LendingRuntime lending, WireClient client, string jobId, string end)
    {
        switch (end)
        {
            case "success":
                lending.Agent.Open(jobId);
                break;
            case "agent exception":
                lending.Agent.Open(jobId, _ => throw new InvalidOperationException("x"));
                break;
            case "agent refusal":
                lending.Agent.Open(jobId, _ => throw new ArcpException(ErrorCode.PermissionDenied, "no"));
                break;
            case "result left open" or "streamed":
                lending.Agent.Open(jobId, async job =>
                {
                    ResultStream stream = job.OpenResultStream();
                    await stream.WriteAsync("abc"u8.ToArray());
                    if (end == "streamed")
                    {
                        await stream.CompleteAsync();
                    }

                    return null;
                });
                break;
            case "budget":
                lending.Agent.Open(jobId, async job =>
                {
                    await job.ReportCostAsync(1, "USD");
                    job.TryAuthorize(LeaseNamespaces.ToolCall, "t", out _).Should().BeFalse();
                    return null;
                });
                break;
            case "cancel":
                await client.SendAsync("job.cancel", new { job_id = jobId });
                await client.SkipToAsync("job.cancelled");
                break;
            case "cancel, wound down":
                await EndAsync(lending, client, jobId, "cancel");
                lending.Agent.Open(jobId);
                break;
            case "cancel, grace over":
                await EndAsync(lending, client, jobId, "cancel");
                await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics().PendingDeadlines == 1, "the grace runs");
                lending.Clock.Advance(Limit);
                break;
            case "timeout" or "expiry":
                await TestRuntime.UntilAsync(() => lending.Host.Runtime.GetStatistics().PendingDeadlines >= 1, "the deadline is set");
                lending.Clock.Advance(Limit);
                break;
            default:
                _ = lending.Host.Runtime.StopAsync();
                break;
        }
    }

    private static async Task<List<WireFrame>> ReadEndAsync(WireClient client, string jobId, int answers)
    {
        var frames = new List<WireFrame>();
        while (!frames.Exists(frame => frame.IsTerminal) || frames.Count(frame => frame.Type == "job.cancelled") < answers)
        {
            WireFrame frame = (await client.ReceiveAsync())!;
            if (frame.JobId == jobId)
            {
                frames.Add(frame);
            }
        }

        return frames;
    }
}
