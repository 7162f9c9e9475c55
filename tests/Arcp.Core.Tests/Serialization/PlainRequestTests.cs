using System.Text;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>A frequent request is read on the way through its frame when its type stands before it, and by its contract when it stands behind; both have to mean the same.</summary>
[Trait("Section", "5")]
public sealed class PlainRequestTests
{
    private static readonly (string Type, (string Name, string Value)[] Members)[] Requests =
    [
        ("job.submit", [("agent", "\"echo\""), ("input", "{\"text\":\"hello\"}")]),
        ("job.submit", [("agent", "\"echo@1.0.0\"")]),
        ("job.submit", [("input", "[ 1, \n 2 ]"), ("agent", "\"\\u0065cho\"")]),
        ("job.submit", [("agent", "\"echo\""), ("input", "null"), ("idempotency_key", "\"k\""), ("max_runtime_sec", "1.5")]),
        ("session.pong", [("ping_nonce", "\"n\""), ("received_at", "\"2026-11-21T12:00:00.1234567Z\"")]),
        ("session.pong", [("ping_nonce", "\"n\"")]),
        ("session.ping", [("nonce", "\"n\""), ("sent_at", "\"2026-11-21T12:00:00+01:00\"")]),
    ];

    [Fact]
    public void A_request_means_the_same_whichever_way_it_is_read()
    {
        int read = 0;
        int refused = 0;
        Chance.Check(2_000, chance =>
        {
            for (int i = 0; i < 10; i++)
            {
                (string type, (string Name, string Value)[] plain) = chance.Of(Requests);
                List<(string Name, string Value)> members = [.. plain];
                ChangedMembers.Change(members, chance);
                string payload = ChangedMembers.Text(members, chance);

                string outcome = Outcome($$"""{"type":"{{type}}","id":"m","payload":{{payload}}}""", out bool isRead);

                outcome.Should().Be(Outcome($$"""{"payload":{{payload}},"id":"m","type":"{{type}}"}""", out _), "it is the payload {0}", payload);
                read += isRead ? 1 : 0;
                refused += isRead ? 0 : 1;
            }
        });

        read.Should().BeGreaterThan(10_000, "or else only errors were compared");
        refused.Should().BeGreaterThan(500, "or else none were");
    }

    [Fact]
    [Trait("Section", "7.1")]
    public void An_input_that_is_not_there_is_not_the_value_null()
    {
        ((JobSubmit)Frames.Read("""{"type":"job.submit","payload":{"agent":"a"}}""", Peer.Runtime).Message).Input.Should().BeNull();
        ((JobSubmit)Frames.Read("""{"type":"job.submit","payload":{"agent":"a","input":null}}""", Peer.Runtime).Message).Input.Should().BeSameAs(RawJson.Null);
    }

    private static string Outcome(string frame, out bool isRead)
    {
        isRead = FrameReader.TryRead(Encoding.UTF8.GetBytes(frame), Peer.Runtime, out FrameHeader header, out ArcpMessage? message, out FrameError? error);
        return isRead
            ? $"{(message as JobSubmit)?.Input is null} {(message as SessionPong)?.ReceivedAt:O} {Frames.WriteText(new Envelope(header, message!))}"
            : error!.ToString();
    }
}
