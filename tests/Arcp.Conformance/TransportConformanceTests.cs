using System.Buffers;
using Arcp.Core.Transports;
using Xunit;
using static Arcp.Conformance.ConnectedPair;

namespace Arcp.Conformance;

/// <summary>Checks an <see cref="ITransport"/> against its contract (§4). Inherit it in an xunit test project and say how to connect two of yours.</summary>
/// <remarks>
/// Every test connects a pair of its own and disposes it, so a connection must not share state with another one. The tests know nothing of
/// JSON: frames are any text.
/// </remarks>
public abstract class TransportConformanceTests : TransportEndConformanceTests
{
    /// <summary>Frames come out as they went in, in order, both ways.</summary>
    [Fact]
    public async Task Frames_arrive_in_order_in_both_directions()
    {
        await using ConnectedPair pair = await OpenAsync();
        byte[][] there = [.. Enumerable.Range(0, 100).Select(i => Utf8($"there {i}"))];
        byte[][] back = [.. Enumerable.Range(0, 100).Select(i => Utf8($"back {i}"))];
        for (int i = 0; i < there.Length; i++)
        {
            await SendAsync(pair.First, there[i], pair.Timeout);
            await SendAsync(pair.Second, back[i], pair.Timeout);
        }

        await pair.AssertReceivesAsync(pair.Second, there);
        await pair.AssertReceivesAsync(pair.First, back);
    }

    /// <summary>The limit is exact: it is allowed, one byte more is not.</summary>
    /// <param name="limit">The limit, in bytes.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(125)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(16 * 1024)]
    [InlineData(64 * 1024)]
    [InlineData(100_000)]
    public async Task A_frame_of_up_to_the_limit_arrives_and_a_larger_one_is_too_large(int limit)
    {
        await using ConnectedPair pair = await OpenAsync();
        using var frame = new FrameBuffer(limit);
        foreach (int length in new[] { 1, Math.Max(limit - 1, 1), limit })
        {
            Task sending = SendAsync(pair.First, Content(length), pair.Timeout);
            Assert.Equal(Content(length), await pair.ReceiveAsync(pair.Second, frame));
            await sending;
        }

        Task sendingTooLarge = SendAsync(pair.First, Content(limit + 1), pair.Timeout);
        Assert.Equal(FrameReadStatus.TooLarge, await pair.Second.ReadAsync(frame, pair.Timeout));
        Assert.Equal(0, frame.Length);
        await sendingTooLarge;
    }

    /// <summary>After a frame that is too large, the reader can still say so, and drops what comes until the peer is done.</summary>
    [Fact]
    public async Task After_a_frame_that_is_too_large_sending_works_and_reading_only_waits_for_the_end()
    {
        await using ConnectedPair pair = await OpenAsync();
        using var frame = new FrameBuffer(1000);
        Task sending = Task.Run(async () =>
        {
            await SendAsync(pair.First, Content(FrameLimit), pair.Timeout);
            await SendAsync(pair.First, Content(10), pair.Timeout);
            await pair.First.CloseAsync(pair.Timeout);
        });
        Assert.Equal(FrameReadStatus.TooLarge, await pair.Second.ReadAsync(frame, pair.Timeout));

        await SendAsync(pair.Second, Utf8("too large"), pair.Timeout);
        await pair.AssertReceivesAsync(pair.First, Utf8("too large"));
        Assert.Equal(FrameReadStatus.Closed, await pair.Second.ReadAsync(frame, pair.Timeout));
        await sending;
    }

    /// <summary>A flush is not needed per frame.</summary>
    [Fact]
    public async Task Many_frames_between_two_flushes_arrive()
    {
        await using ConnectedPair pair = await OpenAsync();
        byte[][] frames = [.. Enumerable.Range(0, 5000).Select(i => Content(1 + i % 300, i))];
        Task reading = Task.Run(() => pair.AssertReceivesAsync(pair.Second, frames));
        foreach (byte[] frame in frames)
        {
            await pair.First.WriteAsync(frame, pair.Timeout);
        }

        await pair.First.FlushAsync(pair.Timeout);
        await reading;
    }

    /// <summary>Any Unicode text passes unchanged, also characters that some take for line breaks.</summary>
    [Fact]
    public async Task Unicode_text_is_not_changed()
    {
        await using ConnectedPair pair = await OpenAsync();
        byte[] frame = Utf8("\"Grüße, 世界, שלום, 🚀, e\u0301, \u0085\u2028\u2029\u000b\u000c, \u0000, \ufeff, \uffff\"");
        await SendAsync(pair.First, frame, pair.Timeout);
        await pair.AssertReceivesAsync(pair.Second, frame);
    }

    /// <summary>A frame has content.</summary>
    [Fact]
    public async Task An_empty_frame_is_refused_and_the_transport_goes_on()
    {
        await using ConnectedPair pair = await OpenAsync();
        await Assert.ThrowsAnyAsync<ArgumentException>(() => pair.First.WriteAsync(default, pair.Timeout).AsTask());
        await SendAsync(pair.First, Content(3), pair.Timeout);
        await pair.AssertReceivesAsync(pair.Second, Content(3));
    }

    /// <summary>Frames that the sender has laid out, in place or not, arrive as if they had been sent one by one, in order with those that were. A transport without a layout says so.</summary>
    [Fact]
    public async Task Frames_that_are_laid_out_arrive_in_order_with_single_ones()
    {
        await using ConnectedPair pair = await OpenAsync();
        foreach ((ITransport from, ITransport to) in new[] { (pair.First, pair.Second), (pair.Second, pair.First) })
        {
            byte[][] frames = [.. new[] { 1, 125, 126, 127, 300, 65_535, 65_536, 200_000 }.Select(Content)];
            if (from.Layout is not { } layout)
            {
                await Assert.ThrowsAsync<NotSupportedException>(() => from.WriteFramesAsync(frames[1], pair.Timeout).AsTask());
                Assert.Null(from.TryBeginFrames());
                continue;
            }

            await Assert.ThrowsAnyAsync<ArgumentException>(() => from.WriteFramesAsync(default, pair.Timeout).AsTask());
            byte[] block = LaidOutTransport.LayOut(layout, frames.Select(frame => (ReadOnlyMemory<byte>)frame));
            Task reading = Task.Run(() => pair.AssertReceivesAsync(to, [Utf8("before"), .. frames, Utf8("between"), .. frames, Utf8("behind"), .. frames, .. frames, Utf8("last")]));
            await from.WriteAsync(Utf8("before"), pair.Timeout);
            await from.WriteFramesAsync(block, pair.Timeout);
            await from.WriteAsync(Utf8("between"), pair.Timeout);
            await from.WriteFramesAsync(block, pair.Timeout);
            byte[] copy = [.. block];
            block.AsSpan().Clear(); // the memory is the caller's again
            await from.WriteAsync(Utf8("behind"), pair.Timeout);
            await PutAsync(from, copy);
            await from.FlushAsync(pair.Timeout);
            await PutAsync(from, copy);
            await from.WriteAsync(Utf8("last"), pair.Timeout);
            await from.FlushAsync(pair.Timeout);
            await reading;
        }

        async Task PutAsync(ITransport transport, byte[] frames)
        {
            if (transport.TryBeginFrames() is { } output)
            {
                output.Write(frames);
            }
            else
            {
                await transport.WriteFramesAsync(frames, pair.Timeout);
            }
        }
    }

    /// <summary>What nobody reads is not kept without bound, and nothing of it is lost.</summary>
    [Fact]
    public async Task A_writer_waits_while_nobody_reads_and_then_goes_on()
    {
        await using ConnectedPair pair = await OpenAsync();
        (int sent, Task waiting) = await SendUntilWaitingAsync(pair.First, i => Content(LargeFrame, i), MaxUnreadBytes, pair.Timeout);
        await pair.AssertReceivesAsync(pair.Second, Enumerable.Range(0, sent + 1).Select(i => Content(LargeFrame, i)));
        await waiting.WaitAsync(pair.Timeout);
    }

    /// <summary>Neither direction waits for the other.</summary>
    [Fact]
    public async Task A_direction_that_nobody_reads_does_not_hold_up_the_other_one()
    {
        await using ConnectedPair pair = await OpenAsync();
        (_, Task waiting) = await SendUntilWaitingAsync(pair.First, _ => Content(LargeFrame), MaxUnreadBytes, pair.Timeout);
        await SendAsync(pair.Second, Content(10), pair.Timeout);
        await pair.AssertReceivesAsync(pair.First, Content(10));
        await pair.First.DisposeAsync();
        await pair.AssertEndsAsync(waiting);
    }

    /// <summary>Both sides send and receive at once, frames of all sizes, and every byte arrives.</summary>
    [Fact]
    public async Task Ten_thousand_frames_of_random_sizes_arrive_both_ways_at_once()
    {
        await using ConnectedPair pair = await OpenAsync();
        await Task.WhenAll(
            Task.Run(() => SendAllAsync(pair.First, seed: 1)),
            Task.Run(() => SendAllAsync(pair.Second, seed: 2)),
            Task.Run(() => pair.AssertReceivesAsync(pair.Second, RandomFrames(seed: 1))),
            Task.Run(() => pair.AssertReceivesAsync(pair.First, RandomFrames(seed: 2))));

        async Task SendAllAsync(ITransport transport, int seed)
        {
            var random = new Random(seed);
            foreach (byte[] frame in RandomFrames(seed))
            {
                await transport.WriteAsync(frame, pair.Timeout);
                if (random.Next(10) == 0)
                {
                    await transport.FlushAsync(pair.Timeout);
                }
            }

            await transport.FlushAsync(pair.Timeout);
        }

        static IEnumerable<byte[]> RandomFrames(int seed)
        {
            var random = new Random(seed);
            return Enumerable.Range(0, 10_000).Select(i => Content(1 + random.Next(1 << random.Next(1, 15)), i));
        }
    }

    /// <summary>The writer's memory is its own again when the call has ended, flushed or not.</summary>
    [Fact]
    public async Task The_memory_of_a_frame_may_be_reused_after_the_write()
    {
        await using ConnectedPair pair = await OpenAsync();
        byte[] memory = Content(1000);
        await pair.First.WriteAsync(memory, pair.Timeout);
        Array.Fill(memory, (byte)'#');
        await pair.First.FlushAsync(pair.Timeout);
        await pair.AssertReceivesAsync(pair.Second, Content(1000));
    }

    /// <summary>One buffer serves all reads; what it held before does not show up again.</summary>
    [Fact]
    public async Task One_frame_buffer_serves_many_reads()
    {
        await using ConnectedPair pair = await OpenAsync();
        using var frame = new FrameBuffer(FrameLimit);
        foreach (int length in new[] { FrameLimit, 1, 20_000, 2, FrameLimit, 3 })
        {
            Task sending = SendAsync(pair.First, Content(length, length), pair.Timeout);
            Assert.Equal(Content(length, length), await pair.ReceiveAsync(pair.Second, frame));
            await sending;
        }
    }
}
