using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

[Trait("Section", "5")]
public sealed partial class GoldenFrameTests
{
    public static TheoryData<string> Names => GoldenFrames.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Reading_the_golden_text_gives_the_record(string name)
    {
        GoldenFrame golden = GoldenFrames.All[name];

        Envelope read = Frames.Read(golden.Json, golden.Receiver);

        read.Should().BeEquivalentTo(golden.Envelope, options => options
            .RespectingRuntimeTypes()
            .ComparingByValue<RawJson>()
            .ComparingByValue<Lease>()
            .ComparingByValue<TraceContext>());
        read.Message.Should().BeOfType(golden.Envelope.Message.GetType());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Writing_the_record_gives_the_golden_text(string name)
    {
        GoldenFrame golden = GoldenFrames.All[name];

        string written = Frames.WriteText(golden.Envelope);

        JsonTree.Canonical(written).Should().Be(JsonTree.Canonical(golden.Json));
        written.Should().NotContainAny("\n", "\r");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_payload_written_alone_has_the_same_bytes_as_in_its_frame(string name)
    {
        GoldenFrame golden = GoldenFrames.All[name];

        string payload = Frames.PayloadText(golden.Envelope.Message);

        Frames.WriteText(golden.Envelope).Should().EndWith($"\"payload\":{payload}}}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_member_of_a_written_frame_is_null_but_the_ones_that_the_contract_lists(string name)
    {
        JsonElement frame = JsonElement.Parse(Frames.Write(GoldenFrames.All[name].Envelope));

        IEnumerable<string> nulls = NullMembers(frame).Distinct();

        // "result", "args" and vendor bodies are the users' values, in which null is a value.
        nulls.Except(["next_cursor", "parent_job_id", "result", "a"]).Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Written_timestamps_end_in_Z_and_have_milliseconds(string name)
    {
        string written = Frames.WriteText(GoldenFrames.All[name].Envelope);

        foreach (Match match in Timestamp().Matches(written))
        {
            match.Value.Should().MatchRegex(@"\.\d{3,7}Z""$");
        }
    }

    [Fact]
    public void Every_message_type_and_every_event_kind_has_a_golden_frame()
    {
        string[] kinds = ["log", "thought", "tool_call", "tool_result", "status", "metric", "artifact_ref", "delegate", "progress", "result_chunk"];

        GoldenFrames.All.Values.Select(golden => golden.Type).Distinct()
            .Should().BeEquivalentTo(MessageCatalog.All.Where(entry => !entry.DecodeOnly).Select(entry => entry.Name));
        GoldenFrames.All.Values.Select(golden => golden.Envelope.Message).OfType<JobEvent>().Select(message => message.Kind)
            .Should().Contain(kinds);
        kinds.Should().OnlyContain(kind => EventCatalog.IsDefined(kind));
    }

    [Fact]
    public void The_catalog_lists_the_types_of_the_contract_with_their_senders()
    {
        string[] toRuntime = ["session.hello", "session.resume", "session.ack", "session.list_jobs", "session.close", "session.bye", "job.submit", "job.cancel", "job.subscribe", "job.unsubscribe"];
        string[] toClient = ["session.welcome", "session.error", "session.jobs", "session.closed", "job.accepted", "job.event", "job.result", "job.error", "job.cancelled", "job.subscribed"];

        MessageCatalog.All.Where(entry => entry.Sender is Peer.Client).Select(entry => entry.Name).Should().BeEquivalentTo(toRuntime);
        MessageCatalog.All.Where(entry => entry.Sender is Peer.Runtime).Select(entry => entry.Name).Should().BeEquivalentTo(toClient);
        MessageCatalog.All.Where(entry => entry.Sender is null).Select(entry => entry.Name).Should().BeEquivalentTo("session.ping", "session.pong");
    }

    [Fact]
    public void Only_progress_and_result_chunk_need_a_feature()
    {
        EventCatalog.RequiredFeature("progress").Should().Be(Features.Progress);
        EventCatalog.RequiredFeature("result_chunk").Should().Be(Features.ResultChunk);
        EventCatalog.RequiredFeature("log").Should().Be(Features.None);
        EventCatalog.RequiredFeature("x-vendor.progress").Should().Be(Features.None);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_golden_frame_with_line_breaks_between_its_tokens_is_the_same_frame(string name)
    {
        GoldenFrame golden = GoldenFrames.All[name];
        using var output = new MemoryStream();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, NewLine = "\r\n" }))
        {
            JsonElement.Parse(Encoding.UTF8.GetBytes(golden.Json)).WriteTo(writer);
        }

        Envelope read = Frames.Read(output.ToArray(), golden.Receiver);

        string written = Frames.WriteText(read);
        JsonTree.Canonical(written).Should().Be(JsonTree.Canonical(golden.Json));
        written.Should().NotContainAny("\n", "\r");
    }

    private static IEnumerable<string> NullMembers(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member =>
            member.Value.ValueKind is JsonValueKind.Null ? [member.Name] : NullMembers(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(NullMembers),
        _ => [],
    };

    [GeneratedRegex(@"""\d{4}-\d\d-\d\dT[^""]*""")]
    private static partial Regex Timestamp();
}
