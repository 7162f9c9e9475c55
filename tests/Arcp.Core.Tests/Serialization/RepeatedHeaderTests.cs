using System.Text;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>§5: whichever frames a connection has read before, the next one means what it means by itself.</summary>
[Trait("Section", "5")]
public sealed class RepeatedHeaderTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Thought = """{"kind":"thought","body":{"text":"t"}}""";

    private static readonly string First = Event("1", "msg_1", Thought);

    [Theory]
    [InlineData("2", "msg_2", Thought, "")]
    [InlineData("123456789012345678", "msg_2", Thought, "")]
    [InlineData("9223372036854775807", "msg_2", Thought, "")]
    [InlineData("9223372036854775808", "msg_2", Thought, "")]
    [InlineData("0", "msg_2", Thought, "")]
    [InlineData("-2", "msg_2", Thought, "")]
    [InlineData("02", "msg_2", Thought, "")]
    [InlineData("2.0", "msg_2", Thought, "")]
    [InlineData("2e1", "msg_2", Thought, "")]
    [InlineData("", "msg_2", Thought, "")]
    [InlineData("\"2\"", "msg_2", Thought, "")]
    [InlineData("2", "msg_22", Thought, "")]
    [InlineData("2", "", Thought, "")]
    [InlineData("2", "m\\n_2", Thought, "")]
    [InlineData("2", "m\"_22", Thought, "")]
    [InlineData("2", "msé_", Thought, "")]
    [InlineData("2", "ms\n_2", Thought, "")]
    [InlineData("2", "msg_2", "null", "")]
    [InlineData("2", "msg_2", "1", "")]
    [InlineData("2", "msg_2", "{\"kind\":\"x-vendor.a\",\"body\":1}", "")]
    [InlineData("2", "msg_2", "{\"kind\":\"thought\"", "")]
    [InlineData("2", "msg_2", "{\"kind\":\"thought\",\"body\":{\"text\":\"t\"}}}", "")]
    [InlineData("2", "msg_2", Thought, " ")]
    [InlineData("2", "msg_2", Thought, ",\"trace_id\":\"00000000000000000000000000000001\"")]
    [InlineData("2", "msg_2", Thought, ",\"reply_to\":\"msg_0\"")]
    [InlineData("2", "msg_2", Thought, ",\"arcp\":\"2\"")]
    [InlineData("2", "msg_2", Thought, ",")]
    public void A_frame_behind_one_like_it_means_what_it_means_alone(string number, string id, string payload, string rest)
    {
        var repeated = new RepeatedHeader();
        Outcome(First, repeated).Should().Be(Outcome(First, null));
        string frame = Event(number, id, payload, rest);

        Outcome(frame, repeated).Should().Be(Outcome(frame, null));
        Outcome(First, repeated).Should().Be(Outcome(First, null), "the one between has changed nothing");
    }

    [Theory]
    [InlineData(57)]
    [InlineData(58)]
    [InlineData(59)]
    [InlineData(60)]
    [InlineData(61)]
    [InlineData(62)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    public void What_is_too_deep_stays_so(int depth)
    {
        string frame = Event("2", "msg_2", $$"""{"kind":"tool_call","body":{"tool":"t","call_id":"c","args":{{new string('[', depth)}}{{new string(']', depth)}}""" + "}}");
        var repeated = new RepeatedHeader();
        Outcome(First, repeated);

        Outcome(frame, repeated).Should().Be(Outcome(frame, null));
    }

    [Fact]
    public void A_head_that_could_make_an_id_too_long_is_not_repeated()
    {
        var repeated = new RepeatedHeader();
        Outcome(Event("1", string.Concat(Enumerable.Repeat("é", 128)), Thought), repeated).Should().StartWith("{");
        string frame = Event("2", new string('a', 256), Thought);

        Outcome(frame, repeated).Should().Be(Outcome(frame, null));
    }

    [Fact]
    public void What_stands_behind_the_payload_belongs_to_its_own_frame_only()
    {
        var repeated = new RepeatedHeader();
        Outcome(Event("1", "msg_1", Thought, ",\"request_id\":\"msg_0\""), repeated).Should().Contain("request_id");

        Outcome(Event("2", "msg_2", Thought), repeated).Should().NotContain("request_id");
    }

    [Fact]
    public void A_runtime_refuses_an_event_whatever_was_read_before()
    {
        var repeated = new RepeatedHeader();
        Outcome(First, repeated);

        FrameReader.TryRead(Encoding.UTF8.GetBytes(Event("2", "msg_2", Thought)), Peer.Runtime, repeated, out _, out FrameError? error).Should().BeFalse();
        error!.Kind.Should().Be(FrameErrorKind.WrongDirection);
    }

    [Fact]
    public void Frames_in_any_order_mean_what_they_mean_alone()
    {
        string[] golden = [.. GoldenFrames.All.Values.Where(frame => frame.Receiver is Peer.Client).Select(frame => frame.Json)];
        var repeated = new RepeatedHeader();
        Chance.Check(500, chance =>
        {
            for (int i = 0; i < 50; i++)
            {
                string frame = chance.Below(4) == 0 ? chance.Of(golden) : Event($"{chance.Below(200)}", $"msg_{chance.Below(20)}", Thought, chance.Of(["", "", "", " ", ",\"x\":1"]), $"job_{chance.Below(2)}");
                if (chance.Below(4) == 0)
                {
                    int at = chance.Below(frame.Length);
                    frame = chance.Coin() ? frame.Remove(at, 1) : frame.Insert(at, chance.Of(["\"", "\\", "{", "}", ",", ":", "0", "9", " "]));
                }

                Outcome(frame, repeated).Should().Be(Outcome(frame, null), frame);
            }
        });
    }

    [Fact]
    public void The_frames_of_a_stream_share_the_objects_of_their_headers()
    {
        var repeated = new RepeatedHeader();
        Envelope first = Read(First, repeated);
        Envelope like = Read(Event("2", "msg_2", Thought), repeated);
        Envelope other = Read($$"""{"type":"job.result","trace_id":"{{Trace}}","job_id":"job_1","session_id":"sess_1","event_seq":3,"payload":{"final_status":"success"} }""", repeated);

        foreach (FrameHeader header in (FrameHeader[])[like.Header, other.Header])
        {
            header.SessionId!.Value.Value.Should().BeSameAs(first.Header.SessionId!.Value.Value);
            header.JobId!.Value.Value.Should().BeSameAs(first.Header.JobId!.Value.Value);
            header.Trace.Should().BeSameAs(first.Header.Trace);
        }
    }

    private static string Event(string number, string id, string payload, string rest = "", string job = "job_1") =>
        $$"""{"arcp":"1.1","session_id":"sess_1","event_seq":{{number}},"type":"job.event","job_id":"{{job}}","trace_id":"{{Trace}}","id":"{{id}}",""" + $"\"payload\":{payload}{rest}}}";

    private static Envelope Read(string frame, RepeatedHeader repeated) =>
        FrameReader.TryRead(Encoding.UTF8.GetBytes(frame), Peer.Client, repeated, out Envelope? envelope, out _) ? envelope : throw new InvalidOperationException(frame);

    private static string Outcome(string frame, RepeatedHeader? repeated) =>
        FrameReader.TryRead(Encoding.UTF8.GetBytes(frame), Peer.Client, repeated, out Envelope? envelope, out FrameError? error) ? Frames.WriteText(envelope) : error.ToString();
}
