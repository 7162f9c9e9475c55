using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>A job that a round wants, and what became of it. Each has a trace of its own, by which it is known whether or not its answer arrived.</summary>
internal sealed class PlannedJob
{
    private readonly Lock _lock = new();
    private string? _payload;

    public required string Agent { get; init; }

    public required object? Input { get; init; }

    public Dictionary<string, string[]>? Lease { get; init; }

    /// <summary>Null = a submit that is not answered is never repeated.</summary>
    public required string? Key { get; init; }

    public required string Principal { get; init; }

    public string Trace { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public string? JobId { get; private set; }

    public bool IsSent { get; set; }

    public bool IsCancelAsked { get; set; }

    /// <summary>The one session that can have submitted it; null = none yet, or there may have been two.</summary>
    public DrivenSession? Submitter { get; private set; }

    public bool HasUncertainSubmitter { get; private set; }

    public JsonObject ToSubmit()
    {
        var submit = new JsonObject { ["agent"] = Agent, ["input"] = JsonSerializer.SerializeToNode(Input) };
        if (Lease is not null)
        {
            submit["lease_request"] = JsonSerializer.SerializeToNode(Lease);
        }

        if (Key is not null)
        {
            submit["idempotency_key"] = Key;
        }

        return submit;
    }

    public void SentBy(DrivenSession session)
    {
        lock (_lock)
        {
            IsSent = true;
            if (JobId is null)
            {
                HasUncertainSubmitter |= Submitter is not null && Submitter != session;
                Submitter = session;
            }
        }
    }

    /// <summary>Notes an acceptance; each after the first must be the same bytes.</summary>
    public void Accept(string jobId, string payload)
    {
        lock (_lock)
        {
            if (_payload is not null && (_payload != payload || JobId != jobId))
            {
                throw new RoundFailure($"Two acceptances of key {Key} differ:\n{_payload}\n{payload}");
            }

            (JobId, _payload) = (jobId, payload);
        }
    }
}
