using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>The table of wrong members is derived from the contracts, so that a new member is tested without being listed.</summary>
[Trait("Section", "5")]
public sealed class PayloadErrorTests
{
    public static TheoryData<string, string, string> WrongMembers()
    {
        var data = new TheoryData<string, string, string>();
        foreach (MessageCatalog.Entry entry in MessageCatalog.All)
        {
            foreach ((string path, JsonNode payload) in Wrong(entry.Contract))
            {
                data.Add(entry.Name, path, payload.ToJsonString());
            }
        }

        return data;
    }

    public static TheoryData<string, string, string> MissingMembers()
    {
        var data = new TheoryData<string, string, string>();
        foreach (MessageCatalog.Entry entry in MessageCatalog.All)
        {
            foreach ((string path, JsonNode payload) in Missing(entry.Contract))
            {
                data.Add(entry.Name, path, payload.ToJsonString());
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(WrongMembers))]
    public void A_member_of_the_wrong_type_is_named(string type, string path, string payload)
    {
        FrameError error = Refuse(type, payload);

        error.Message.Should().StartWith($"{type}: ").And.Contain($"'{path}");
        error.Message.Should().Contain(" must be ", "it also says what is accepted");
    }

    [Theory]
    [MemberData(nameof(MissingMembers))]
    public void A_required_member_that_is_missing_is_named(string type, string path, string payload)
    {
        Refuse(type, payload).Message.Should().Be($"{type}: '{path}' is required.");
    }

    [Fact]
    public void The_tables_of_wrong_and_missing_members_cover_what_they_should()
    {
        WrongMembers().Should().HaveCountGreaterThan(400);
        object[] missing = [.. MissingMembers().Select(row => $"{row[0]} {row[1]}")];
        missing.Should().Contain(["session.resume resume_token", "session.ack last_processed_seq", "job.submit agent", "session.jobs jobs[0].job_id", "job.accepted credentials[0].id"]);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("\"x\"")]
    [InlineData("[]")]
    [InlineData("true")]
    public void A_payload_that_is_not_an_object_is_refused(string payload)
    {
        Refuse("job.submit", payload).Message.Should().Contain("payload").And.Contain("object");
    }

    [Theory]
    [InlineData("""{"type":"job.submit","id":"m"}""")]
    [InlineData("""{"type":"job.submit","id":"m","payload":null}""")]
    [InlineData("""{"type":"job.submit","id":"m","payload":{}}""")]
    public void A_missing_or_null_payload_is_an_empty_one(string json)
    {
        FrameError error = Frames.Refuse(json, Peer.Runtime);

        error.Kind.Should().Be(FrameErrorKind.InvalidPayload);
        error.Message.Should().Be("job.submit: 'agent' is required.");
        error.RequestId.Should().Be(new MessageId("m"));
    }

    [Theory]
    [InlineData("job.submit", """{"agent":null}""", "agent")]
    [InlineData("session.resume", """{"resume_token":null}""", "resume_token")]
    [InlineData("session.ack", """{"last_processed_seq":null}""", "last_processed_seq")]
    [InlineData("session.jobs", """{"jobs":[{"job_id":"j"},{"job_id":null}]}""", "jobs[1].job_id")]
    public void Null_for_a_required_member_is_refused(string type, string payload, string path)
    {
        Refuse(type, payload).Message.Should().Contain($"'{path}'");
    }

    [Theory]
    [InlineData("job.submit", """{"agent":"a","agent":"b"}""", "agent")]
    [InlineData("job.submit", """{"agent":"a","\u0061gent":"b"}""", "agent")]
    [InlineData("job.submit", """{"agent":"a","reason":1,"input":1,"input":null}""", "input")]
    [InlineData("session.hello", """{"auth":{"token":"a","token":"b"}}""", "auth.token")]
    public void A_member_given_twice_is_named(string type, string payload, string path)
    {
        Refuse(type, payload).Message.Should().Be($"{type}: '{path}' may be given only once.");
    }

    [Theory]
    [InlineData("""{"agent":"a","lease_request":{"fs.read":["x"],"fs.read":["y"]}}""")]
    [InlineData("""{"agent":"a","lease_request":{"fs.read":null}}""")]
    [InlineData("""{"agent":"a","lease_request":{"fs.read":[null]}}""")]
    [InlineData("""{"agent":"a","lease_request":{"fs.read":"x"}}""")]
    [InlineData("""{"agent":"a","lease_request":{"fs.read":[["x"]]}}""")]
    [InlineData("""{"agent":"a","lease_request":{"fs.read":["\ud800"]}}""")]
    [InlineData("""{"agent":"a","lease_request":{"\ud800":["x"]}}""")]
    [Trait("Section", "9")]
    public void A_lease_that_is_not_a_map_of_string_arrays_is_refused_by_name(string payload)
    {
        Refuse("job.submit", payload).Message.Should().Contain("'lease_request");
    }

    [Theory]
    [InlineData("""{"agent":"a","max_runtime_sec":1e999}""", "max_runtime_sec")]
    [InlineData("""{"agent":"a","max_runtime_sec":-1e999}""", "max_runtime_sec")]
    [Trait("Section", "7.1")]
    public void A_number_that_would_become_infinite_is_refused(string payload, string path)
    {
        Refuse("job.submit", payload).Message.Should().Contain($"'{path}'");
    }

    [Theory]
    [InlineData("100")]
    [InlineData("100.0")]
    [InlineData("1e2")]
    public void An_integer_member_is_its_value_whatever_its_spelling(string number)
    {
        Frames.Read($$"""{"type":"session.list_jobs","payload":{"limit":{{number}} } }""", Peer.Runtime).Message
            .Should().Be(new SessionListJobs { Limit = 100 });
        Frames.Read($$"""{"type":"session.ack","payload":{"last_processed_seq":{{number}} } }""", Peer.Runtime).Message
            .Should().Be(new SessionAck { LastProcessedSeq = 100 });
    }

    [Theory]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"agent":"\ud800"}""")]
    [InlineData("""{"agent":"a","parent_job_id":"\udc00x"}""")]
    [InlineData("""{"agent":"a","lease_constraints":{"expires_at":"\ud8002026-01-01T00:00:00Z"}}""")]
    [InlineData("""{"agent":5,"\ud800":1}""")]
    public void Half_a_surrogate_pair_in_a_payload_is_refused_and_nothing_is_thrown(string payload)
    {
        Refuse("job.submit", payload);
    }

    [Fact]
    public void A_strange_member_name_in_the_path_neither_throws_nor_fills_the_message()
    {
        string name = new string('n', 10_000) + "'].[0]..$";

        FrameError error = Refuse("job.accepted", $$"""{"job_id":"j","budget":{"{{name}}":"x"} }""");

        error.Message.Length.Should().BeLessThan(300);
        error.Message.Should().Contain("'budget");
    }

    [Fact]
    public void A_wrong_value_is_never_repeated_in_the_message()
    {
        Refuse("session.hello", """{"auth":{"scheme":"bearer","token":{"s3cret":"s3cret"}}}""").Message.Should().NotContain("s3cret");
        Refuse("session.resume", """{"resume_token":["s3cret"]}""").Message.Should().NotContain("s3cret");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"kind":null,"body":{}}""")]
    [InlineData("""{"kind":"","body":{}}""")]
    [InlineData("""{"kind":5,"body":{}}""")]
    [InlineData("""{"kind":{"kind":"log"},"body":{}}""")]
    [InlineData("""{"kind":"\ud800","body":{}}""")]
    [Trait("Section", "8.1")]
    public void An_event_without_a_kind_is_refused(string payload)
    {
        Refuse("job.event", payload).Message.Should().StartWith("job.event: ");
    }

    private static FrameError Refuse(string type, string payload)
    {
        Peer receiver = MessageCatalog.All.Single(entry => entry.Name == type).Sender?.Other() ?? Peer.Client;

        FrameError error = Frames.Refuse($$"""{"type":"{{type}}","payload":{{payload}},"id":"msg_1","session_id":"sess_1"}""", receiver);

        error.Kind.Should().Be(FrameErrorKind.InvalidPayload);
        error.Type.Should().Be(type);
        error.RequestId.Should().Be(new MessageId("msg_1"));
        error.Header.SessionId.Should().Be(new SessionId("sess_1"));
        return error;
    }

    private static JsonObject Minimal(JsonTypeInfo contract)
    {
        var payload = new JsonObject();
        foreach (JsonPropertyInfo property in contract.Properties.Where(property => property.IsRequired))
        {
            payload[property.Name] = Underlying(property) == typeof(long) ? JsonValue.Create(1) : JsonValue.Create("x");
        }

        return payload;
    }

    private static IEnumerable<(string Path, JsonNode Payload)> Wrong(JsonTypeInfo contract)
    {
        foreach (JsonPropertyInfo property in contract.Properties)
        {
            foreach ((string suffix, JsonNode value) in WrongValues(Underlying(property)))
            {
                yield return (property.Name + suffix, With(contract, property.Name, value));
            }

            foreach ((string suffix, JsonNode value) in Nested(property, Wrong))
            {
                yield return (property.Name + suffix, With(contract, property.Name, value));
            }
        }
    }

    private static IEnumerable<(string Path, JsonNode Payload)> Missing(JsonTypeInfo contract)
    {
        foreach (JsonPropertyInfo property in contract.Properties)
        {
            if (property.IsRequired)
            {
                JsonObject payload = Minimal(contract);
                payload.Remove(property.Name);
                yield return (property.Name, payload);
            }

            foreach ((string suffix, JsonNode value) in Nested(property, Missing))
            {
                yield return (property.Name + suffix, With(contract, property.Name, value));
            }
        }
    }

    private static IEnumerable<(string Suffix, JsonNode Value)> Nested(
        JsonPropertyInfo property, Func<JsonTypeInfo, IEnumerable<(string Path, JsonNode Payload)>> inner)
    {
        Type type = Underlying(property);
        if (WireJson.Contract(type) is { Kind: JsonTypeInfoKind.Object } contract)
        {
            return inner(contract).Select(found => ($".{found.Path}", found.Payload));
        }

        return ElementOf(type) is { } element && WireJson.Contract(element) is { Kind: JsonTypeInfoKind.Object } elementContract
            ? inner(elementContract).Select(found => ($"[0].{found.Path}", (JsonNode)new JsonArray(found.Payload)))
            : [];
    }

    private static IEnumerable<(string Suffix, JsonNode Value)> WrongValues(Type type)
    {
        string[] values = type switch
        {
            _ when type == typeof(RawJson) => [],
            _ when type == typeof(string) => ["1", "true", "{}", "[]", "[\"x\"]"],
            _ when type == typeof(bool) => ["\"true\"", "0", "{}", "[]"],
            _ when type == typeof(long) || type == typeof(int) => ["\"1\"", "1.5", "true", "{}", "[]", "1e30"],
            _ when type == typeof(double) || type == typeof(decimal) => ["\"1\"", "true", "{}", "[]"],
            _ when type == typeof(DateTimeOffset) => ["5", "\"yesterday\"", "\"2026-01-31T12:00:00\"", "\"2026-13-31T12:00:00Z\"", "{}", "\"\""],
            _ when type == typeof(Lease) => ["5", "[]", "\"x\"", """{"a":1}""", """{"a":[1]}"""],
            _ when type == typeof(JobStatus) || type == typeof(ErrorCode) => ["5", "{}", "[]", "true"],
            _ when type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IArcpId<>)) =>
                ["5", "\"\"", $"\"{new string('x', 129)}\"", "{}", "[]", "true"],
            _ when type == typeof(IReadOnlyList<string>) => ["5", "\"x\"", "{}", "[1]", "[null]", "[[]]"],
            _ when type == typeof(IReadOnlyDictionary<string, decimal>) => ["5", "[]", """{"USD":"5"}""", """{"USD":null}""", """{"USD":1e99}"""],
            _ when type == typeof(IReadOnlyList<AgentInfo>) => ["5", "{}", "[5]", "[{}]", """[{"name":5}]""", """[{"name":null}]""", """[{"name":"a","versions":[1]}]"""],
            _ when ElementOf(type) is not null => ["5", "{}", "\"x\"", "[5]", "[\"x\"]"],
            _ => ["5", "\"x\"", "[]", "true"],
        };
        return values.Select(value => (string.Empty, JsonNode.Parse(value)!));
    }

    private static JsonObject With(JsonTypeInfo contract, string name, JsonNode value)
    {
        JsonObject payload = Minimal(contract);
        payload[name] = value.DeepClone();
        return payload;
    }

    private static Type Underlying(JsonPropertyInfo property) => Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;

    private static Type? ElementOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;
}
