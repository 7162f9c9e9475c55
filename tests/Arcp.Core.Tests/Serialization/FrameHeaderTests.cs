using System.Text;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

[Trait("Section", "5")]
public sealed class FrameHeaderTests
{
    private const string Hex = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";

    private static readonly string[] HeaderMembers =
    [
        "\"arcp\":\"1.1\"",
        "\"id\":\"msg_1\"",
        "\"type\":\"job.result\"",
        "\"session_id\":\"sess_1\"",
        "\"job_id\":\"job_1\"",
        $"\"trace_id\":\"{Hex}\"",
        "\"event_seq\":17",
        "\"request_id\":\"msg_0\"",
        "\"payload\":{\"result\":{\"a\":[1.0]},\"summary\":\"s\"}",
    ];

    [Fact]
    public void A_frame_with_payload_before_type_is_read()
    {
        Envelope read = Frames.Read("""{"payload":{"reason":"r"},"id":"m","type":"session.closed"}""");

        read.Message.Should().Be(new SessionClosed { Reason = "r" });
        read.Header.Id.Should().Be(new MessageId("m"));
    }

    [Fact]
    public void A_frame_means_the_same_in_every_order_of_its_members()
    {
        Envelope expected = Frames.Read(Object(HeaderMembers));
        expected.Header.EventSeq.Should().Be(17);
        int orders = 0;

        foreach (string[] members in Permutations([.. HeaderMembers], 0))
        {
            orders++;
            byte[] frame = Encoding.UTF8.GetBytes(Object(members));
            if (!FrameReader.TryRead(frame, Peer.Client, out Envelope? read, out _) || read != expected)
            {
                Assert.Fail(Object(members));
            }
        }

        orders.Should().Be(362_880);
    }

    [Theory]
    [InlineData("""{"x":1,"type":"session.closed","payload":{}}""")]
    [InlineData("""{"type":"session.closed","x":{"type":"job.submit","id":"no"},"payload":{}}""")]
    [InlineData("""{"type":"session.closed","x":[[{"id":5}]],"payload":{"y":{"reason":5}}}""")]
    [InlineData("""{"type":"session.closed","payload":{"y":1},"Id":5,"TYPE":5,"ids":5}""")]
    [InlineData("""{"\udc00":1,"type":"session.closed","payload":null,"":0}""")]
    public void Unknown_members_are_ignored_wherever_they_stand(string json)
    {
        Envelope read = Frames.Read(json);

        read.Message.Should().Be(new SessionClosed());
        read.Header.Should().Be(default(FrameHeader));
    }

    [Theory]
    [InlineData("arcp")]
    [InlineData("id")]
    [InlineData("session_id")]
    [InlineData("job_id")]
    [InlineData("trace_id")]
    [InlineData("event_seq")]
    [InlineData("request_id")]
    [InlineData("reply_to")]
    [InlineData("payload")]
    public void Null_equals_absent_in_the_header(string member)
    {
        Envelope read = Frames.Read($$"""{"{{member}}":null,"type":"session.closed"}""");

        read.Should().Be(new Envelope(new SessionClosed()));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1.0")]
    [InlineData("1.1")]
    [InlineData("1.99")]
    [InlineData("1.1.2")]
    [InlineData("1.2-draft")]
    public void A_version_with_the_major_number_1_is_accepted(string version)
    {
        Frames.Read($$"""{"arcp":"{{version}}","type":"session.closed"}""").Message.Should().BeOfType<SessionClosed>();
    }

    [Theory]
    [InlineData("0.9")]
    [InlineData("2")]
    [InlineData("2.0")]
    [InlineData("10")]
    [InlineData("11.1")]
    [InlineData("1.")]
    [InlineData("1,1")]
    [InlineData("1.x")]
    [InlineData("")]
    [InlineData(" 1.1")]
    [InlineData("v1.1")]
    [InlineData("arcp/1.1")]
    public void A_version_with_another_major_number_is_refused(string version)
    {
        FrameError error = Frames.Refuse($$"""{"arcp":"{{version}}","type":"session.closed","id":"m"}""");

        error.Kind.Should().Be(FrameErrorKind.UnsupportedVersion);
        error.RequestId.Should().Be(new MessageId("m"));
        error.Type.Should().Be("session.closed");
    }

    [Theory]
    [InlineData("id", 1)]
    [InlineData("id", 128)]
    [InlineData("session_id", 1)]
    [InlineData("session_id", 128)]
    [InlineData("job_id", 1)]
    [InlineData("job_id", 128)]
    [InlineData("request_id", 128)]
    [InlineData("reply_to", 128)]
    public void An_id_of_1_to_128_characters_is_accepted(string member, int length)
    {
        string id = new('é', length);

        FrameHeader header = Frames.Read($$"""{"{{member}}":"{{id}}","type":"session.closed"}""").Header;

        string? read = member switch
        {
            "id" => header.Id?.Value,
            "session_id" => header.SessionId?.Value,
            "job_id" => header.JobId?.Value,
            _ => header.RequestId?.Value,
        };
        read.Should().Be(id);
    }

    [Theory]
    [InlineData("id", 0)]
    [InlineData("id", 129)]
    [InlineData("session_id", 0)]
    [InlineData("session_id", 129)]
    [InlineData("job_id", 0)]
    [InlineData("job_id", 129)]
    [InlineData("request_id", 0)]
    [InlineData("request_id", 129)]
    [InlineData("reply_to", 0)]
    [InlineData("reply_to", 129)]
    public void An_empty_or_longer_id_is_refused(string member, int length)
    {
        FrameError error = Frames.Refuse($$"""{"{{member}}":"{{new string('x', length)}}","type":"session.closed"}""");

        error.Kind.Should().Be(FrameErrorKind.Malformed);
        error.Message.Should().Contain($"'{member}'").And.Contain("128");
        error.Type.Should().Be("session.closed");
    }

    public static TheoryData<string, string> WrongTypes()
    {
        var data = new TheoryData<string, string>();
        foreach (string member in new[] { "arcp", "id", "type", "session_id", "job_id", "trace_id", "request_id", "reply_to" })
        {
            foreach (string value in new[] { "1", "1.1", "true", "false", "{}", "[]", """{"id":"x"}""", """["x"]""" })
            {
                data.Add(member, value);
            }
        }

        foreach (string value in new[] { "\"1\"", "1.5", "true", "{}", "[1]", "1e30", "9223372036854775808" })
        {
            data.Add("event_seq", value);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(WrongTypes))]
    public void A_header_member_of_the_wrong_type_is_refused_by_name_and_the_id_behind_it_is_still_read(string member, string value)
    {
        string[] rest = [.. new[] { "\"id\":\"msg_1\"", "\"type\":\"session.closed\"" }.Where(text => !text.StartsWith($"\"{member}\"", StringComparison.Ordinal))];

        FrameError error = Frames.Refuse(Object([$"\"{member}\":{value}", .. rest]));

        error.Kind.Should().Be(FrameErrorKind.Malformed);
        error.Message.Should().Contain($"'{member}'");
        if (member != "id")
        {
            error.RequestId.Should().Be(new MessageId("msg_1"));
        }

        if (member != "type")
        {
            error.Type.Should().Be("session.closed");
        }
    }

    [Theory]
    [InlineData("17")]
    [InlineData("17.0")]
    [InlineData("1.7e1")]
    [InlineData("1700E-2")]
    public void An_event_seq_is_its_value_whatever_its_spelling(string number)
    {
        Frames.Read($$"""{"event_seq":{{number}},"type":"session.closed"}""").Header.EventSeq.Should().Be(17);
    }

    [Theory]
    [InlineData("arcp", "\"1.1\"")]
    [InlineData("id", "\"x\"")]
    [InlineData("type", "\"session.closed\"")]
    [InlineData("session_id", "\"x\"")]
    [InlineData("job_id", "\"x\"")]
    [InlineData("trace_id", "\"x\"")]
    [InlineData("event_seq", "1")]
    [InlineData("request_id", "\"x\"")]
    [InlineData("reply_to", "\"x\"")]
    [InlineData("payload", "{}")]
    [InlineData("payload", "null")]
    public void A_header_member_given_twice_is_refused(string member, string value)
    {
        FrameError error = Frames.Refuse($$"""{"{{member}}":{{value}},"{{member}}":{{value}},"type":"session.closed","id":"m"}""");

        error.Kind.Should().Be(FrameErrorKind.Malformed);
        error.Message.Should().Contain($"'{member}'").And.Contain("once");
    }

    [Fact]
    public void A_member_spelled_with_an_escape_is_the_same_member()
    {
        Frames.Read("""{"ty\u0070e":"session\u002eclosed","\u0069d":"\u006d"}""")
            .Should().Be(new Envelope(new FrameHeader { Id = new MessageId("m") }, new SessionClosed()));
        Frames.Refuse("""{"type":"session.closed","\u0069d":"a","id":"b"}""").Message.Should().Contain("'id'");
    }

    [Theory]
    [InlineData("""{"request_id":"a","type":"session.closed"}""")]
    [InlineData("""{"reply_to":"a","type":"session.closed"}""")]
    [InlineData("""{"request_id":"a","reply_to":"b","type":"session.closed"}""")]
    [InlineData("""{"reply_to":"b","request_id":"a","type":"session.closed"}""")]
    [InlineData("""{"reply_to":"a","request_id":null,"type":"session.closed"}""")]
    public void Request_id_wins_over_reply_to_in_either_order(string json)
    {
        Frames.Read(json).Header.RequestId.Should().Be(new MessageId("a"));
    }

    [Theory]
    [InlineData(Hex, Hex, null)]
    [InlineData("00-" + Hex + "-" + Span + "-01", Hex, Span)]
    [InlineData("00-" + Hex + "-" + Span + "-00", Hex, Span)]
    [InlineData("cc-" + Hex + "-" + Span + "-01", Hex, Span)]
    [InlineData("cc-" + Hex + "-" + Span + "-01-what-the-future-will-be-like", Hex, Span)]
    public void A_trace_is_read_from_a_trace_id_or_a_traceparent(string text, string traceId, string? spanId)
    {
        TraceContext? trace = Frames.Read($$"""{"trace_id":"{{text}}","type":"session.closed"}""").Header.Trace;

        trace!.Value.Should().Be(text);
        trace.TraceId.ToHexString().Should().Be(traceId);
        trace.ParentSpanId.ToHexString().Should().Be(spanId ?? "0000000000000000");
    }

    [Theory]
    [InlineData("")]
    [InlineData("no trace")]
    [InlineData("4BF92F3577B34DA6A3CE929D0E0E4736")]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e473")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e47360")]
    [InlineData("\\ud800")]
    public void A_trace_that_cannot_be_parsed_is_absent(string text)
    {
        Frames.Read($$"""{"trace_id":"{{text}}","type":"session.closed"}""").Header.Trace.Should().BeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("nope")]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("\"x\"")]
    [InlineData("[]")]
    [InlineData("""[{"type":"session.closed"}]""")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("""{"type":"session.closed" """)]
    [InlineData("""{"type":"session.closed",}""")]
    [InlineData("""{"type":"session.closed"} x""")]
    [InlineData("""{"type":"session.closed"}{}""")]
    [InlineData("""{"type":"session.closed"}]""")]
    [InlineData("""{'type':'session.closed'}""")]
    [InlineData("""{"type":"session.closed"/* comment */}""")]
    [InlineData("""{"type":"session.closed","x":01}""")]
    [InlineData("""{"type":"session.closed","x":NaN}""")]
    [InlineData("\uFEFF{\"type\":\"session.closed\"}")]
    public void What_is_not_one_JSON_object_is_refused(string text)
    {
        Frames.Refuse(text).Kind.Should().Be(FrameErrorKind.Malformed);
    }

    [Fact]
    public void The_bytes_of_a_line_break_inside_a_string_are_refused()
    {
        Frames.Refuse("{\"type\":\"session.closed\",\"x\":\"a\nb\"}").Kind.Should().Be(FrameErrorKind.Malformed);
    }

    [Fact]
    public void White_space_around_the_object_is_accepted()
    {
        Frames.Read(" \t\r\n{ \"type\" : \"session.closed\" }\r\n ").Message.Should().Be(new SessionClosed());
    }

    public static TheoryData<byte[]> NotUtf8() => [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF5, 0x80, 0x80, 0x80], [0x80]];

    [Theory]
    [MemberData(nameof(NotUtf8))]
    public void Invalid_UTF8_is_refused_wherever_it_stands_and_what_is_readable_of_the_header_is_kept(byte[] bad)
    {
        foreach (string place in new[] { "{\"type\":\"session.closed\",\"x\":\"#\",\"id\":\"m\"}", "{\"type\":\"session.closed\",\"#\":1,\"id\":\"m\"}", "{\"type\":\"session.closed\",\"session_id\":\"#\",\"id\":\"m\"}" })
        {
            int at = place.IndexOf('#', StringComparison.Ordinal);
            byte[] frame = [.. Encoding.UTF8.GetBytes(place[..at]), .. bad, .. Encoding.UTF8.GetBytes(place[(at + 1)..])];

            FrameError error = Frames.Refuse(frame);

            error.Kind.Should().Be(FrameErrorKind.Malformed);
            error.Message.Should().Contain("UTF-8");
            error.RequestId.Should().Be(new MessageId("m"));
            error.Type.Should().Be("session.closed");
        }
    }

    [Theory]
    [InlineData("id")]
    [InlineData("type")]
    [InlineData("arcp")]
    [InlineData("session_id")]
    [InlineData("job_id")]
    [InlineData("request_id")]
    public void Half_a_surrogate_pair_in_a_header_member_is_refused_by_name(string member)
    {
        string[] rest = [.. new[] { "\"id\":\"m\"", "\"type\":\"session.closed\"" }.Where(text => !text.StartsWith($"\"{member}\"", StringComparison.Ordinal))];

        FrameError error = Frames.Refuse(Object([$"\"{member}\":\"\\ud800\"", .. rest]));

        error.Kind.Should().Be(FrameErrorKind.Malformed);
        error.Message.Should().Contain($"'{member}'");
        (error.RequestId is not null || member == "id").Should().BeTrue();
        (error.Type is not null || member == "type").Should().BeTrue();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"type":null,"id":"m"}""")]
    [InlineData("""{"type":"","id":"m"}""")]
    [InlineData("""{"id":"m","payload":{}}""")]
    public void A_frame_without_a_type_is_refused(string json)
    {
        FrameError error = Frames.Refuse(json);

        error.Kind.Should().Be(FrameErrorKind.Malformed);
        error.Message.Should().Contain("'type'");
    }

    [Theory]
    [InlineData("job.explode")]
    [InlineData("Job.Submit")]
    [InlineData(" job.submit")]
    [InlineData("job.submit\\u0000")]
    [InlineData("x-vendor.acme.frame")]
    [InlineData(" ")]
    public void An_unknown_type_is_told_apart_so_that_it_can_be_ignored(string type)
    {
        foreach (Peer receiver in Enum.GetValues<Peer>())
        {
            FrameError error = Frames.Refuse($$"""{"type":"{{type}}","id":"m","payload":[5]}""", receiver);

            error.Kind.Should().Be(FrameErrorKind.UnknownType);
            error.Type.Should().NotBeNull();
            error.RequestId.Should().Be(new MessageId("m"));
        }
    }

    [Fact]
    public void Of_an_unknown_type_not_more_than_128_characters_are_kept_for_the_log()
    {
        FrameError error = Frames.Refuse($$"""{"type":"{{new string('t', 100_000)}}"}""");

        error.Kind.Should().Be(FrameErrorKind.UnknownType);
        error.Type.Should().HaveLength(128);
        error.Message.Length.Should().BeLessThan(200);
    }

    public static TheoryData<string> TypesWithOneSender => [.. MessageCatalog.All.Where(entry => entry.Sender is not null).Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(TypesWithOneSender))]
    public void A_type_that_only_the_receiver_may_send_is_refused(string type)
    {
        Peer sender = MessageCatalog.All.Single(entry => entry.Name == type).Sender!.Value;

        FrameError error = Frames.Refuse($$"""{"payload":5,"type":"{{type}}","id":"m"}""", receiver: sender);

        error.Kind.Should().Be(FrameErrorKind.WrongDirection);
        error.Type.Should().Be(type);
        error.RequestId.Should().Be(new MessageId("m"));
    }

    [Theory]
    [InlineData("session.ping")]
    [InlineData("session.pong")]
    public void Pings_and_pongs_are_read_by_both_sides(string type)
    {
        Frames.Read($$"""{"type":"{{type}}"}""", Peer.Runtime);
        Frames.Read($$"""{"type":"{{type}}"}""", Peer.Client);
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    public void A_frame_of_64_levels_is_read_and_one_of_65_is_too_deep(string open, string close)
    {
        string inner = open[0] == '{' ? "1" : string.Empty;
        string Frame(int levels) =>
            $$"""{"type":"job.result","payload":{"result":{{string.Concat(Enumerable.Repeat(open, levels - 2))}}{{inner}}{{string.Concat(Enumerable.Repeat(close, levels - 2))}}},"id":"m"}""";

        Frames.Read(Frame(64)).Message.Should().BeOfType<JobResult>();
        FrameError error = Frames.Refuse(Frame(65));

        error.Kind.Should().Be(FrameErrorKind.TooDeep);
        error.Type.Should().Be("job.result");
        error.RequestId.Should().Be(new MessageId("m"), "the id stands behind what is too deep");
    }

    [Theory]
    [InlineData(64, FrameErrorKind.Malformed)]
    [InlineData(65, FrameErrorKind.TooDeep)]
    [InlineData(66, FrameErrorKind.TooDeep)]
    [InlineData(100_000, FrameErrorKind.TooDeep)]
    public void Unknown_members_count_for_the_depth_and_a_syntax_error_does_not(int levels, FrameErrorKind expected)
    {
        string frame = $$"""{"type":"session.closed","x":{{new string('[', levels - 1)}} oops""";

        Frames.Refuse(frame).Kind.Should().Be(expected);
    }

    [Fact]
    public void Too_deep_is_reported_before_all_other_problems_because_it_ends_the_connection()
    {
        string deep = new string('[', 64) + new string(']', 64);

        Frames.Refuse(new string('[', 5_000)).Kind.Should().Be(FrameErrorKind.TooDeep);
        Frames.Refuse($$"""{"id":5,"type":"session.closed","x":{{deep}}}""").Kind.Should().Be(FrameErrorKind.TooDeep);
        Frames.Refuse($$"""{"id":{{deep}},"type":"session.closed"}""").Kind.Should().Be(FrameErrorKind.TooDeep);
        Frames.Refuse($$"""{"id":"a","id":{{deep}},"type":"session.closed"}""").Kind.Should().Be(FrameErrorKind.TooDeep);
    }

    [Fact]
    public void The_first_of_several_problems_is_the_one_that_is_named()
    {
        FrameError error = Frames.Refuse("""{"session_id":5,"job_id":6,"arcp":"2","type":"session.closed","id":"m"}""");

        error.Message.Should().Contain("'session_id'");
        error.RequestId.Should().Be(new MessageId("m"));
    }

    [Fact]
    public void The_members_that_could_be_read_before_a_syntax_error_are_kept()
    {
        FrameError error = Frames.Refuse($$"""{"id":"m","type":"job.result","session_id":"s","job_id":"j","trace_id":"{{Hex}}","event_seq":3,"payload":{oops""");

        error.Type.Should().Be("job.result");
        error.Header.Id.Should().Be(new MessageId("m"));
        error.Header.SessionId.Should().Be(new SessionId("s"));
        error.Header.JobId.Should().Be(new JobId("j"));
        error.Header.EventSeq.Should().Be(3);
        error.Header.Trace!.Value.Should().Be(Hex);
    }

    private static string Object(IEnumerable<string> members) => $"{{{string.Join(',', members)}}}";

    private static IEnumerable<string[]> Permutations(string[] items, int from)
    {
        if (from == items.Length)
        {
            yield return items;
            yield break;
        }

        for (int i = from; i < items.Length; i++)
        {
            (items[from], items[i]) = (items[i], items[from]);
            foreach (string[] order in Permutations(items, from + 1))
            {
                yield return order;
            }

            (items[from], items[i]) = (items[i], items[from]);
        }
    }
}
