using System.Buffers;
using Arcp.Core.Serialization;

namespace Arcp.Client.Connections;

/// <summary>A frame on its way to the write loop.</summary>
internal sealed class OutgoingFrame
{
    private readonly Action<IBufferWriter<byte>> _write;
    private readonly Func<bool>? _begin;

    /// <summary>A frame of a message.</summary>
    /// <param name="envelope">The frame.</param>
    /// <param name="begin">Called by the write loop right before it writes the frame; false = nobody wants it any more.</param>
    public OutgoingFrame(Envelope envelope, Func<bool>? begin = null)
    {
        _write = output => FrameWriter.Write(output, envelope);
        _begin = begin;
    }

    /// <summary>A frame that is ready made.</summary>
    /// <param name="bytes">Its bytes.</param>
    public OutgoingFrame(byte[] bytes) => _write = output => output.Write(bytes);

    /// <summary>Serialises the frame.</summary>
    /// <returns>False, and nothing is written, when nobody wants the frame any more.</returns>
    public bool TryWrite(IBufferWriter<byte> output)
    {
        if (_begin is not null && !_begin())
        {
            return false;
        }

        _write(output);
        return true;
    }
}
