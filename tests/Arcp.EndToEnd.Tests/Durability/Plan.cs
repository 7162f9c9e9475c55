namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>Makes up jobs: streams long and short, results in pieces, children, money, credentials that change.</summary>
internal static class Plan
{
    public static PlannedJob Next(Random random, string principal, int number)
    {
        (string agent, object? input, Dictionary<string, string[]>? lease) = random.Next(20) switch
        {
            < 7 => ("counter", (object?)new { n = random.Next(3, 60), delayMs = random.Next(0, 12) }, null),
            < 9 => ("flood", new { n = random.Next(50, 800), bytes = random.Next(10, 300) }, null),
            < 11 => ("chunker", new { chunks = random.Next(2, 20), size = random.Next(1, 3000) }, null),
            < 13 => ("delegator", new { agent = "counter", input = new { n = random.Next(3, 30), delayMs = random.Next(0, 12) }, await = random.Next(4) > 0 }, Lease("agent.delegate", "counter")),
            < 16 => ("rotator", new { times = random.Next(1, 6) }, null),
            < 17 => ("spender", new { costs = new[] { 0.5, 0.25, 0.125 } }, Lease("cost.budget", "USD:5", "tool.call", "spend.charge")),
            < 19 => ("sleeper", new { ms = random.Next(20, 900) }, null),
            _ => ("echo", (object?)new { text = "ä\u2028\"" }, (Dictionary<string, string[]>?)null),
        };
        return new PlannedJob { Agent = agent, Input = input, Lease = lease, Principal = principal, Key = random.Next(4) > 0 ? $"{principal}-{number}" : null };
    }

    private static Dictionary<string, string[]> Lease(params string[] pairs) =>
        pairs.Chunk(2).ToDictionary(static pair => pair[0], static pair => new[] { pair[1] });
}
