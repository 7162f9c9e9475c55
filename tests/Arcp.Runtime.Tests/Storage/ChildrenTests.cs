using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>Jobs that delegate, and the restart.</summary>
[Trait("Section", "10")]
public class ChildrenTests
{
    private const string Interrupted = "the runtime restarted while the job ran";

    private static readonly Lease MayDelegate = new([new(LeaseNamespaces.AgentDelegate, ["*"])]);

    [Fact]
    public async Task A_family_that_is_interrupted_is_told_of_the_restart_one_by_one()
    {
        var agent = new GatedAgent();
        await using DurableHost durable = await DurableHost.CreateAsync(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await durable.Host.OpenAsync();
        string parent = (await client.SubmitLeasedAsync("gate", """{"agent.delegate":["*"]}""")).JobId!;
        DelegatedJob child = await (await agent.BegunAsync(parent)).DelegateAsync("gate", lease: MayDelegate);
        DelegatedJob grandchild = await (await agent.BegunAsync(child.JobId.Value)).DelegateAsync("gate");
        await (await agent.BegunAsync(grandchild.JobId.Value)).LogAsync("at work");
        string[] family = [parent, child.JobId.Value, grandchild.JobId.Value];
        List<WireFrame> seen = await client.ReadNumberedAsync(6);
        await durable.CommittedAsync();
        await durable.RestartAsync();

        await using WireClient resumed = durable.Host.Connect();
        await resumed.ResumeAsync(client.ResumeToken, 0);
        List<WireFrame> again = await resumed.ReadNumberedAsync(9);
        again.Take(6).Select(frame => frame.Text).Should().Equal(seen.Select(frame => frame.Text));
        again.Skip(6).Select(frame => frame.JobId).Should().BeEquivalentTo(family);
        again.Skip(6).Should().OnlyContain(frame => frame.Type == "job.error" && frame.Code == "INTERNAL_ERROR" && frame.Message == Interrupted);
        await resumed.ExpectQuietAsync();

        await using WireClient other = await durable.Host.OpenAsync();
        foreach (string jobId in family)
        {
            await other.SubscribeAsync(jobId);
            (await other.ReadJobAsync(jobId))[^1].Message.Should().Be(Interrupted);
        }
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_session_that_was_away_gets_announcements_before_children_behind_a_restart()
    {
        var agent = new GatedAgent();
        await using DurableHost durable = await DurableHost.CreateAsync(builder =>
        {
            builder.Options.MaxLogEventsPerJob = 5;
            builder.AddAgent("gate", "1", agent.RunAsync);
        });
        WireClient client = await durable.Host.OpenAsync();
        string parent = (await client.SubmitLeasedAsync("gate", """{"agent.delegate":["*"]}""")).JobId!;
        JobContext job = await agent.BegunAsync(parent);
        await client.ExpectAsync("job.event");
        await client.DisposeAsync();
        await durable.Host.ConnectionsEndedAsync();
        for (int i = 0; i < 500; i++)
        {
            await job.LogAsync($"{i}");
        }

        DelegatedJob child = await job.DelegateAsync("gate", lease: MayDelegate);
        DelegatedJob grandchild = await (await agent.BegunAsync(child.JobId.Value)).DelegateAsync("count", RawJson.Parse("""{"n":50}"""));
        await grandchild.GetResultAsync();
        await durable.CommittedAsync();
        await durable.RestartAsync();

        await using WireClient resumed = durable.Host.Connect();
        await resumed.ResumeAsync(client.ResumeToken, 1);
        HashSet<string> known = [parent];
        List<WireFrame> frames = await resumed.ReadUntilEndedAsync(3);
        foreach (WireFrame frame in frames.Where(frame => frame.EventSeq is not null))
        {
            known.Should().Contain(frame.JobId!, "it was announced before {0}", frame.Text);
            if (frame.Kind == "delegate")
            {
                known.Add((string)frame.Body["child_job_id"]!);
            }
        }

        known.Should().BeEquivalentTo([parent, child.JobId.Value, grandchild.JobId.Value]);
        frames.Count(frame => frame.JobId == grandchild.JobId.Value).Should().Be(52);
    }

    [Theory]
    [Trait("Section", "6.3")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whichever_commit_the_process_dies_at_no_child_is_heard_of_before_its_announcement(bool isKept)
    {
        const int together = 8;
        int deaths = 0;
        int more = together;
        for (int commit = 1; more == together; commit += together)
        {
            more = (await Task.WhenAll(Enumerable.Range(commit, together).Select(at => DieAsync(at, isKept)))).Count(hasDied => hasDied);
            deaths += more;
        }

        deaths.Should().BeGreaterThanOrEqualTo(4, "the session and each job wait for a commit of their own");
    }

    /// <summary>Runs a family in a process that dies at a commit, and goes on in the next one. The traveller checks every frame.</summary>
    /// <returns>Whether there were so many commits.</returns>
    private static async Task<bool> DieAsync(int at, bool isKept)
    {
        var death = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int commits = 0;
        Task Happen(bool isHere)
        {
            if (!isHere || ++commits != at)
            {
                return Task.CompletedTask;
            }

            death.TrySetResult();
            return new TaskCompletionSource().Task;
        }

        await using var durable = new DurableHost(AddFamily);
        await durable.StartAsync(store =>
        {
            store.BeforeCommit = _ => Happen(!isKept);
            store.AfterCommit = _ => Happen(isKept);
        });
        await using var traveller = new Traveller(death.Task);
        bool hasDied = false;
        try
        {
            await traveller.ConnectAsync(durable.Host);
            WireFrame accepted = await traveller.AnswerToAsync(await SendSubmitAsync(traveller));
            await traveller.UntilAsync(() => traveller.HasEnded(accepted.JobId!) && traveller.Jobs.All(traveller.HasEnded));
        }
        catch (ProcessDiedException)
        {
            hasDied = true;
        }

        await durable.RestartAsync();
        await traveller.ReconnectAsync(durable.Host);
        await traveller.ConnectAsync(durable.Host);
        WireFrame answer = await traveller.AnswerToAsync(await SendSubmitAsync(traveller));
        await traveller.UntilAsync(() => traveller.HasEnded(answer.JobId!) && traveller.Jobs.All(traveller.HasEnded));
        traveller.CheckNumbers();
        traveller.Jobs.Select(traveller.FramesOf).Should().OnlyContain(frames => frames.FindIndex(frame => frame.IsTerminal) == frames.Count - 1);
        traveller.Jobs.SelectMany(traveller.FramesOf).Should().NotContain(frame => frame.Type == "job.error" && frame.Message != Interrupted);
        return hasDied;
    }

    private static Task<string> SendSubmitAsync(Traveller traveller) => traveller.SendAsync(
        "job.submit", new { agent = "parent", idempotency_key = "k", lease_request = new Dictionary<string, string[]> { ["agent.delegate"] = ["*"] } });

    private static void AddFamily(ArcpRuntimeBuilder builder)
    {
        builder.Options.MaxLogEventsPerJob = 4;
        builder.Options.ShutdownGrace = TimeSpan.FromMilliseconds(10);
        builder.Options.Storage.CommitTimeout = TimeSpan.FromSeconds(3); // what died with a submit under way is gone that much later
        builder
            .AddAgent("parent", "1", (job, cancellationToken) => DelegateAsync(job, "child", cancellationToken))
            .AddAgent("child", "1", (job, cancellationToken) => DelegateAsync(job, "count", cancellationToken));
    }

    private static async Task<RawJson?> DelegateAsync(JobContext job, string agent, CancellationToken cancellationToken)
    {
        await job.LogAsync("begins");
        DelegatedJob child = await job.DelegateAsync(agent, RawJson.Parse("""{"n":3}"""), MayDelegate);
        await job.LogAsync("goes on");
        return await child.GetResultAsync(cancellationToken);
    }
}
