using System.Text;
using System.Text.Json;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

[Trait("Section", "5")]
public sealed class FramePropertyTests
{
    private static readonly (GoldenFrame Frame, byte[] Bytes)[] Golden =
        [.. GoldenFrames.All.Values.Select(frame => (frame, Encoding.UTF8.GetBytes(frame.Json)))];

    public static TheoryData<string> MessageTypes => [.. MessageCatalog.All.Where(entry => !entry.DecodeOnly).Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void What_is_written_is_read_back(string type)
    {
        MessageCatalog.Entry entry = MessageCatalog.All.Single(candidate => candidate.Name == type);

        Chance.Check(200, chance =>
        {
            var envelope = new Envelope(chance.Header(), chance.Message(entry.Contract.Type));

            byte[] written = Frames.Write(envelope);
            Envelope read = Frames.Read(written, entry.Sender?.Other() ?? Peer.Client);

            written.Should().NotContain((byte)'\n').And.NotContain((byte)'\r');
            read.Header.Should().Be(envelope.Header);
            Frames.Write(read).Should().Equal(written);
            read.Message.Should().BeEquivalentTo(envelope.Message, options => options
                .RespectingRuntimeTypes().ComparingByValue<RawJson>().ComparingByValue<Lease>());
        });
    }

    [Fact]
    public void Members_in_any_order_mixed_with_unknown_ones_mean_the_same()
    {
        Chance.Check(2_000, chance =>
        {
            (GoldenFrame golden, byte[] bytes) = chance.Of(Golden);
            string mixed = Mixed(JsonElement.Parse(bytes), chance, isOurs: true);

            Envelope read = Frames.Read(mixed, golden.Receiver);

            JsonTree.Canonical(Frames.Write(read)).Should().Be(JsonTree.Canonical(Frames.Write(Frames.Read(bytes, golden.Receiver))), mixed);
        });
    }

    [Fact]
    public void A_frame_cut_off_anywhere_is_refused_with_what_was_read_of_it()
    {
        foreach ((GoldenFrame golden, byte[] bytes) in Golden)
        {
            int idEnd = golden.Json.IndexOf("\"msg_1\"", StringComparison.Ordinal) + "\"msg_1\"".Length;
            for (int length = 0; length < bytes.Length; length++)
            {
                bool ok = FrameReader.TryRead(bytes.AsSpan(0, length), golden.Receiver, out _, out FrameError? error);

                if (ok || error!.Kind is not FrameErrorKind.Malformed || (length >= idEnd && error.RequestId?.Value != "msg_1"))
                {
                    Assert.Fail($"{golden.Json[..Math.Min(length, golden.Json.Length)]}: {error}");
                }

                Frames.ShouldBeFitForThePeer(error);
            }
        }
    }

    [Fact]
    public void Nothing_is_thrown_past_the_reader_whatever_happens_to_a_frame()
    {
        int read = 0;
        int refused = 0;

        Chance.Check(1_000, chance =>
        {
            for (int i = 0; i < 100; i++)
            {
                (GoldenFrame golden, byte[] bytes) = chance.Of(Golden);
                byte[] mutated = Mutate(bytes, chance);
                if (FrameReader.TryRead(mutated, golden.Receiver, out Envelope? envelope, out FrameError? error))
                {
                    read++;
                    _ = envelope.ToString();
                    Frames.Write(envelope);
                }
                else
                {
                    refused++;
                    error.Message.Should().NotBeNullOrEmpty();
                    Frames.ShouldBeFitForThePeer(error with { Message = WithoutQuoted(error.Message) });
                }
            }
        });

        (read + refused).Should().Be(100_000);
        read.Should().BeGreaterThan(5_000, "mutations that break every frame would not reach the payloads");
        refused.Should().BeGreaterThan(5_000);
    }

    [Fact]
    public void Random_bytes_are_refused_without_throwing()
    {
        Chance.Check(5_000, chance =>
        {
            FrameReader.TryRead(chance.Bytes(chance.Below(60)), Peer.Runtime, out _, out FrameError? error).Should().BeFalse();
            error!.Kind.Should().Be(FrameErrorKind.Malformed);
        });
    }

    [Fact]
    public void Raw_JSON_keeps_its_spelling_through_every_frame_that_carries_it()
    {
        Chance.Check(2_000, chance =>
        {
            string json = chance.Json();
            string frame = $$"""{"type":"job.submit","payload":{"input":{{json}},"agent":"a"} }""";

            var submit = (JobSubmit)Frames.Read(frame, Peer.Runtime).Message;

            submit.Input!.ToString().Should().Be(json);
            RawJson.Parse(json).ToString().Should().Be(json);
            Frames.PayloadText(submit).Should().Be($$"""{"agent":"a","input":{{json}}}""");
        });
    }

    // The names of members in a message come from the (mutated) frame.
    private static string WithoutQuoted(string message) =>
        message.IndexOf('\'', StringComparison.Ordinal) is var first && first >= 0
            ? string.Concat(message.AsSpan(0, first), message.AsSpan(message.LastIndexOf('\'')))
            : message;

    // Unknown members go into objects of ours only: in a user's value, a map or a lease they would mean something.
    private static string Mixed(JsonElement element, Chance chance, bool isOurs)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Array when isOurs:
                return $"[{string.Join(',', element.EnumerateArray().Select(item => Mixed(item, chance, isOurs)))}]";
            case JsonValueKind.Object when isOurs:
                bool isVendorEvent = element.TryGetProperty("kind", out JsonElement kind) && kind.GetString()!.StartsWith("x-", StringComparison.Ordinal);
                List<string> members = [.. element.EnumerateObject().Select(member =>
                    $"{JsonSerializer.Serialize(member.Name)}: {Mixed(member.Value, chance, IsOurs(member.Name) && !(isVendorEvent && member.Name == "body"))}")];
                for (int i = chance.Below(3); i > 0; i--)
                {
                    members.Add($"\"unknown_{i}\":{chance.Json()}");
                }

                return $"{{ {string.Join(',', chance.Shuffled(members))} }}";
            default:
                return element.GetRawText();
        }
    }

    private static bool IsOurs(string member) =>
        member is not ("input" or "result" or "args" or "attributes" or "details" or "constraints" or "lease" or "lease_request" or "budget" or "dimensions");

    private static byte[] Mutate(byte[] bytes, Chance chance)
    {
        List<byte> mutated = [.. bytes];
        for (int i = chance.Below(3); i >= 0 && mutated.Count > 1; i--)
        {
            int at = chance.Below(mutated.Count);
            switch (chance.Below(7))
            {
                case 0:
                    mutated[at] ^= (byte)(1 << chance.Below(8));
                    break;
                case 1:
                    mutated.RemoveAt(at);
                    break;
                case 2:
                    mutated.Insert(at, chance.Of("\"\\{}[]:,0-9eE.nu\n "u8.ToArray()));
                    break;
                case 3:
                    int other = chance.Below(mutated.Count);
                    (mutated[at], mutated[other]) = (mutated[other], mutated[at]);
                    break;
                case 4:
                    byte[] donor = chance.Of(Golden).Bytes;
                    int from = chance.Below(donor.Length);
                    mutated.InsertRange(at, donor[from..Math.Min(donor.Length, from + chance.Below(40))]);
                    break;
                case 5:
                    ReplaceValue(mutated, chance);
                    break;
                default:
                    int digit = mutated.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9' or (byte)'e');
                    if (digit >= 0)
                    {
                        mutated[digit] = (byte)('0' + chance.Below(10));
                    }

                    break;
            }
        }

        return [.. mutated];
    }

    // Keeps the frame valid JSON, so that the payload is reached: a string becomes another value.
    private static void ReplaceValue(List<byte> frame, Chance chance)
    {
        string text = Encoding.UTF8.GetString([.. frame]);
        int colon = text.IndexOf(":\"", chance.Below(text.Length), StringComparison.Ordinal);
        int end = colon < 0 ? -1 : text.IndexOf('"', colon + 2);
        if (end > 0)
        {
            string value = chance.Of(["null", "1.0", "-1", "1e999", "true", "{}", "[null]", "\"\\ud800\"", "\"\"", "\"9999-12-31T23:59:59-14:00\"", chance.Json()]);
            frame.Clear();
            frame.AddRange(Encoding.UTF8.GetBytes($"{text[..(colon + 1)]}{value}{text[(end + 1)..]}"));
        }
    }
}
