using System.Numerics;

namespace Arcp.Runtime.Agents;

/// <summary>SemVer 2.0 precedence (§11 there), lenient about the number of parts: 1.10 is above 1.9, 2.0.0-rc.1 below 2.0.0.</summary>
internal sealed class VersionOrder : IComparer<string>
{
    public static VersionOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        (string[] core, string[] pre) a = Split(x ?? string.Empty);
        (string[] core, string[] pre) b = Split(y ?? string.Empty);
        int order = CompareParts(a.core, b.core, missing: "0");
        if (order == 0)
        {
            order = (a.pre.Length, b.pre.Length) switch
            {
                (0, 0) => 0,
                (0, _) => 1, // a release is above its pre-releases
                (_, 0) => -1,
                _ => CompareParts(a.pre, b.pre, missing: null),
            };
        }

        return order != 0 ? order : string.CompareOrdinal(x, y);
    }

    private static (string[] Core, string[] Pre) Split(string version)
    {
        string withoutBuild = version.Split('+')[0];
        int dash = withoutBuild.IndexOf('-', StringComparison.Ordinal);
        return dash < 0
            ? (withoutBuild.Split('.'), [])
            : (withoutBuild[..dash].Split('.'), withoutBuild[(dash + 1)..].Split('.'));
    }

    private static int CompareParts(string[] a, string[] b, string? missing)
    {
        for (int i = 0; i < Math.Max(a.Length, b.Length); i++)
        {
            string? left = i < a.Length ? a[i] : missing;
            string? right = i < b.Length ? b[i] : missing;
            int order = left is null || right is null ? (left is null ? -1 : 1) : ComparePart(left, right);
            if (order != 0)
            {
                return order;
            }
        }

        return 0;
    }

    // Numbers compare as numbers and are below words.
    private static int ComparePart(string a, string b)
    {
        bool isNumberA = IsNumber(a);
        bool isNumberB = IsNumber(b);
        return (isNumberA, isNumberB) switch
        {
            (true, true) => BigInteger.Parse(a, System.Globalization.CultureInfo.InvariantCulture)
                .CompareTo(BigInteger.Parse(b, System.Globalization.CultureInfo.InvariantCulture)),
            (true, false) => -1,
            (false, true) => 1,
            _ => string.CompareOrdinal(a, b),
        };
    }

    private static bool IsNumber(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);
}
