namespace Arcp.Benchmarks.EndToEnd;

/// <summary>One line of the table.</summary>
internal sealed record Row
{
    /// <summary>The scenario.</summary>
    public required string Scenario { get; init; }

    /// <summary>What was measured, with its unit.</summary>
    public required string Measure { get; init; }

    /// <summary>What came out.</summary>
    public required Samples Measured { get; init; }

    /// <summary>Why nothing could be measured; null = it was.</summary>
    public string? Lacking { get; init; }

    /// <summary>What the baseline's rounds came to; null = there is none.</summary>
    public Samples? Baseline { get; init; }

    /// <summary>What is held against the target: the ratio to the baseline of the same round, or the measured value itself.</summary>
    public Samples Judged => JudgedInstead ?? (Baseline is null ? Measured : Measured.Over(Baseline));

    /// <summary>What is held against the target, when that is something else; null = see <see cref="Judged"/>.</summary>
    public Samples? JudgedInstead { get; init; }

    /// <summary>The target; null = reported only.</summary>
    public Target? Target { get; init; }

    public Verdict? Verdict => Target?.Judge(Judged);
}
