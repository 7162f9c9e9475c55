using System.Buffers;
using Arcp.Core;
using Arcp.Core.Serialization;

namespace Arcp.Client.Connections;

/// <summary>A frame on its way to the write loop.</summary>
/// <param name="envelope">The frame.</param>
/// <param name="begin">Called by the write loop right before it writes the frame; false = nobody wants it any more.</param>
internal sealed class OutgoingFrame(Envelope envelope, Func<bool>? begin = null)
{
    /// <summary>Serialises the frame.</summary>
    /// <returns>False, and nothing is written, when nobody wants the frame any more.</returns>
    public bool TryWrite(IBufferWriter<byte> output)
    {
        if (begin is not null && !begin())
        {
            return false;
        }

        FrameWriter.Write(output, envelope);
        return true;
    }
}
