using System.Text;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Credentials;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.Client.Tests;

/// <summary>Leases, budgets, children, credentials and streamed results, client and real runtime together.</summary>
public sealed class RuntimeAuthorityTests
{
    [Fact]
    [Trait("§", "8.4")]
    public async Task A_streamed_result_arrives_while_it_is_written_and_over_cuts()
    {
        string text = string.Concat(Enumerable.Range(0, 2_000).Select(i => $"{i} € "));
        await using var network = new RuntimeNetwork(builder =>
        {
            builder.Options.MaxResultChunkBytes = 1024;
            builder.AddAgent("stream", "1", async (job, cancellationToken) =>
            {
                await using ResultStream result = job.OpenResultStream();
                await result.WriteAsync(text, cancellationToken);
                await result.CompleteAsync("all of it");
                return null;
            });
        });
        await using ArcpClient client = await network.ConnectAsync();
        JobHandle job = await client.SubmitAsync("stream");
        Task<string> whole = ReadAsync(job);
        await network.CutAsync();

        (await whole.Soon()).Should().Be(text);
        JobOutcome outcome = await job.GetOutcomeAsync().Soon();
        (outcome.IsStreamed, outcome.Summary, Encoding.UTF8.GetString(outcome.Bytes.Span)).Should().Be((true, "all of it", text));

        static async Task<string> ReadAsync(JobView job)
        {
            var read = new StringBuilder();
            await foreach (string piece in job.ReadResultTextAsync())
            {
                read.Append(piece);
            }

            return read.ToString();
        }
    }

    [Fact]
    [Trait("§", "10")]
    public async Task Children_are_followed_from_their_parents_handle()
    {
        await using var network = new RuntimeNetwork(builder => builder.AddAgent("boss", "1", async (job, cancellationToken) =>
        {
            RawJson input = RawJson.Parse("""{"n":3}""");
            DelegatedJob first = await job.DelegateAsync("count", input, new LeaseBuilder().Budget("USD", 0.25m).Build());
            await first.GetResultAsync(cancellationToken);
            DelegatedJob second = await job.DelegateAsync("count", input);
            return await second.GetResultAsync(cancellationToken);
        }));
        await using ArcpClient client = await network.ConnectAsync();
        JobHandle job = await client.SubmitAsync("boss", options: new()
        {
            Lease = new LeaseBuilder().AllowDelegate("count").Budget("USD", 1).Build(),
            LeaseConstraints = new() { ExpiresAt = TimeProvider.System.GetUtcNow().AddHours(1) },
        });
        (await job.GetResultAsync<int>().Soon()).Should().Be(3);

        job.Children.Should().HaveCount(2);
        foreach (DelegateEvent announced in job.Children)
        {
            await using ChildJob child = await job.OpenChildAsync(announced.ChildJobId).Soon();
            List<JobEvent> events = await child.Events.ToListAsync().AsTask().Soon();
            events.Select(each => each.Body).OfType<LogEvent>().Select(log => log.Message).Should().Equal("1", "2", "3");
            (await child.GetResultAsync<int>().Soon()).Should().Be(3);
            child.ParentJobId.Should().Be(job.Id);
            child.LeaseConstraints.Should().Be(job.LeaseConstraints, "the expiry is inherited");
        }

        job.RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 1m });
    }

    [Fact]
    [Trait("§", "9.6")]
    public async Task A_handle_shows_what_is_left_of_the_budget()
    {
        await using var network = new RuntimeNetwork(builder => builder.AddAgent("spend", "1", async (job, _) =>
        {
            await job.ReportCostAsync(0.3m, "USD");
            await job.ReportCostAsync(0.4m, "USD");
            return null;
        }));
        await using ArcpClient client = await network.ConnectAsync();
        JobHandle job = await client.SubmitAsync("spend", options: new() { Lease = new LeaseBuilder().Budget("USD", 1).Budget("EUR", 2).Build() });

        job.Budget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 1, ["EUR"] = 2 });
        await job.GetResultAsync().Soon();
        job.RemainingBudget.Should().BeEquivalentTo(new Dictionary<string, decimal> { ["USD"] = 0.3m, ["EUR"] = 2 });
    }

    [Fact]
    [Trait("§", "9.8")]
    public async Task A_handle_holds_its_credentials_also_after_a_rotation()
    {
        var provisioner = new CountingProvisioner();
        await using var network = new RuntimeNetwork(builder => builder
            .UseCredentialProvisioner(provisioner)
            .UseInMemoryRevocationStore()
            .AddAgent("rotate", "1", async (job, cancellationToken) =>
            {
                await job.RotateCredentialAsync(job.Credentials[0].Id, cancellationToken);
                return RawJson.From(job.Credentials[0].Value);
            }));
        await using ArcpClient client = await network.ConnectAsync();
        JobHandle job = await client.SubmitAsync("rotate");

        (await job.GetResultAsync<string>().Soon()).Should().Be("value-2");
        job.Credentials.Should().ContainSingle().Which.Value.Should().Be("value-2");
        provisioner.Revoked.Order().Should().Equal("value-1", "value-2");
        network.Runtime.GetStatistics().OutstandingCredentials.Should().Be(0);
    }

    private sealed class CountingProvisioner : ICredentialProvisioner
    {
        private int _issued;

        public System.Collections.Concurrent.ConcurrentQueue<string> Revoked { get; } = new();

        public ValueTask<IReadOnlyList<IssuedCredential>> IssueAsync(CredentialRequest request, CancellationToken cancellationToken) => new([Next()]);

        public ValueTask<IssuedCredential> RotateAsync(CredentialRequest request, OutstandingCredential current, CancellationToken cancellationToken) => new(Next());

        public ValueTask RevokeAsync(OutstandingCredential credential, CancellationToken cancellationToken)
        {
            Revoked.Enqueue(credential.Value);
            return ValueTask.CompletedTask;
        }

        private IssuedCredential Next() => new() { Value = $"value-{Interlocked.Increment(ref _issued)}", Endpoint = "https://models.example" };
    }
}
