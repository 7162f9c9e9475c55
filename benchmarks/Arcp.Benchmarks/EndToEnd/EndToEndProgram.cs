using System.Globalization;
using Arcp.Benchmarks.EndToEnd.Scenarios;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>Runs scenarios and shows one table.</summary>
internal static class EndToEndProgram
{
    private const int FewestRounds = 5;

    private static readonly IScenario[] All =
    [
        new StreamScenario(),
        new EchoScenario(),
        new OutstandingEchoScenario("echo-64", sessions: 1),
        new OutstandingEchoScenario("echo-16", sessions: 16),
        new FanOutScenario(),
        new EventAllocationScenario(),
        new EchoAllocationScenario(),
        new ClientStreamScenario(),
        new SlowSubscriberScenario(),
        new ResultScenario(),
        new RetainedScenario(),
        new IdleScenario(),
        new GrowthScenario(),
        new ColdStartScenario(),
    ];

    /// <returns>0 = all targets are met or missed by no more than the spread; 1 = not all; 2 = the command line is wrong.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        string[] only = [];
        int rounds = FewestRounds;
        string? json = null;
        for (int i = 0; i < args.Length; i += 2)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--only" when value is not null:
                    only = value.Split(',');
                    break;
                case "--rounds" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out rounds) && rounds >= FewestRounds:
                    break;
                case "--json" when value is not null:
                    json = value;
                    break;
                default:
                    await Console.Error.WriteLineAsync($"e2e takes --only NAME,…, --rounds N (at least {FewestRounds}) and --json FILE; names: {string.Join(", ", All.Select(scenario => scenario.Name))}.");
                    return 2;
            }
        }

        if (only.Except(All.Select(scenario => scenario.Name)).FirstOrDefault() is { } unknown)
        {
            await Console.Error.WriteLineAsync($"There is no scenario '{unknown}'; names: {string.Join(", ", All.Select(scenario => scenario.Name))}.");
            return 2;
        }

        return await RunAsync([.. All.Where(scenario => only.Length == 0 || only.Contains(scenario.Name))], rounds, json);
    }

    private static async Task<int> RunAsync(IReadOnlyList<IScenario> scenarios, int rounds, string? json)
    {
        List<Row> rows = [];
        foreach (IScenario scenario in scenarios)
        {
            await Console.Error.WriteLineAsync($"{scenario.Name} …");
            IReadOnlyList<Row> measured = await scenario.RunAsync(rounds);
            rows.AddRange(measured);
            await Console.Error.WriteLineAsync(Table.Format(measured));
            if (json is not null)
            {
                await Table.WriteJsonAsync(json, rows); // after each, so that a long run that is cut off leaves what it has
            }
        }

        await Console.Out.WriteLineAsync(Table.Format(rows));
        await Console.Out.WriteLineAsync($"{Environment.ProcessorCount} cores, {rounds} rounds, median [quartiles]; a target is missed when the better quartile misses it.");
        return rows.Exists(row => row.Verdict is Verdict.Missed) ? 1 : 0;
    }
}
