using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

[Trait("Section", "8.3")]
public sealed class FrameWriterTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 13, 0, 0, 125, TimeSpan.FromHours(1));
    private static readonly SessionId Session = new("sess_1");
    private static readonly JobId Job = new("job_1");
    private static readonly TraceContext Trace = TraceContext.New();
    private static readonly string JobMembers = $",\"job_id\":\"{Job}\",\"trace_id\":\"{Trace}\"";

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(long.MaxValue)]
    public void Prefix_number_and_tail_of_an_event_make_a_frame_that_is_read_back(long seq)
    {
        var body = new LogEvent { Level = "info", Message = "hi\n\"there\" 😀" };

        byte[] frame = Sequenced(Session, seq, EventTail(body));
        Envelope read = Frames.Read(frame);

        read.Message.Should().Be(new JobEvent { Ts = Noon, Body = body });
        read.Header.Should().Be(new FrameHeader { Id = read.Header.Id, SessionId = Session, JobId = Job, Trace = Trace, EventSeq = seq });
        read.Header.Id!.Value.Value.Should().MatchRegex("^msg_[0-9A-HJKMNP-TV-Z]{26}$");
        Text(frame).Should().Contain("\"arcp\":\"1.1\"").And.Contain("\"ts\":\"2026-01-31T12:00:00.125Z\"").And.NotContainAny("\n", "\r");
    }

    public static TheoryData<string> Terminals => ["job.result", "job.error"];

    [Theory]
    [MemberData(nameof(Terminals))]
    public void A_terminal_frame_is_put_together_in_the_same_way(string type)
    {
        ArcpMessage message = type == "job.result"
            ? new JobResult { FinalStatus = JobStatus.Success, Result = RawJson.Parse("{\"b\":1.0}"), Summary = "s" }
            : new JobError { JobId = Job, FinalStatus = JobStatus.Error, Code = ErrorCode.LeaseExpired, Message = "m", Retryable = false };

        Envelope read = Frames.Read(Sequenced(Session, 5, TerminalTail(message)));

        read.Message.Should().Be(message);
        read.Header.EventSeq.Should().Be(5);
        read.Header.JobId.Should().Be(Job);
        JsonElement.Parse(Sequenced(Session, 5, TerminalTail(message))).GetProperty("type").GetString().Should().Be(type);
    }

    [Theory]
    [InlineData("{\"b\":1.0}", "s")]
    [InlineData("[ 1, 2 ]", "a \"line\"\n for é 😀")]
    [InlineData("null", null)]
    [Trait("Section", "8.4")]
    public void An_inline_result_is_written_as_its_contract_writes_it(string result, string? summary)
    {
        var message = new JobResult { FinalStatus = JobStatus.Success, Result = RawJson.Parse(result), Summary = summary };
        var output = new ArrayBufferWriter<byte>();

        SequencedFrameWriter.WriteResultTail(output, Noon, message.Result, summary);

        WithoutUlid(output.WrittenSpan).Should().Be(WithoutUlid(TerminalTail(message)));
    }

    [Fact]
    [Trait("Section", "5")]
    public void A_frame_without_an_id_is_given_a_new_one_of_its_time_if_that_is_asked_for()
    {
        var header = new FrameHeader { SessionId = Session, JobId = Job, Trace = Trace, RequestId = new MessageId("r") };
        var close = new SessionClosed { Reason = "r" };
        var output = new ArrayBufferWriter<byte>();
        FrameWriter.Write(output, header, close, mintId: Noon);
        var again = new ArrayBufferWriter<byte>();
        FrameWriter.Write(again, header, close, mintId: Noon);

        Envelope read = Frames.Read(output.WrittenSpan);

        string id = read.Header.Id!.Value.Value;
        id.Should().MatchRegex("^msg_[0-9A-HJKMNP-TV-Z]{26}$").And.StartWith(Ulid.MintWithPrefix("msg_", Noon)[..14]);
        read.Should().Be(new Envelope(header with { Id = new MessageId(id) }, close));
        Text(output.WrittenSpan).Should().Be(Frames.WriteText(read));
        Frames.Read(again.WrittenSpan).Header.Id.Should().NotBeNull().And.NotBe(read.Header.Id);
        WithoutUlid(again.WrittenSpan).Should().Be(WithoutUlid(output.WrittenSpan));
    }

    [Fact]
    [Trait("Section", "5")]
    public void A_frame_with_an_id_keeps_it()
    {
        var output = new ArrayBufferWriter<byte>();

        FrameWriter.Write(output, new FrameHeader { Id = new MessageId("mine") }, new SessionClosed(), mintId: Noon);

        Frames.Read(output.WrittenSpan).Header.Id.Should().Be(new MessageId("mine"));
    }

    [Fact]
    public void Two_sessions_get_the_same_bytes_but_for_their_id_and_number()
    {
        byte[] tail = EventTail(new ThoughtEvent { Text = "t" });

        byte[] one = Sequenced(new SessionId("sess_1"), 1, tail);
        byte[] two = Sequenced(new SessionId("sess_another"), 1_000, tail);

        Text(one).Should().Be($$"""{"arcp":"1.1","session_id":"sess_1","event_seq":1{{JobMembers}}{{Text(tail)}}""");
        Text(two).Should().Be($$"""{"arcp":"1.1","session_id":"sess_another","event_seq":1000{{JobMembers}}{{Text(tail)}}""");
        Frames.Read(one).Message.Should().Be(Frames.Read(two).Message);
        Frames.Read(one).Header.Id.Should().Be(Frames.Read(two).Header.Id);
    }

    [Fact]
    public void The_head_of_a_session_says_any_number_behind_any_other()
    {
        var head = new SequencedFrameHead(Session);
        long[] numbers = [1, 2, 3, 9, 10, 11, 99, 100, 101, 100, 5, 6, 0, 1, 999_999, 1_000_000, 999_999_999_999_999_999, 1_000_000_000_000_000_000, long.MaxValue - 1, long.MaxValue, 1];
        foreach (long number in numbers.Concat(Enumerable.Range(1, 1200).Select(number => (long)number)))
        {
            Text(head.For(number, Job, Trace)).Should().Be($$"""{"arcp":"1.1","session_id":"sess_1","event_seq":{{number}}{{JobMembers}}""");
            Text(head.UpToNumber(number)).Should().Be($$"""{"arcp":"1.1","session_id":"sess_1","event_seq":{{number}}""");
        }
    }

    [Fact]
    public void The_head_of_a_session_says_any_job_behind_any_other()
    {
        var random = new Random(7);
        var head = new SequencedFrameHead(Session);
        JobId[] jobs = [Job, new JobId(Job.Value[..^1] + "x"), new JobId("j"), new JobId(new string('é', 128))];
        TraceContext[] traces = [Trace, TraceContext.New()];
        long number = 0;
        for (int step = 0; step < 20_000; step++)
        {
            number = random.Next(100) == 0 ? random.Next(1_200) : number + 1;
            JobId job = random.Next(3) == 0 ? jobs[random.Next(jobs.Length)] : jobs[0];
            TraceContext trace = random.Next(50) == 0 ? traces[1] : traces[0];
            if (random.Next(10) == 0)
            {
                Text(head.UpToNumber(number)).Should().EndWith($":{number}");
            }

            Text(head.For(number, job, trace)).Should().Be(
                $"{{\"arcp\":\"1.1\",\"session_id\":\"sess_1\",\"event_seq\":{number},\"job_id\":\"{job}\",\"trace_id\":\"{trace}\"");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_event_kind_goes_through_a_tail(string name)
    {
        var expected = (JobEvent)GoldenFrames.All[name].Envelope.Message;

        byte[] frame = Sequenced(Session, 1, EventTail(expected.Body));

        JsonElement payload = JsonElement.Parse(frame).GetProperty("payload");
        JsonTree.Canonical(payload.GetRawText()).Should().Be(JsonTree.Canonical(Frames.PayloadText(expected)));
    }

    public static TheoryData<string> Kinds => [.. GoldenFrames.All.Values.Where(golden => golden.Type == "job.event").Select(golden => golden.Name)];

    [Theory]
    [InlineData("a\"b\\c\n")]
    [InlineData("é😀")]
    [InlineData("\",\"type\":\"job.cancel")]
    public void Ids_that_need_escapes_are_escaped_in_prefix_and_tail(string id)
    {
        var output = new ArrayBufferWriter<byte>();
        SequencedFrameWriter.WriteEventTail(output, Noon, new ThoughtEvent { Text = "t" });

        Envelope read = Frames.Read(Sequenced(new SessionId(id), 1, output.WrittenSpan, new JobId(id)));

        read.Header.JobId.Should().Be(new JobId(id));
        read.Header.SessionId.Should().Be(new SessionId(id));
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("\",\"payload\":{},\"x\":\"")]
    [InlineData("\\")]
    [InlineData("</script>")]
    [Trait("Section", "5")]
    public void A_traceparent_of_the_future_cannot_break_out_of_the_tail(string ending)
    {
        string text = $"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-{ending}";
        TraceContext.TryParse(text, out TraceContext? trace).Should().BeTrue();
        var output = new ArrayBufferWriter<byte>();
        SequencedFrameWriter.WriteEventTail(output, Noon, new ThoughtEvent { Text = "t" });

        Envelope read = Frames.Read(Sequenced(Session, 1, output.WrittenSpan, trace: trace));

        read.Header.Trace!.Value.Should().Be(text);
        read.Message.Should().Be(new JobEvent { Ts = Noon, Body = new ThoughtEvent { Text = "t" } });
    }

    [Fact]
    [Trait("Section", "7.2")]
    public void A_payload_that_was_serialised_before_is_copied_byte_for_byte()
    {
        byte[] payload = FrameWriter.WritePayload(new JobAccepted { JobId = Job, Agent = "a@1", AcceptedAt = Noon });
        var output = new ArrayBufferWriter<byte>();

        FrameWriter.Write<JobAccepted>(output, new FrameHeader { Id = new MessageId("m"), RequestId = new MessageId("r") }, payload);

        Text(output.WrittenSpan).Should().EndWith($"\"payload\":{Text(payload)}}}");
        Frames.Read(output.WrittenSpan).Message.Should().Be(new JobAccepted { JobId = Job, Agent = "a@1", AcceptedAt = Noon });
    }

    [Fact]
    [Trait("Section", "5")]
    public void A_frame_without_header_members_has_version_type_and_payload_only()
    {
        Frames.WriteText(new Envelope(new SessionClose())).Should().Be("""{"arcp":"1.1","type":"session.close","payload":{}}""");
    }

    [Fact]
    public void A_text_with_half_a_surrogate_pair_is_written_as_valid_UTF8()
    {
        byte[] frame = Sequenced(Session, 1, EventTail(new ThoughtEvent { Text = "half \ud83d of it\udc00" }));

        Frames.Read(frame).Message.Should().Be(new JobEvent { Ts = Noon, Body = new ThoughtEvent { Text = "half \uFFFD of it\uFFFD" } });
    }

    [Fact]
    public void A_write_that_failed_does_not_disturb_the_next_one()
    {
        Action infinite = () => EventTail(new ProgressEvent { Current = double.PositiveInfinity });

        infinite.Should().Throw<ArgumentException>();

        Frames.Read(Sequenced(Session, 1, EventTail(new ThoughtEvent { Text = "t" })));
    }

    [Fact]
    public void Frames_written_on_many_threads_do_not_mix()
    {
        Parallel.For(0, 2_000, i =>
        {
            var close = new SessionClose { Reason = new string((char)('a' + (i % 26)), i % 700) };
            Frames.Read(Frames.Write(new Envelope(close)), Peer.Runtime).Message.Should().Be(close);
        });
    }

    private static byte[] EventTail(EventBody body)
    {
        var output = new ArrayBufferWriter<byte>();
        SequencedFrameWriter.WriteEventTail(output, Noon, body);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] TerminalTail(ArcpMessage message)
    {
        var output = new ArrayBufferWriter<byte>();
        SequencedFrameWriter.WriteTerminalTail(output, Noon, message);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Sequenced(SessionId session, long seq, ReadOnlySpan<byte> tail, JobId? job = null, TraceContext? trace = null) =>
        [.. new SequencedFrameHead(session).For(seq, job ?? Job, trace ?? Trace), .. tail];

    private static string WithoutUlid(ReadOnlySpan<byte> frame) => Regex.Replace(Text(frame), "msg_[0-9A-Z]{26}", "msg_");

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
