using Arcp.Core.Transports;
using Xunit;
using static Arcp.Conformance.ConnectedPair;

namespace Arcp.Conformance;

/// <summary>The half of <see cref="TransportConformanceTests"/> about how a transport ends: closed, cancelled, disposed, or by the loss of its peer.</summary>
/// <remarks>Inherit <see cref="TransportConformanceTests"/>, which includes it.</remarks>
public abstract class TransportEndConformanceTests
{
    private protected const int LargeFrame = 64 * 1024;

    /// <summary>How long one test may take before it fails; 60 seconds unless overridden.</summary>
    protected virtual TimeSpan Timeout => TimeSpan.FromSeconds(60);

    /// <summary>The most bytes that a connection may take in one direction while nobody reads before a writer has to wait; 64 MiB unless overridden.</summary>
    protected virtual int MaxUnreadBytes => 64 * 1024 * 1024;

    /// <summary>Creates two transports that are connected to each other.</summary>
    /// <returns>The two ends; the test disposes both.</returns>
    protected abstract ValueTask<(ITransport First, ITransport Second)> ConnectAsync();

    /// <summary>A close comes after everything that was written, flushed or not, and is told for ever.</summary>
    [Fact]
    public async Task After_a_close_the_peer_reads_everything_and_then_closed()
    {
        await using ConnectedPair pair = await OpenAsync();
        await SendAsync(pair.First, Content(1), pair.Timeout);
        await pair.First.WriteAsync(Content(2), pair.Timeout);
        await pair.First.CloseAsync(pair.Timeout);

        await pair.AssertReceivesAsync(pair.Second, Content(1), Content(2));
        await pair.AssertReceivesClosedAsync(pair.Second);
        await pair.AssertReceivesClosedAsync(pair.Second);
    }

    /// <summary>A pending read hears of the close.</summary>
    [Fact]
    public async Task A_close_ends_the_pending_read_of_the_peer()
    {
        await using ConnectedPair pair = await OpenAsync();
        Task reading = pair.AssertReceivesClosedAsync(pair.Second);
        await pair.First.CloseAsync(pair.Timeout);
        await reading;
    }

    /// <summary>A close is for one direction.</summary>
    [Fact]
    public async Task A_side_that_has_closed_still_reads()
    {
        await using ConnectedPair pair = await OpenAsync();
        await pair.First.CloseAsync(pair.Timeout);
        await pair.AssertReceivesClosedAsync(pair.Second);
        await SendAsync(pair.Second, Content(5), pair.Timeout);
        await pair.Second.CloseAsync(pair.Timeout);
        await pair.AssertReceivesAsync(pair.First, Content(5));
        await pair.AssertReceivesClosedAsync(pair.First);
    }

    /// <summary>Closing and flushing after a close do nothing; writing is an error.</summary>
    [Fact]
    public async Task After_its_close_a_side_may_close_and_flush_but_not_write()
    {
        await using ConnectedPair pair = await OpenAsync();
        await pair.First.CloseAsync(pair.Timeout);
        await pair.First.CloseAsync(pair.Timeout);
        await pair.First.FlushAsync(pair.Timeout);
        await Assert.ThrowsAsync<TransportException>(() => SendAsync(pair.First, Content(1), pair.Timeout));
        await pair.AssertReceivesClosedAsync(pair.Second);
    }

    /// <summary>A peer that vanishes is noticed by whoever writes.</summary>
    [Fact]
    public async Task Writes_to_a_peer_that_is_gone_fail_in_the_end()
    {
        await using ConnectedPair pair = await OpenAsync();
        await pair.Second.DisposeAsync();
        await Assert.ThrowsAsync<TransportException>(async () =>
        {
            while (true)
            {
                await SendAsync(pair.First, Content(LargeFrame), pair.Timeout);
            }
        });
    }

    /// <summary>A write that waits for a peer ends when the peer goes.</summary>
    [Fact]
    public async Task A_pending_write_to_a_peer_that_goes_fails()
    {
        await using ConnectedPair pair = await OpenAsync();
        (_, Task waiting) = await SendUntilWaitingAsync(pair.First, _ => Content(LargeFrame), MaxUnreadBytes, pair.Timeout);
        await pair.Second.DisposeAsync();
        await Assert.ThrowsAsync<TransportException>(() => waiting.WaitAsync(pair.Timeout));
    }

    /// <summary>A peer that vanishes may leave frames that can be read, in order; then its end is noticed.</summary>
    [Fact]
    public async Task Reads_from_a_peer_that_is_gone_give_what_is_left_and_then_end()
    {
        await using ConnectedPair pair = await OpenAsync();
        for (int i = 0; i < 10; i++)
        {
            await SendAsync(pair.First, Content(20, i), pair.Timeout);
        }

        await pair.First.DisposeAsync();
        using var frame = new FrameBuffer(FrameLimit);
        try
        {
            for (int i = 0; await pair.Second.ReadAsync(frame, pair.Timeout) != FrameReadStatus.Closed; i++)
            {
                Assert.Equal(Content(20, i), frame.WrittenSpan.ToArray());
            }
        }
        catch (TransportException)
        {
            // The other way to end; which one it is depends on what the medium can tell.
        }
    }

    /// <summary>A token that is cancelled already stops a call before it does anything.</summary>
    [Fact]
    public async Task A_call_with_a_cancelled_token_does_nothing()
    {
        await using ConnectedPair pair = await OpenAsync();
        using var frame = new FrameBuffer(FrameLimit);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pair.First.ReadAsync(frame, cancelled).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pair.First.WriteAsync(Content(1), cancelled).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pair.First.FlushAsync(cancelled).AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pair.First.CloseAsync(cancelled).AsTask());

        await SendAsync(pair.First, Content(2), pair.Timeout);
        await pair.AssertReceivesAsync(pair.Second, Content(2));
    }

    /// <summary>A cancelled read ends, and the transport with it.</summary>
    [Fact]
    public async Task A_pending_read_can_be_cancelled_which_ends_the_transport()
    {
        await using ConnectedPair pair = await OpenAsync();
        using var frame = new FrameBuffer(FrameLimit);
        using var cancellation = new CancellationTokenSource();
        Task reading = pair.First.ReadAsync(frame, cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(pair.Timeout));
        await AssertIsOverAsync(pair.First, pair.Timeout);
    }

    /// <summary>A cancelled write ends, and the transport with it.</summary>
    [Fact]
    public async Task A_pending_write_can_be_cancelled_which_ends_the_transport()
    {
        await using ConnectedPair pair = await OpenAsync();
        using var cancellation = new CancellationTokenSource();
        (_, Task waiting) = await SendUntilWaitingAsync(pair.First, _ => Content(LargeFrame), MaxUnreadBytes, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(pair.Timeout));
        await AssertIsOverAsync(pair.First, pair.Timeout);
    }

    /// <summary>Disposal ends a read that waits.</summary>
    [Fact]
    public async Task Disposing_ends_a_pending_read()
    {
        await using ConnectedPair pair = await OpenAsync();
        using var frame = new FrameBuffer(FrameLimit);
        Task reading = pair.First.ReadAsync(frame, pair.Timeout).AsTask();
        await pair.First.DisposeAsync().AsTask().WaitAsync(pair.Timeout);
        await pair.AssertEndsAsync(reading);
    }

    /// <summary>Disposal ends a write that waits.</summary>
    [Fact]
    public async Task Disposing_ends_a_pending_write()
    {
        await using ConnectedPair pair = await OpenAsync();
        (_, Task waiting) = await SendUntilWaitingAsync(pair.First, _ => Content(LargeFrame), MaxUnreadBytes, pair.Timeout);
        await pair.First.DisposeAsync().AsTask().WaitAsync(pair.Timeout);
        await pair.AssertEndsAsync(waiting);
    }

    /// <summary>A disposed transport says so.</summary>
    [Fact]
    public async Task After_disposal_every_call_throws()
    {
        await using ConnectedPair pair = await OpenAsync();
        await SendAsync(pair.Second, Content(1), pair.Timeout);
        await pair.First.DisposeAsync();
        await AssertIsOverAsync(pair.First, pair.Timeout);
    }

    /// <summary>An orderly close is still one when a disposal follows.</summary>
    [Fact]
    public async Task A_close_before_the_disposal_reaches_the_peer()
    {
        await using ConnectedPair pair = await OpenAsync();
        await SendAsync(pair.First, Content(1), pair.Timeout);
        await pair.First.CloseAsync(pair.Timeout);
        await pair.First.DisposeAsync();
        await pair.AssertReceivesAsync(pair.Second, Content(1));
        await pair.AssertReceivesClosedAsync(pair.Second);
    }

    /// <summary>Disposal may come twice, from many threads at once, and while both directions are busy.</summary>
    [Fact]
    public async Task Disposing_from_many_threads_while_calls_are_under_way_is_harmless()
    {
        for (int round = 0; round < 20; round++)
        {
            await using ConnectedPair pair = await OpenAsync();
            Task[] busy = [Task.Run(() => SendForeverAsync(pair.First)), Task.Run(() => ReadForeverAsync(pair.First)), Task.Run(() => ReadForeverAsync(pair.Second))];
            using var start = new SemaphoreSlim(0);
            Task[] disposing = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                await start.WaitAsync(pair.Timeout);
                await pair.First.DisposeAsync();
            }))];
            await SendAsync(pair.Second, Content(1), pair.Timeout);
            start.Release(disposing.Length);

            await Task.WhenAll(disposing).WaitAsync(pair.Timeout);
            await pair.First.DisposeAsync().AsTask().WaitAsync(pair.Timeout);
            await pair.AssertEndsAsync(busy[0]);
            await pair.AssertEndsAsync(busy[1]);
            await pair.Second.DisposeAsync();
            await Record.ExceptionAsync(() => busy[2].WaitAsync(pair.Timeout));

            async Task SendForeverAsync(ITransport transport)
            {
                while (true)
                {
                    await SendAsync(transport, Content(100), pair.Timeout);
                }
            }

            async Task ReadForeverAsync(ITransport transport)
            {
                using var frame = new FrameBuffer(FrameLimit);
                while (await transport.ReadAsync(frame, pair.Timeout) != FrameReadStatus.Closed)
                {
                    Assert.True(frame.Length is 1 or 100);
                }
            }
        }
    }

    private protected async ValueTask<ConnectedPair> OpenAsync()
    {
        (ITransport first, ITransport second) = await ConnectAsync();
        return new ConnectedPair(first, second, Timeout);
    }

    private static async Task AssertIsOverAsync(ITransport transport, CancellationToken timeout)
    {
        using var frame = new FrameBuffer(FrameLimit);
        await Assert.ThrowsAsync<TransportException>(() => transport.ReadAsync(frame, timeout).AsTask());
        await Assert.ThrowsAsync<TransportException>(() => SendAsync(transport, Content(1), timeout));
        await Assert.ThrowsAsync<TransportException>(() => transport.FlushAsync(timeout).AsTask());
        await Assert.ThrowsAsync<TransportException>(() => transport.CloseAsync(timeout).AsTask());
    }
}
