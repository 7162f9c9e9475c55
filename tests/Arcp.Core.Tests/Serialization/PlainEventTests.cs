using System.Text;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>§8.2: an event is read on the way through its frame when its type stands before it, and by its contract when it stands behind; both have to mean the same.</summary>
[Trait("Section", "8.2")]
public sealed class PlainEventTests
{
    private static readonly string[][] Bodies =
    [
        ["log", "level", "\"info\"", "message", "\"hi\"", "attributes", "{\"a\":1}"],
        ["log", "level", "\"custom\"", "message", "\"\\u00e9\\n\""],
        ["thought", "text", "\"t\""],
        ["progress", "current", "3", "total", "10.5", "units", "\"u\"", "message", "\"m\""],
        ["result_chunk", "result_id", "\"res_1\"", "chunk_seq", "0", "data", "\"abc\"", "encoding", "\"utf8\"", "more", "false"],
        ["tool_call", "tool", "\"x\"", "args", "{\"q\":[1,2]}", "call_id", "\"c\""],
        ["tool_result", "call_id", "\"c\"", "result", "{\"x\":1}"],
        ["tool_result", "call_id", "\"c\"", "error", "{\"code\":\"TIMEOUT\"}"],
        ["status", "phase", "\"running\"", "message", "\"m\""],
        ["status", "phase", "\"credential_rotated\"", "id", "\"cred_1\"", "value", "\"v\""],
        ["metric", "name", "\"cost\"", "value", "0.10", "unit", "\"USD\""],
        ["metric", "name", "\"cost\"", "value", "1e3", "dimensions", "{\"a\":\"b\"}"],
        ["artifact_ref", "uri", "\"u\"", "content_type", "\"t\""],
        ["x-vendor.a", "z", "1"],
    ];

    [Fact]
    public void An_event_means_the_same_whichever_way_it_is_read()
    {
        int read = 0;
        int raw = 0;
        Chance.Check(2_000, chance =>
        {
            for (int i = 0; i < 10; i++)
            {
                string payload = Payload(chance);
                byte[] onTheWay = Encoding.UTF8.GetBytes($$"""{"type":"job.event","payload":{{payload}}}""");
                byte[] byContract = Encoding.UTF8.GetBytes($$"""{"payload":{{payload}},"type":"job.event"}""");

                string outcome = Outcome(onTheWay, out Envelope? envelope);

                outcome.Should().Be(Outcome(byContract, out _), "it is the payload {0}", payload);
                read += envelope is null ? 0 : 1;
                raw += envelope?.Message is JobEvent { Body: RawEvent } ? 1 : 0;
            }
        });

        read.Should().BeGreaterThan(10_000, "or else only errors were compared");
        raw.Should().BeInRange(1_000, read / 2, "there have to be bodies of both sorts");
    }

    [Theory]
    [InlineData("2026-11-21T12:00Z", true)]
    [InlineData("2026-11-21T12:00:00.1Z", true)]
    [InlineData("2026-11-21T12:00:00.1234567Z", true)]
    [InlineData("2026-11-21T12:00:00.12345678Z", true)]
    [InlineData("2026-11-21t12:00:00.123z", true)]
    [InlineData("2026-11-21T12:00:00.123+01:00", true)]
    [InlineData("2026-11-21T12:00:00.Z", false)]
    [InlineData("2026-11-21T24:00:00Z", false)]
    [InlineData("2026-11-21T12:00:00", false)]
    [InlineData("2026-11-21 12:00:00Z", false)]
    public void A_timestamp_is_taken_in_every_form_that_says_which_moment_it_is(string ts, bool isTaken)
    {
        var read = (JobEvent)Frames.Read($$"""{"type":"job.event","payload":{"kind":"thought","ts":"{{ts}}","body":{"text":"t"} } }""").Message;

        read.Ts.HasValue.Should().Be(isTaken);
        read.Body.Should().Be(new ThoughtEvent { Text = "t" });
    }

    [Fact]
    public void The_levels_of_the_protocol_are_not_made_anew_for_each_line()
    {
        string[] levels = ["debug", "info", "warn", "error"];
        foreach (string level in levels)
        {
            var read = (JobEvent)Frames.Read($$"""{"type":"job.event","payload":{"kind":"log","body":{"level":"{{level}}","message":"m"} } }""").Message;

            ((LogEvent)read.Body).Level.Should().BeSameAs(string.IsInterned(level));
        }
    }

    private static string Outcome(byte[] frame, out Envelope? envelope) =>
        FrameReader.TryRead(frame, Peer.Client, out envelope, out FrameError? error)
            ? $"{envelope.Message is JobEvent { Body: RawEvent }} {(envelope.Message as JobEvent)?.Ts:O} {Frames.WriteText(envelope)}"
            : error.ToString();

    private static string Payload(Chance chance)
    {
        string[] kind = chance.Of(Bodies);
        List<(string Name, string Value)> body = [.. kind.Skip(1).Chunk(2).Select(member => (member[0], member[1]))];
        ChangedMembers.Change(body, chance);
        List<(string Name, string Value)> members =
            [("kind", $"\"{kind[0]}\""), ("ts", "\"2026-11-21T12:00:00.1234567Z\""), ("body", ChangedMembers.Text(body, chance))];
        if (chance.Below(4) == 0)
        {
            ChangedMembers.Change(members, chance);
        }

        return ChangedMembers.Text(members, chance);
    }
}
