using System.Diagnostics.CodeAnalysis;

namespace Arcp.Core.Transports;

/// <summary>Ends the calls of one transport when it is disposed or when one of them is cancelled, and says why in the words of <see cref="ITransport"/>.</summary>
/// <remarks>
/// A cancelled call may have moved half a frame, so it ends the whole transport. That is also why one token per transport is enough
/// and no linked source per call is needed. Thread-safe.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "The source has no timer and no wait handle, and calls look at it after the end.")]
internal sealed class TransportLifetime
{
    private readonly CancellationTokenSource _end = new();
    private int _isDisposed;

    /// <summary>Cancelled at the end. Calls that wait pass it on instead of their caller's token.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>Starts a call: refuses it when its token is cancelled (which harms nothing yet) or the transport has ended.</summary>
    public void ThrowIfOver(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_end.IsCancellationRequested)
        {
            throw Over(null);
        }
    }

    /// <summary>Lets a waiting call's token end the transport until the registration is disposed.</summary>
    public CancellationTokenRegistration EndWith(CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(static end => ((CancellationTokenSource)end!).Cancel(), _end);

    /// <summary>Whether an exception out of a stream, socket or channel means that the connection is over, not that somebody has a bug.</summary>
    public static bool IsLoss(Exception e) =>
        e is OperationCanceledException or InvalidOperationException or IOException // ObjectDisposed and ChannelClosed are InvalidOperation.
            or System.Net.WebSockets.WebSocketException or System.Net.Sockets.SocketException;

    /// <summary>What a call throws in place of an exception that <see cref="IsLoss"/>.</summary>
    public Exception ToThrow(Exception e, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return new OperationCanceledException(e.Message, e, cancellationToken);
        }

        return _end.IsCancellationRequested ? Over(e) : new TransportException("The connection is lost.", e);
    }

    /// <summary>Ends every call, also future ones.</summary>
    /// <returns>False when it is not the first call. <see cref="Token"/> is cancelled in any case.</returns>
    public async ValueTask<bool> TryEndAsync()
    {
        bool isFirst = Interlocked.Exchange(ref _isDisposed, 1) == 0;

        // On the thread pool, so that what the ended calls go on with does not run inside the disposer.
        await _end.CancelAsync().ConfigureAwait(false);
        return isFirst;
    }

    private TransportException Over(Exception? cause) => new(
        Volatile.Read(ref _isDisposed) != 0 ? "The transport has been disposed." : "A cancelled call has ended the transport.",
        cause);
}
