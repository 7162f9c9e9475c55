using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Tests.Support;

/// <summary>The runtime's side of a connection whose first frames are at hand whenever they are asked for: no read of them waits.</summary>
/// <param name="inner">Where the connection goes on behind them, and where all goes that is sent.</param>
/// <param name="frames">The frames; each is made when it is read.</param>
/// <param name="end">What every read behind the frames gives; null = what <paramref name="inner"/> gives.</param>
public sealed class ScriptedTransport(ITransport inner, IEnumerable<string> frames, Func<FrameReadStatus>? end = null) : WrappedTransport(inner)
{
    private readonly IEnumerator<string> _frames = frames.GetEnumerator();
    private volatile bool _isDisposed;

    public override ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        if (_isDisposed)
        {
            throw new TransportException("The transport is disposed.");
        }

        if (!_frames.MoveNext())
        {
            return end is null ? base.ReadAsync(frame, cancellationToken) : new(end());
        }

        frame.Clear();
        frame.TryWrite(Encoding.UTF8.GetBytes(_frames.Current)).Should().BeTrue("the script's frames are small");
        return new(FrameReadStatus.Frame);
    }

    public override ValueTask DisposeAsync()
    {
        _isDisposed = true;
        return base.DisposeAsync();
    }
}
