using System.Buffers;
using System.Text;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>§7.1: what is written by hand is byte for byte what its contract says.</summary>
[Trait("Section", "7.1")]
public class FrequentMessagesTests
{
    private const string Odd = "a\"\\\n\u2028é😀</script>\u0001\ud800";

    private static readonly JobAccepted Plain = new()
    {
        JobId = new JobId("job_1"),
        Agent = "a@1",
        Lease = new Lease([]),
        AcceptedAt = DateTimeOffset.UnixEpoch,
        TraceId = "0af7651916cd43dd8448eb211c80319c",
    };

    public static TheoryData<ArcpMessage> ByHand =>
    [
        Plain,
        Plain with { Budget = new Dictionary<string, decimal>() },
        Plain with { JobId = new JobId(Odd), Agent = Odd, TraceId = Odd },
        Plain with { AcceptedAt = new DateTimeOffset(2026, 2, 3, 4, 5, 6, 7, TimeSpan.FromHours(1)).AddTicks(1) },
    ];

    public static TheoryData<ArcpMessage> ByContract =>
    [
        new JobAccepted(),
        Plain with { JobId = null },
        Plain with { Agent = null },
        Plain with { Lease = null },
        Plain with { Lease = new Lease([new("tool.call", ["x"])]) },
        Plain with { LeaseConstraints = new LeaseConstraints { ExpiresAt = DateTimeOffset.UnixEpoch } },
        Plain with { Budget = new Dictionary<string, decimal> { ["usd"] = 1.50m } },
        Plain with { Credentials = [new ProvisionedCredential { Id = new CredentialId("c"), Scheme = "bearer", Value = "v", Endpoint = "https://e" }] },
        Plain with { AcceptedAt = null },
        Plain with { ParentJobId = new JobId("job_2") },
        Plain with { TraceId = null },
        Plain with { RequestId = new MessageId("msg_1") },
        Plain with { DelegateId = "d" },
        new SessionPing { Nonce = "n" },
    ];

    [Theory]
    [MemberData(nameof(ByHand))]
    public void A_payload_written_by_hand_is_what_its_contract_writes(ArcpMessage message)
    {
        WireText.Write(writer => FrequentMessages.TryWrite(writer, message).Should().BeTrue()).Should().Be(WireText.Contract(message));
    }

    [Theory]
    [MemberData(nameof(ByContract))]
    public void A_payload_that_is_left_to_its_contract_has_nothing_written(ArcpMessage message)
    {
        WireText.Write(writer => FrequentMessages.TryWrite(writer, message).Should().BeFalse()).Should().BeEmpty();
        var output = new ArrayBufferWriter<byte>();
        FrameWriter.Write(output, new FrameHeader(), message);
        Encoding.UTF8.GetString(output.WrittenSpan).Should().EndWith($"\"payload\":{WireText.Contract(message)}}}");
    }
}
