using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>When a job that was accepted starts: whatever its session's peer sends meanwhile, and whatever other agents do.</summary>
[Trait("Section", "7.1")]
public class JobStartTests
{
    private const string Hello = """{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"},"capabilities":{"features":["ack"]}}}""";
    private const string Ack = """{"type":"session.ack","payload":{"last_processed_seq":0}}""";
    private const string Close = """{"type":"session.close"}""";

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public enum Ending
    {
        Closed,
        Lost,
        TooLarge,
        Asked,
    }

    [Theory]
    [InlineData(2)] // the last of few waits for no other frame
    [InlineData(20)]
    public async Task An_agent_that_keeps_its_thread_holds_up_no_job_that_was_submitted_behind_its_own(int count)
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("keep", "1", (int number, JobContext _, CancellationToken _) =>
        {
            if (number == count)
            {
                _begun.SetResult();
            }

            return number > 1 || _begun.Task.Wait(WireClient.Patience, CancellationToken.None) ? Task.FromResult(number) : throw new TimeoutException("The last job does not start.");
        }));
        await using WireClient client = runtime.Connect(wrap: inner => new ScriptedTransport(inner, [Hello, .. Submits("keep", count)]));

        try
        {
            var results = new List<int>();
            while (results.Count < count)
            {
                results.Add((int)(await client.SkipToAsync("job.result")).Payload["result"]!);
            }

            results.Should().BeEquivalentTo(Enumerable.Range(1, count));
        }
        finally
        {
            _begun.TrySetResult();
        }
    }

    [Fact]
    public async Task A_job_starts_while_its_peer_never_stops_sending()
    {
        const int most = 1_000_000;
        int sent = 0;
        IEnumerable<string> SendUntilBegun()
        {
            yield return Hello;
            yield return Submits("begin", 1)[0];
            while (!_begun.Task.IsCompleted && sent < most)
            {
                sent++;
                yield return Ack;
            }
        }

        await using var runtime = new TestRuntime(AddBegin);
        await using WireClient client = runtime.Connect(wrap: inner => new ScriptedTransport(inner, SendUntilBegun()));

        (await client.SkipToAsync("job.result")).FinalStatus.Should().Be("success");
        sent.Should().BeLessThan(most, "the job starts while frames are at hand, and not behind the last of them");
    }

    [Fact]
    public async Task A_peer_that_never_stops_sending_is_welcomed_and_let_go()
    {
        IEnumerable<string> SendUntilGivenUp()
        {
            yield return Hello;
            while (!_begun.Task.IsCompleted)
            {
                yield return Ack;
            }
        }

        await using var runtime = new TestRuntime(AddBegin);
        try
        {
            await using WireClient client = await Task.Run(() => runtime.Connect(wrap: inner => new ScriptedTransport(inner, SendUntilGivenUp()))).WaitAsync(WireClient.Patience, TimeProvider.System);
            await client.ExpectAsync("session.welcome");
            await runtime.Runtime.StopAsync(CancellationToken.None).WaitAsync(WireClient.Patience, TimeProvider.System);
        }
        finally
        {
            _begun.SetResult();
        }
    }

    [Theory]
    [InlineData(Ending.Closed)]
    [InlineData(Ending.Lost)]
    [InlineData(Ending.TooLarge)]
    [InlineData(Ending.Asked)]
    public async Task A_job_starts_that_was_submitted_right_before_its_connection_ends(Ending ending)
    {
        List<string> frames = [Hello, .. Submits("begin", 1)];
        if (ending is Ending.Asked)
        {
            frames.Add(Close);
        }

        await using var runtime = new TestRuntime(AddBegin);
        await using WireClient client = runtime.Connect(wrap: inner => new ScriptedTransport(inner, frames, ending switch
        {
            Ending.Lost => () => throw new TransportException("The network is gone."),
            Ending.TooLarge => () => FrameReadStatus.TooLarge,
            _ => () => FrameReadStatus.Closed,
        }));

        await _begun.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
    }

    [Fact]
    public async Task Jobs_whose_submits_were_decided_later_start_without_another_frame()
    {
        var issued = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int asked = 0;
        await using var lending = new LendingRuntime();
        lending.Provisioner.OnIssue = async (_, cancellationToken) =>
        {
            if (Interlocked.Increment(ref asked) == 1)
            {
                await issued.Task.WaitAsync(cancellationToken);
            }

            return [lending.Provisioner.Next()];
        };
        await using WireClient client = await lending.Host.OpenFullAsync();
        await client.SendAsync("job.submit", new { agent = "gate" });
        await TestRuntime.UntilAsync(() => Volatile.Read(ref asked) == 1, "the first waits");
        await client.SendAsync("job.submit", new { agent = "gate" }); // decided sooner, and answered behind the other
        await TestRuntime.UntilAsync(() => Volatile.Read(ref asked) == 2, "the second is being decided");
        await client.ExpectQuietAsync();

        issued.SetResult();

        string[] jobs = [(await client.SkipToAsync("job.accepted")).JobId!, (await client.SkipToAsync("job.accepted")).JobId!];
        foreach (string job in jobs)
        {
            await lending.Agent.BegunAsync(job);
            lending.Agent.Open(job);
            await client.ReadJobToEndAsync(job);
        }

        await lending.ExpectAllTakenBackAsync(); // on a clock that stands still, nobody stops before
    }

    [Fact]
    public async Task Nothing_ambient_flows_into_an_agent_from_its_submitter_or_from_another_agent()
    {
        const int count = 20;
        var ambient = new AsyncLocal<string?>();
        var seen = new ConcurrentQueue<string?>();
        string? reader = null;
        IEnumerable<string> Frames()
        {
            yield return Hello;
            reader = ambient.Value;
            foreach (string submit in Submits("look", count))
            {
                yield return submit;
            }
        }

        await using var runtime = new TestRuntime(builder => builder.AddAgent("look", "1", (job, _) =>
        {
            seen.Enqueue(ambient.Value);
            ambient.Value = "agent";
            return Task.FromResult<RawJson?>(job.Input);
        }));
        ambient.Value = "submitter";
        await using WireClient client = runtime.Connect(wrap: inner => new ScriptedTransport(inner, Frames()));
        for (int i = 0; i < count; i++)
        {
            await client.SkipToAsync("job.result");
        }

        reader.Should().Be("submitter", "it could flow from whoever serves the connection");
        seen.Should().HaveCount(count).And.OnlyContain(value => value == null);
    }

    private static string[] Submits(string agent, int count) =>
        [.. Enumerable.Range(1, count).Select(number => $$$"""{"type":"job.submit","id":"s{{{number}}}","payload":{"agent":"{{{agent}}}","input":{{{number}}}}}""")];

    private void AddBegin(ArcpRuntimeBuilder builder) => builder.AddAgent("begin", "1", (job, _) =>
    {
        _begun.SetResult();
        return Task.FromResult<RawJson?>(job.Input);
    });
}
