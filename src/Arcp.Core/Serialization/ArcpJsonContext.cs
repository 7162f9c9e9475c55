using System.Text.Json.Serialization;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>The source-generated contracts of all messages and events; the naming policy gives the wire names.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    MaxDepth = WireJson.MaxDepth,
    Converters = [typeof(TimestampConverter), typeof(IntegerConverter), typeof(SmallIntegerConverter), typeof(FiniteNumberConverter), typeof(StringListConverter), typeof(JobEventConverter), typeof(AgentInfoConverter)])]
[JsonSerializable(typeof(SessionHello))]
[JsonSerializable(typeof(SessionResume))]
[JsonSerializable(typeof(SessionPing))]
[JsonSerializable(typeof(SessionPong))]
[JsonSerializable(typeof(SessionAck))]
[JsonSerializable(typeof(SessionListJobs))]
[JsonSerializable(typeof(SessionClose))]
[JsonSerializable(typeof(JobSubmit))]
[JsonSerializable(typeof(JobCancel))]
[JsonSerializable(typeof(JobSubscribe))]
[JsonSerializable(typeof(JobUnsubscribe))]
[JsonSerializable(typeof(SessionWelcome))]
[JsonSerializable(typeof(SessionError))]
[JsonSerializable(typeof(SessionJobs))]
[JsonSerializable(typeof(SessionClosed))]
[JsonSerializable(typeof(JobAccepted))]
[JsonSerializable(typeof(JobEvent))]
[JsonSerializable(typeof(JobResult))]
[JsonSerializable(typeof(JobError))]
[JsonSerializable(typeof(JobCancelled))]
[JsonSerializable(typeof(JobSubscribed))]
[JsonSerializable(typeof(AgentBlock))]
[JsonSerializable(typeof(LogEvent))]
[JsonSerializable(typeof(ThoughtEvent))]
[JsonSerializable(typeof(ToolCallEvent))]
[JsonSerializable(typeof(ToolResultEvent))]
[JsonSerializable(typeof(StatusEvent))]
[JsonSerializable(typeof(MetricEvent))]
[JsonSerializable(typeof(ArtifactRefEvent))]
[JsonSerializable(typeof(DelegateEvent))]
[JsonSerializable(typeof(ProgressEvent))]
[JsonSerializable(typeof(ResultChunkEvent))]
[JsonSerializable(typeof(RawJson))]
[JsonSerializable(typeof(DateTimeOffset?))]
[JsonSerializable(typeof(SessionId))]
[JsonSerializable(typeof(JobId))]
internal sealed partial class ArcpJsonContext : JsonSerializerContext;
