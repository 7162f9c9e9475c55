using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Delegates to another agent, and tells how that went.</summary>
internal sealed class DelegatorAgent() : TypedAgent<DelegatorAgent.Input, DelegatorAgent.Output>(AgentJsonContext.Default.DelegatorInput, AgentJsonContext.Default.DelegatorOutput)
{
    protected override async Task<Output> RunAsync(Input input, JobContext job, CancellationToken cancellationToken)
    {
        if (input?.Agent is null)
        {
            throw new ArcpException(ErrorCode.InvalidRequest, "delegator takes {agent, input?, lease_request?, lease_constraints?, await=true}.");
        }

        DelegatedJob child;
        try
        {
            child = await job.DelegateAsync(input.Agent, input.ChildInput, input.LeaseRequest?.Deserialize(AgentJsonContext.Default.Lease), ReadConstraints(input.LeaseConstraints));
        }
        catch (ArcpException denial)
        {
            return new Output { Code = denial.Code.Value };
        }
        catch (JsonException)
        {
            return new Output { Code = ErrorCode.InvalidRequest.Value };
        }

        if (!input.Await)
        {
            return new Output { ChildJobId = child.JobId.Value, ChildStatus = child.Status.Value };
        }

        DelegatedOutcome outcome = await child.Completion.WaitAsync(cancellationToken);
        return new Output { ChildJobId = child.JobId.Value, ChildStatus = outcome.Status.Value, ChildResult = outcome.Result };
    }

    // As strict as the wire is: in UTC (§9.5).
    private static LeaseConstraints? ReadConstraints(RawJson? json) =>
        json?.Deserialize(AgentJsonContext.Default.Constraints) is not { ExpiresAt: { } at } ? null
        : at.Offset == TimeSpan.Zero ? new LeaseConstraints { ExpiresAt = at }
        : throw new ArcpException(ErrorCode.InvalidRequest, "'lease_constraints.expires_at' must be in UTC.");

    internal sealed record Input(
        string Agent,
        [property: JsonPropertyName("input")] RawJson? ChildInput = null,
        [property: JsonPropertyName("lease_request")] RawJson? LeaseRequest = null,
        [property: JsonPropertyName("lease_constraints")] RawJson? LeaseConstraints = null,
        bool Await = true);

    internal sealed record Constraints
    {
        [JsonPropertyName("expires_at")]
        public DateTimeOffset? ExpiresAt { get; init; }
    }

    internal sealed record Output
    {
        [JsonPropertyName("child_job_id")]
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? ChildJobId { get; init; }

        [JsonPropertyName("child_status")]
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? ChildStatus { get; init; }

        [JsonPropertyName("child_result")]
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public RawJson? ChildResult { get; init; }

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Code { get; init; }
    }
}
