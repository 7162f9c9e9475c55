namespace Arcp.Benchmarks.EndToEnd;

/// <summary>One path through the runtime, measured beside what it is compared with.</summary>
internal interface IScenario
{
    /// <summary>The name for <c>--only</c>.</summary>
    string Name { get; }

    /// <summary>Measures.</summary>
    /// <param name="rounds">How often each side is measured, in turn.</param>
    Task<IReadOnlyList<Row>> RunAsync(int rounds);
}
