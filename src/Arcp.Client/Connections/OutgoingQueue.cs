using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Arcp.Core.Serialization;

namespace Arcp.Client.Connections;

/// <summary>What waits for the write loop: requests, for which their senders wait when the queue is full, and what never waits and goes first: answers to pings, pings, and the newest acknowledgement.</summary>
/// <remarks>Thread-safe; one reader. Both parts are bounded: of more unsent answers than <see cref="MaxAnswers"/> the oldest are dropped, since the newest proves life as well.</remarks>
internal sealed class OutgoingQueue
{
    public const int MaxAnswers = 16;

    private readonly Channel<OutgoingFrame> _requests;
    private readonly Channel<OutgoingFrame> _answers;
    private readonly Channel<bool> _signal;
    private OutgoingFrame? _ack;

    public OutgoingQueue(int capacity)
    {
        _requests = Channel.CreateBounded<OutgoingFrame>(new BoundedChannelOptions(capacity) { SingleReader = true });
        _answers = Channel.CreateBounded<OutgoingFrame>(new BoundedChannelOptions(MaxAnswers) { FullMode = BoundedChannelFullMode.DropOldest });
        _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    }

    /// <summary>Adds a request; waits for room.</summary>
    /// <returns>False when nothing is sent any more.</returns>
    public async ValueTask<bool> EnqueueAsync(OutgoingFrame frame, CancellationToken cancellationToken)
    {
        try
        {
            await _requests.Writer.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            return false;
        }

        _signal.Writer.TryWrite(true);
        return true;
    }

    /// <summary>Adds a frame behind the requests without waiting; when there is no room it is not sent.</summary>
    public void TryEnqueue(OutgoingFrame frame)
    {
        _requests.Writer.TryWrite(frame);
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Adds an answer without waiting.</summary>
    public void Answer(Envelope envelope)
    {
        _answers.Writer.TryWrite(new OutgoingFrame(envelope));
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Sends an acknowledgement before the requests that wait; one that has not been sent yet is replaced.</summary>
    public void Acknowledge(Envelope envelope)
    {
        Interlocked.Exchange(ref _ack, new OutgoingFrame(envelope));
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Lets nothing in any more; what is in can still be taken.</summary>
    public void Complete()
    {
        _requests.Writer.TryComplete();
        _signal.Writer.TryComplete();
    }

    /// <summary>Waits until there may be something to take.</summary>
    /// <returns>False when nothing can come any more.</returns>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        bool more = await _signal.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
        _signal.Reader.TryRead(out _);
        return more;
    }

    public bool TryTake([NotNullWhen(true)] out OutgoingFrame? frame) =>
        _answers.Reader.TryRead(out frame) || (frame = Interlocked.Exchange(ref _ack, null)) is not null || _requests.Reader.TryRead(out frame);
}
