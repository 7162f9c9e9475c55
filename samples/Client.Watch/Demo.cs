using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

namespace Client.Watch;

/// <summary>A runtime in this process, and some jobs for it.</summary>
internal sealed class Demo : IAsyncDisposable
{
    private const string Budget = "cost.budget";
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(60);
    private static readonly string[] Submits = ["research", "render", "mail", "research", "render", "mail"];

    private readonly ArcpRuntime _runtime = new ArcpRuntimeBuilder()
        .AddBearerToken("demo", principal: "demo")
        .AddAgent("research", "2.1.0", ResearchAsync)
        .AddAgent("render", "1.0.0", RenderAsync)
        .AddAgent("mail", "0.3.0", MailAsync)
        .Build();

    public Task<ArcpClient> ConnectAsync() =>
        ArcpClient.ConnectAsync(_ => ValueTask.FromResult(_runtime.ConnectInProcess()), new() { Token = "demo" });

    /// <summary>Submits jobs, one after the other, and waits until all have ended.</summary>
    public async Task RunAsync()
    {
        await using ArcpClient client = await ConnectAsync();
        Lease? budget = client.Features.HasFlag(Features.CostBudget) ? new Lease([new(Budget, ["USD:2.00"])]) : null;
        var jobs = new List<JobHandle>();
        foreach (string agent in Submits)
        {
            jobs.Add(await client.SubmitAsync(agent, options: new() { Lease = agent == "research" ? budget : null }));
            await Task.Delay(3 * Pace, TimeProvider.System);
        }

        foreach (JobHandle job in jobs)
        {
            try
            {
                await job.GetResultAsync();
            }
            catch (ArcpException)
            {
                // Mail fails; that is its part in the demonstration.
            }
        }
    }

    /// <summary>Whether the board has everything that the jobs have done.</summary>
    public static bool HasBeenShownBy(JobBoard board)
    {
        IReadOnlyList<JobRow> rows = board.Look().Rows;
        return rows.Count == Submits.Length
            && rows.Count(row => row.Status == JobStatus.Error) == 2
            && rows.Where(row => row.Status == JobStatus.Success).All(row => row.Progress is { } progress && progress.Current == progress.Total)
            && rows.Where(row => row.Agent.StartsWith("research", StringComparison.Ordinal)).All(row => row.Budgets["USD"] is { } gauge && gauge.Remaining < gauge.Full);
    }

    public ValueTask DisposeAsync() => _runtime.DisposeAsync();

    private static async Task<RawJson?> ResearchAsync(JobContext job, CancellationToken cancellationToken)
    {
        for (int i = 1; i <= 12; i++)
        {
            await job.ThoughtAsync($"What does source {i} say?");
            await Task.Delay(Pace, TimeProvider.System, cancellationToken);
            await job.MetricAsync("cost.model", 0.15m, "USD");
            if (!job.Lease.ContainsKey(Budget))
            {
                await job.MetricAsync("cost.budget.remaining", 2.00m - (0.15m * i), "USD"); // nobody else counts
            }

            await job.ProgressAsync(i, total: 12, units: "sources");
        }

        return null;
    }

    private static async Task<RawJson?> RenderAsync(JobContext job, CancellationToken cancellationToken)
    {
        for (int i = 1; i <= 25; i++)
        {
            await Task.Delay(Pace / 2, TimeProvider.System, cancellationToken);
            await job.ProgressAsync(i, total: 25, units: "frames");
        }

        return null;
    }

    private static async Task<RawJson?> MailAsync(JobContext job, CancellationToken cancellationToken)
    {
        await job.LogAsync("knocking at the mail server");
        await Task.Delay(4 * Pace, TimeProvider.System, cancellationToken);
        throw new ArcpException(ErrorCode.PermissionDenied, "The mail server wants nothing to do with us.");
    }
}
