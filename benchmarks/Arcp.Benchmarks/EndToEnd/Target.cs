using System.Globalization;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>What a measurement has to reach.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="IsLowerBound">Whether the limit is the least; else it is the most.</param>
internal sealed record Target(double Limit, bool IsLowerBound)
{
    public static Target AtLeast(double limit) => new(limit, IsLowerBound: true);

    public static Target AtMost(double limit) => new(limit, IsLowerBound: false);

    /// <summary>No more than the spread of the rounds that something is compared with.</summary>
    public static Target WithinSpreadOf(Samples baseline) => AtMost(baseline.UpperQuartile / baseline.Median);

    /// <summary>Judges: met by the median, missed by it but met by the better quartile (within the spread), or missed by both.</summary>
    public Verdict Judge(Samples samples) => Holds(samples.Median) ? Verdict.Met
        : Holds(IsLowerBound ? samples.UpperQuartile : samples.LowerQuartile) ? Verdict.WithinSpread
        : Verdict.Missed;

    public override string ToString() => $"{(IsLowerBound ? '≥' : '≤')} {Limit.ToString("0.###", CultureInfo.InvariantCulture)}";

    private bool Holds(double value) => IsLowerBound ? value >= Limit : value <= Limit;
}

/// <summary>How a measurement stands to its target.</summary>
internal enum Verdict
{
    /// <summary>The median meets it.</summary>
    Met,

    /// <summary>The median misses it, the better quartile meets it.</summary>
    WithinSpread,

    /// <summary>The better quartile misses it, too.</summary>
    Missed,
}
