using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>The client together with the real runtime.</summary>
[Trait("§", "6.3")]
public sealed class RuntimeTests
{
    [Fact]
    public async Task Handles_and_subscriptions_go_on_over_cuts_and_cancel_still_works()
    {
        await using var network = new RuntimeNetwork();
        await using ArcpClient client = await network.ConnectAsync();
        await using ArcpClient watcher = await ArcpClient.ConnectAsync(network.DialApartAsync, ScriptedNetwork.Options());
        JobHandle job = await client.SubmitAsync("gated", new CountInput(50));
        Subscription watch = await watcher.SubscribeAsync(job.Id, new() { FromEventSeq = 0 });
        Task<List<double>> own = ProgressOf(job);
        Task<List<double>> watched = ProgressOf(watch);
        await network.CutAsync();
        network.Gate.SetResult();
        (await job.GetResultAsync<int>().Soon()).Should().Be(50);
        (await watch.GetResultAsync<int>().Soon()).Should().Be(50);
        (await own.Soon()).Should().Equal(Enumerable.Range(1, 50).Select(i => (double)i));
        (await watched.Soon()).Should().Equal(Enumerable.Range(1, 50).Select(i => (double)i));
    }

    [Fact]
    [Trait("§", "7.4")]
    public async Task Cancel_authority_survives_a_resume()
    {
        await using var network = new RuntimeNetwork();
        await using ArcpClient client = await network.ConnectAsync();
        JobHandle job = await client.SubmitAsync("gated", new CountInput(3));
        await network.CutAsync();
        (await job.CancelAsync("enough").Soon()).Should().Be(JobStatus.Cancelled);
        client.State.IsNewSession.Should().BeFalse();
    }

    [Fact]
    public async Task When_the_window_has_closed_handles_go_on_in_a_new_session_without_missing_anything()
    {
        await using var network = new RuntimeNetwork(builder => builder.Options.ResumeWindow = TimeSpan.Zero);
        network.BeforeDial = () => Bounded.UntilAsync(() => network.Runtime.GetStatistics().Sessions == 0);
        await using ArcpClient client = await network.ConnectAsync();
        JobHandle job = await client.SubmitAsync("gated", new CountInput(50));
        Task<List<double>> progress = ProgressOf(job);
        await job.Events.Take(20).ToListAsync().AsTask().Soon();
        for (int cut = 0; cut < 3; cut++)
        {
            string before = client.SessionId.Value;
            await network.CutAsync();
            await Bounded.UntilAsync(() => client.SessionId.Value != before && client.State.Status is ConnectionStatus.Connected);
            client.State.Should().Match<ConnectionState>(state => state.IsNewSession && !state.MayMissEvents);
        }

        network.Gate.SetResult();
        (await job.GetResultAsync<int>().Soon()).Should().Be(50);
        (await progress.Soon()).Should().Equal(Enumerable.Range(1, 50).Select(i => (double)i));
    }

    [Fact]
    [Trait("§", "7.2")]
    public async Task A_key_that_another_client_has_used_gives_the_same_job_with_all_its_events()
    {
        await using var network = new RuntimeNetwork();
        await using ArcpClient first = await network.ConnectAsync();
        await using ArcpClient second = await network.ConnectAsync();
        var options = new SubmitOptions { IdempotencyKey = "k" };
        JobHandle one = await first.SubmitAsync("count", new CountInput(5), options);
        (await one.GetResultAsync<int>().Soon()).Should().Be(5);
        JobHandle two = await second.SubmitAsync("count", new CountInput(5), options);
        two.Id.Should().Be(one.Id);
        (await two.GetResultAsync<int>().Soon()).Should().Be(5);
        (await Messages(two)).Should().Equal("1", "2", "3", "4", "5");
    }

    [Fact]
    [Trait("§", "6.6")]
    public async Task A_listing_walks_all_jobs()
    {
        await using var network = new RuntimeNetwork();
        await using ArcpClient client = await network.ConnectAsync();
        var ids = new List<string>();
        for (int i = 0; i < 7; i++)
        {
            JobHandle job = await client.SubmitAsync("count", new CountInput(1));
            await job.GetResultAsync().Soon();
            ids.Add(job.Id.Value);
        }

        List<JobSummary> listed = await client.ListJobsAsync(new() { PageSize = 2, Statuses = [JobStatus.Success] }).ToListAsync().Soon();
        listed.Select(job => job.JobId.Value).Should().Equal(ids);
        (await client.ListJobsAsync(new() { Statuses = [JobStatus.Error] }).ToListAsync().Soon()).Should().BeEmpty();
    }

    [Fact]
    public async Task Disposal_at_any_moment_of_a_breaking_connection_ends_every_waiter()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        for (int round = 0; round < 60; round++)
        {
            await using var network = new RuntimeNetwork();
            ArcpClient client = await network.ConnectAsync();
            Task[] waiters = [.. Enumerable.Range(0, 8).Select(i => WaitAsync(client, i))];
            int steps = random.Next(0, 400);
            Task cutting = Task.Run(async () =>
            {
                for (int i = 0; i < random.Next(0, 4); i++)
                {
                    await network.CutAsync();
                    await Task.Yield();
                }
            });
            for (int i = 0; i < steps; i++)
            {
                await Task.Yield();
            }

            await Task.WhenAll(client.DisposeAsync().AsTask(), client.DisposeAsync().AsTask()).Soon();
            await cutting.Soon();
            foreach (Task waiter in waiters)
            {
                await ((Task)Task.WhenAny(waiter)).Soon();
                waiter.Exception?.InnerException.Should().BeOfType<ArcpConnectionException>($"seed {seed}");
            }

            client.State.IsFinal.Should().BeTrue();
            client.Counts.Requests.Should().Be(0);
        }
    }

    private static async Task WaitAsync(ArcpClient client, int i)
    {
        JobHandle job = await client.SubmitAsync(i % 2 == 0 ? "count" : "gated", new CountInput(20), new SubmitOptions { IdempotencyKey = i % 3 == 0 ? $"{i}" : null });
        Task[] all = [job.GetResultAsync(), job.Events.ToListAsync().AsTask(), client.ListJobsAsync().ToListAsync().AsTask()];
        await Task.WhenAll(all);
    }

    private static async Task<List<double>> ProgressOf(JobView job) =>
        await job.Events.Select(entry => entry.Body).OfType<ProgressEvent>().Select(step => step.Current).ToListAsync();
}
