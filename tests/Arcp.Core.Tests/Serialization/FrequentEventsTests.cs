using System.Buffers;
using System.Text;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>§8.2: what is written by hand is byte for byte what its contract says.</summary>
[Trait("Section", "8.2")]
public class FrequentEventsTests
{
    private const string Odd = "a\"\\\n\u2028é😀</script>\u0001\ud800";

    public static TheoryData<EventBody> ByHand =>
    [
        new LogEvent { Level = "info", Message = Odd },
        new LogEvent { Level = Odd, Message = "" },
        new ThoughtEvent { Text = Odd },
        new StatusEvent { Phase = Odd },
        new StatusEvent { Phase = "p", Message = Odd },
        new ProgressEvent { Current = 0 },
        new ProgressEvent { Current = 0.1, Total = 1e300, Units = Odd, Message = Odd },
        new ProgressEvent { Current = -0.0, Message = "m" },
    ];

    public static TheoryData<EventBody> ByContract =>
    [
        new LogEvent { Level = "info", Message = "m", Attributes = RawJson.Parse("{\"a\":1}") },
        new StatusEvent { Phase = "credential_rotated", Id = new CredentialId("c"), CredentialId = new CredentialId("c") },
        new StatusEvent { Phase = "credential_rotated", Value = "v" },
        new StatusEvent { Phase = "credential_rotated", CredentialValue = "v" },
        new LogEvent { Level = null!, Message = "m" },
        new LogEvent { Level = "info", Message = null! },
        new ThoughtEvent { Text = null! },
        new StatusEvent { Phase = null! },
        new MetricEvent { Name = "n", Value = 1.50m },
        new ToolCallEvent { Tool = "t", CallId = "c" },
    ];

    [Theory]
    [MemberData(nameof(ByHand))]
    public void A_body_written_by_hand_is_what_its_contract_writes(EventBody body)
    {
        WireText.Write(writer => FrequentEvents.TryWrite(writer, body).Should().BeTrue()).Should().Be(WireText.Contract(body));
    }

    [Theory]
    [MemberData(nameof(ByContract))]
    public void A_body_that_is_left_to_its_contract_has_nothing_written(EventBody body)
    {
        WireText.Write(writer => FrequentEvents.TryWrite(writer, body).Should().BeFalse()).Should().BeEmpty();
        WireText.Write(writer => EventCatalog.Write(writer, body)).Should().Be(WireText.Contract(body));
    }

    [Theory]
    [InlineData(double.NaN, 1.0)]
    [InlineData(1.0, double.PositiveInfinity)]
    public void A_number_that_is_none_is_not_written(double current, double total)
    {
        WireText.Write(writer => FrequentEvents.TryWrite(writer, new ProgressEvent { Current = current, Total = total }).Should().BeFalse()).Should().BeEmpty();
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("plain", true)]
    [InlineData("a\"\\\n\u2028é😀</script>\u0001", false)]
    [Trait("Section", "8.4")]
    public void A_chunk_written_from_bytes_is_what_its_contract_writes_from_text(string text, bool more)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var asText = new ResultChunkEvent { ResultId = new ResultId("res_1"), ChunkSeq = 7, Data = text, Encoding = "utf8", More = more };
        ResultChunkEvent asBase64 = asText with { Data = Convert.ToBase64String(bytes), Encoding = "base64" };

        ChunkFrame(bytes, isText: true, more).Should().Be(asText);
        ChunkFrame(bytes, isText: false, more).Should().Be(asBase64);
        WireText.Write(writer => new ResultChunkBytes(asText.ResultId, 7, bytes, true, more).WriteTo(writer)).Should().Be(WireText.Contract(asText));
    }

    private static EventBody ChunkFrame(byte[] bytes, bool isText, bool more)
    {
        var output = new ArrayBufferWriter<byte>();
        SequencedFrameWriter.WriteResultChunkTail(output, DateTimeOffset.UnixEpoch, new ResultChunkBytes(new ResultId("res_1"), 7, bytes, isText, more));
        byte[] frame = [.. new SequencedFrameHead(new SessionId("sess_1")).For(1, new JobId("job_1"), TraceContext.New()), .. output.WrittenSpan];
        var read = (JobEvent)Frames.Read(frame).Message;
        read.Ts.Should().Be(DateTimeOffset.UnixEpoch);
        return read.Body;
    }
}
