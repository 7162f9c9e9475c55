namespace Arcp.Core;

/// <summary>What §5 says of null: for an optional member it equals absent.</summary>
internal static class Absent
{
    /// <summary>Of a member whose JSON passes through unchanged.</summary>
    public static RawJson? IfNull(RawJson? json) => json is { IsNull: true } ? null : json;

    /// <summary>Of the entries of a list.</summary>
    public static IReadOnlyList<T>? IfNull<T>(IReadOnlyList<T>? list)
        where T : class => list is not null && list.Any(entry => entry is null) ? [.. list.Where(entry => entry is not null)] : list;

    /// <summary>Of the members of a map.</summary>
    public static IReadOnlyDictionary<string, T>? IfNull<T>(IReadOnlyDictionary<string, T>? map)
        where T : class =>
        map is not null && map.Values.Any(value => value is null)
            ? map.Where(entry => entry.Value is not null).ToDictionary(StringComparer.Ordinal)
            : map;
}
