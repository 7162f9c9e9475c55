using System.Buffers;
using System.Text;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Tests.Storage;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>§4: a batch of frames lies as its transport sends it, and goes to it in one piece.</summary>
public class FrameBatchTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(long.MaxValue)]
    public void Every_frame_has_its_header_and_neighbours_are_one_range(long seq)
    {
        byte[] head = Encoding.UTF8.GetBytes($"<{seq}");
        var batch = new FrameBatch(new CountedLayout());
        byte[] large = [.. Enumerable.Repeat((byte)'x', 5000)];
        batch.Add("first"u8.ToArray());
        batch.EndReady();
        batch.AddNumbered(head, ">"u8);
        batch.AddNumbered(head, large);
        batch.Add("last"u8.ToArray());

        (batch.Count, batch.ReadyCount, batch.NumberedCount).Should().Be((4, 1, 2));
        string numbered = $"<{seq}>";
        CountedLayout.Split(batch[..1]).Should().Equal("first");
        CountedLayout.Split(batch[1..4]).Should().Equal(numbered, $"<{seq}{Encoding.UTF8.GetString(large)}", "last");
        CountedLayout.Split(batch[..4]).Should().HaveCount(4);
        Encoding.UTF8.GetString(batch[1].Span[CountedLayout.HeaderLength..]).Should().Be(numbered);
    }

    [Fact]
    public void Without_a_layout_nothing_stands_between_frames()
    {
        var batch = new FrameBatch();
        batch.Add("first"u8.ToArray());
        batch.AddNumbered("<7"u8, ">"u8);
        Encoding.UTF8.GetString(batch[..2].Span).Should().Be("first<7>");
        Encoding.UTF8.GetString(batch[1].Span).Should().Be("<7>");
    }

    [Fact]
    public void Frames_lie_in_the_transport_at_once_where_it_takes_them()
    {
        var transport = new ArrayBufferWriter<byte>();
        int asked = 0;
        var batch = new FrameBatch(new CountedLayout(), () => asked++ < 2 ? transport : null);
        batch.Clear();
        asked.Should().Be(0, "nothing is there to be sent");
        string[] frames = [.. Enumerable.Range(1, 300).Select(number => new string('x', number * 7))];
        foreach (string frame in frames)
        {
            batch.Add(Encoding.UTF8.GetBytes(frame));
        }

        (batch.IsInPlace, batch.Count, batch.IsFull).Should().Be((true, 300, true));
        batch.Clear();
        CountedLayout.Split(transport.WrittenMemory).Should().Equal(frames);

        transport.Clear();
        batch.AddNumbered("<1"u8, ">"u8);
        (batch.IsInPlace, batch.Count, batch.NumberedCount, batch.IsFull).Should().Be((true, 1, 1, false));
        batch.Clear();
        CountedLayout.Split(transport.WrittenMemory).Should().Equal("<1>");

        transport.Clear();
        batch.Add("own"u8.ToArray());
        batch.IsInPlace.Should().BeFalse();
        CountedLayout.Split(batch[..1]).Should().Equal("own");
        batch.Clear();
        transport.WrittenCount.Should().Be(0);
        asked.Should().Be(3);
    }

    [Fact]
    public async Task A_transport_with_memory_of_its_own_is_given_frames_in_it()
    {
        await using var runtime = new TestRuntime();
        LayingTransport? transport = null;
        await using WireClient client = runtime.Connect(wrap: inner => transport = new LayingTransport(inner, lends: true));
        await client.HelloAsync("secret-a");
        WireFrame accepted = await client.SubmitAsync("count", new { n = 200 });
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
        frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, 202).Select(number => (long?)number));
        (transport!.Blocks, transport.Frames).Should().Be((0, 1 + 1 + 202));
        transport.Begun.Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task What_may_have_to_wait_for_a_commit_does_not_lie_in_the_transport()
    {
        await using DurableHost durable = await DurableHost.CreateAsync(builder => builder.AddAgent("echo", "1", (job, _) => Task.FromResult<Core.RawJson?>(null)));
        LayingTransport? transport = null;
        await using WireClient client = durable.Host.Connect(wrap: inner => transport = new LayingTransport(inner, lends: true));
        await client.HelloAsync();
        (await client.ReadJobAsync((await client.SubmitAsync("echo")).JobId!))[^1].Type.Should().Be("job.result");
        transport!.Begun.Should().Be(0);
        transport.Blocks.Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task A_transport_with_a_layout_is_given_all_frames_of_a_batch_at_once()
    {
        await using var runtime = new TestRuntime();
        LayingTransport? transport = null;
        await using WireClient client = runtime.Connect(wrap: inner => transport = new LayingTransport(inner));
        await client.HelloAsync("secret-a");
        WireFrame accepted = await client.SubmitAsync("count", new { n = 200 });
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
        frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, 202).Select(number => (long?)number));
        await TestRuntime.UntilAsync(() => transport!.Blocks <= transport.Flushes, "a flush behind each block, since nothing had to wait for a commit");
        transport!.Frames.Should().Be(1 + 1 + 202);
    }

    [Fact]
    public async Task What_may_be_sent_at_once_and_what_waits_for_a_commit_are_each_sent_once()
    {
        var agent = new GatedAgent();
        await using DurableHost durable = await DurableHost.CreateAsync(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        LayingTransport? transport = null;
        await using WireClient client = durable.Host.Connect(wrap: inner => transport = new LayingTransport(inner));
        await client.HelloAsync();
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        JobContext running = await agent.BegunAsync(jobId);
        await client.ExpectAsync("job.event"); // it is running
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        var writes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        transport!.MayWrite = writes.Task;
        await client.SendAsync("session.ping", new { nonce = "1" });
        await transport.IsHeld.WaitAsync(WireClient.Patience); // in the answer to it
        await client.SendAsync("session.ping", new { nonce = "2" });
        await client.SendAsync("x-vendor.over");
        await TestRuntime.UntilAsync(() => durable.Host.Logs.Lines.Any(line => line.Contains("x-vendor.over", StringComparison.Ordinal)), "all was read");
        await running.LogAsync("uncommitted");
        await gate.ReachedAsync();
        writes.SetResult();
        await client.ExpectAsync("session.pong");
        await client.ExpectAsync("session.pong");
        await client.ExpectHeldAsync();
        gate.Open();

        (await client.ExpectAsync("job.event")).Body["message"]!.GetValue<string>().Should().Be("uncommitted");
        agent.Open(jobId);
        (await client.ReadJobAsync(jobId))[^1].Type.Should().Be("job.result");
    }
}
