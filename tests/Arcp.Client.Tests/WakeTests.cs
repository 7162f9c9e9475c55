using Arcp.Core.Messages;
using Arcp.Core.Transports;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>Readers are woken for many events at once, and yet in time.</summary>
[Trait("§", "CL")]
public sealed class WakeTests
{
    [Theory]
    [InlineData(80, 1, 100_000)] // at the latest after 64 frames
    [InlineData(5, 40_000, 100_000)] // or 64 KiB
    [InlineData(2, 1, 10)] // or at once, when so little is kept that the reader has to be quick
    public async Task A_reader_does_not_wait_until_no_more_frames_come(int frames, int length, int kept)
    {
        (ArcpClient client, ScriptedPeer peer, GatheringTransport transport) = await ConnectAsync(new() { MaxEventsPerJob = kept });
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await using IAsyncEnumerator<JobEvent> events = job.Events.GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        using var isSeen = new ManualResetEventSlim();
        try
        {
            transport.Gather(frames, isSeen.Wait); // the loop that reads is never told that no frame is at hand
            for (int seq = 1; seq <= frames; seq++)
            {
                await LogAsync(peer, "job_1", seq, new string('x', length));
            }

            (await first.Soon()).Should().BeTrue();
        }
        finally
        {
            isSeen.Set();
        }

        await peer.ResultAsync("job_1", "1");
        (await job.GetResultAsync<int>().Soon()).Should().Be(1);
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_reader_gets_what_came_right_before_the_connection_broke()
    {
        (ArcpClient client, ScriptedPeer peer, GatheringTransport transport) = await ConnectAsync(ScriptedNetwork.Options());
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await using IAsyncEnumerator<JobEvent> events = job.Events.GetAsyncEnumerator();
        Task<bool> first = events.MoveNextAsync().AsTask();
        transport.Gather(1, () => throw new TransportException("cut"));
        await LogAsync(peer, "job_1", 1);

        (await first.Soon()).Should().BeTrue();
        job.Status.IsTerminal.Should().BeFalse();
        await client.DisposeAsync();
    }

    private static async Task<(ArcpClient Client, ScriptedPeer Peer, GatheringTransport Transport)> ConnectAsync(ArcpClientOptions options)
    {
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 4096);
        var transport = new GatheringTransport(near);
        var peer = new ScriptedPeer(far);
        int dials = 0;
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(
            _ => Interlocked.Increment(ref dials) == 1 ? ValueTask.FromResult<ITransport>(transport) : throw new TransportException("nobody there"), options);
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync(ScriptedPeer.Welcome);
        return (await connecting.Soon(), peer, transport);
    }

    /// <summary>Holds frames back until many have come, gives them without a wait, and then does something instead of giving another.</summary>
    private sealed class GatheringTransport(ITransport inner) : ITransport
    {
        private readonly Queue<byte[]> _gathered = [];
        private Action? _then;
        private volatile int _count;

        public void Gather(int count, Action then) => (_then, _count) = (then, count);

        public ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
        {
            if (_gathered.TryDequeue(out byte[]? next))
            {
                frame.Clear();
                frame.TryWrite(next);
                return ValueTask.FromResult(FrameReadStatus.Frame);
            }

            if (_count < 0)
            {
                _count = 0;
                _then!();
            }

            return GatherAsync(frame, cancellationToken);
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => inner.WriteAsync(frame, cancellationToken);

        public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private async ValueTask<FrameReadStatus> GatherAsync(FrameBuffer frame, CancellationToken cancellationToken)
        {
            FrameReadStatus status = await inner.ReadAsync(frame, cancellationToken);
            using var other = new FrameBuffer(frame.Limit);
            for (int i = 1; i < _count; i++)
            {
                await inner.ReadAsync(other, cancellationToken);
                _gathered.Enqueue(other.WrittenSpan.ToArray());
            }

            _count = _count > 0 ? -1 : 0;
            return status;
        }
    }
}
