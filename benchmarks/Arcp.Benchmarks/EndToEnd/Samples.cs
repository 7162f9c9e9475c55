using System.Globalization;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>What the rounds of one measurement came to.</summary>
internal sealed record Samples(IReadOnlyList<double> Values)
{
    public static Samples None { get; } = new([]);

    public double Median => Quantile(Values, 0.5);

    /// <summary>A quarter of the rounds is below it.</summary>
    public double LowerQuartile => Quantile(Values, 0.25);

    /// <summary>A quarter of the rounds is above it.</summary>
    public double UpperQuartile => Quantile(Values, 0.75);

    /// <summary>The value below which a share of all lies.</summary>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((sorted[above] - sorted[below]) * (place - below));
    }

    /// <summary>Round by round, this divided by other.</summary>
    public Samples Over(Samples other) => new([.. Values.Zip(other.Values, (a, b) => a / b)]);

    /// <summary>Round by round, this less other.</summary>
    public Samples Less(Samples other) => new([.. Values.Zip(other.Values, (a, b) => a - b)]);

    /// <summary>Median and, in brackets, the quartiles.</summary>
    public override string ToString() => $"{Format(Median)} [{Format(LowerQuartile)}–{Format(UpperQuartile)}]";

    private static string Format(double value) => Math.Abs(value) switch
    {
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };
}
