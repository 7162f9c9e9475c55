using Arcp.Core.Transports;

namespace Arcp.Runtime.Sessions;

/// <summary>Waits for a peer to close its side, dropping what it still sends.</summary>
internal static class PeerClosing
{
    public static async Task WaitAsync(ITransport transport, FrameBuffer buffer, CancellationToken cancellationToken)
    {
        FrameReadStatus status;
        do
        {
            buffer.Clear();
            status = await transport.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        while (status is FrameReadStatus.Frame or FrameReadStatus.NotText);
    }
}
