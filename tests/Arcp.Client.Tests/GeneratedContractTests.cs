using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Client.Tests;

/// <summary>The values of Arcp.Core in a type of a user, whose JSON the compiler generates. This project sees no internals of Arcp.Core, as no user does.</summary>
public sealed partial class GeneratedContractTests
{
    [Fact]
    public void Values_of_the_protocol_may_stand_in_types_of_ones_own()
    {
        const string json = """{"id":"job_1","status":"running","code":"TIMEOUT","lease":{"tool.call":["a.*"]},"raw":{"n":1.0}}""";
        Note note = JsonSerializer.Deserialize(json, NoteContext.Default.Note)!;
        note.Should().Be(new Note(new JobId("job_1"), JobStatus.Running, ErrorCode.Timeout, new LeaseBuilder().AllowTool("a.*").Build(), RawJson.Parse("""{"n":1.0}""")));
        JsonSerializer.Serialize(note, NoteContext.Default.Note).Should().Be(json);
    }

    internal sealed record Note(JobId Id, JobStatus Status, ErrorCode Code, Lease Lease, RawJson Raw);

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    [JsonSerializable(typeof(Note))]
    internal sealed partial class NoteContext : JsonSerializerContext;
}
