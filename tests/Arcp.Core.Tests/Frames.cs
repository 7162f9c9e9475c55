using System.Buffers;
using System.Text;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests;

/// <summary>Short ways to read and write frames in tests.</summary>
internal static class Frames
{
    private static readonly string[] Internals =
        ["System.", "Arcp.", "JsonException", "LineNumber", "BytePosition", "Exception", "$.", "Path:", "Nullable", "IReadOnly"];

    public static Envelope Read(string json, Peer receiver = Peer.Client) => Read(Encoding.UTF8.GetBytes(json), receiver);

    public static Envelope Read(ReadOnlySpan<byte> frame, Peer receiver = Peer.Client)
    {
        bool ok = FrameReader.TryRead(frame, receiver, out Envelope? envelope, out FrameError? error);
        ok.Should().BeTrue("the frame is valid, but: {0}; it is {1}", error?.Message, Encoding.UTF8.GetString(frame));
        error.Should().BeNull();
        ShouldBeReadInParts(frame, receiver, envelope!);
        return envelope!;
    }

    public static FrameError Refuse(string json, Peer receiver = Peer.Client) => Refuse(Encoding.UTF8.GetBytes(json), receiver);

    public static FrameError Refuse(ReadOnlySpan<byte> frame, Peer receiver = Peer.Client)
    {
        bool ok = FrameReader.TryRead(frame, receiver, out Envelope? envelope, out FrameError? error);
        ok.Should().BeFalse("the frame is not valid: {0}", Encoding.UTF8.GetString(frame));
        envelope.Should().BeNull();
        bool inParts = FrameReader.TryRead(frame, receiver, out FrameHeader header, out ArcpMessage? message, out FrameError? same);
        (inParts, header, message, same).Should().Be((false, default(FrameHeader), null, error));
        ShouldBeFitForThePeer(error!);
        return error!;
    }

    /// <summary>§5: never an exception text, a path or a type name of ours.</summary>
    public static void ShouldBeFitForThePeer(FrameError error)
    {
        if (string.IsNullOrWhiteSpace(error.Message) || Array.Exists(Internals, text => error.Message.Contains(text, StringComparison.Ordinal)))
        {
            error.Message.Should().NotContainAny(Internals).And.NotBeNullOrWhiteSpace();
        }
    }

    public static byte[] Write(Envelope envelope)
    {
        var output = new ArrayBufferWriter<byte>();
        FrameWriter.Write(output, envelope);
        return output.WrittenSpan.ToArray();
    }

    // Whoever takes header and message apart gets what stands in the envelope.
    private static void ShouldBeReadInParts(ReadOnlySpan<byte> frame, Peer receiver, Envelope envelope)
    {
        bool ok = FrameReader.TryRead(frame, receiver, out FrameHeader header, out ArcpMessage? message, out FrameError? error);
        if (!ok || header != envelope.Header || error is not null || message!.GetType() != envelope.Message.GetType() || PayloadText(message) != PayloadText(envelope.Message))
        {
            (ok, header, message, error).Should().Be((true, envelope.Header, envelope.Message, null));
        }
    }

    public static string WriteText(Envelope envelope) => Encoding.UTF8.GetString(Write(envelope));

    public static string PayloadText(ArcpMessage message) => Encoding.UTF8.GetString(FrameWriter.WritePayload(message));

    public static Peer Other(this Peer peer) => peer is Peer.Client ? Peer.Runtime : Peer.Client;
}
