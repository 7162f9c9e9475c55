using System.Text.Json.Nodes;

namespace Arcp.Runtime.Tests.Support;

/// <summary>Submits with leases.</summary>
internal static class LeaseRequests
{
    public static readonly string[] Features =
        ["agent_versions", "progress", "subscribe", "ack", "list_jobs", "cost.budget", "model.use", "lease_expires_at", "result_chunk", "provisioned_credentials"];

    public static Task<WireClient> OpenFullAsync(this TestRuntime runtime, string token = "secret-a") => runtime.OpenAsync(token, Features);

    /// <summary>Submits and returns the acceptance.</summary>
    public static async Task<WireFrame> SubmitLeasedAsync(this WireClient client, string agent, string lease, DateTimeOffset? expiresAt = null, string? input = null)
    {
        await client.SendLeasedAsync(agent, lease, expiresAt, input);
        return await client.ExpectAsync("job.accepted");
    }

    public static Task<string> SendLeasedAsync(this WireClient client, string agent, string lease, DateTimeOffset? expiresAt = null, string? input = null)
    {
        var payload = new JsonObject { ["agent"] = agent, ["lease_request"] = JsonNode.Parse(lease), ["input"] = input is null ? null : JsonNode.Parse(input) };
        if (expiresAt is { } at)
        {
            payload["lease_constraints"] = new JsonObject { ["expires_at"] = at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", System.Globalization.CultureInfo.InvariantCulture) };
        }

        return client.SendAsync("job.submit", payload);
    }

    /// <summary>All frames until a number of jobs have ended.</summary>
    public static async Task<List<WireFrame>> ReadUntilEndedAsync(this WireClient client, int jobs)
    {
        var frames = new List<WireFrame>();
        while (frames.Count(frame => frame.IsTerminal) < jobs)
        {
            frames.Add(await client.ReceiveAsync() ?? throw new InvalidOperationException("The connection has ended."));
        }

        return frames;
    }
}
