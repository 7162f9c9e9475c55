namespace Arcp.Core.Ids;

/// <summary>What all typed ids share: an opaque, non-empty string of at most <see cref="ArcpId.MaxLength"/> characters (§5).</summary>
/// <typeparam name="TSelf">The id type itself.</typeparam>
public interface IArcpId<TSelf>
    where TSelf : struct, IArcpId<TSelf>
{
    /// <summary>The text as it stands on the wire.</summary>
    string Value { get; }

    /// <summary>Wraps a text that has been checked by <see cref="ArcpId.IsValid"/>.</summary>
    /// <param name="value">The text.</param>
    static abstract TSelf Create(string value);
}

/// <summary>The rule that all ids obey (§5).</summary>
public static class ArcpId
{
    /// <summary>The longest id that is accepted, in characters.</summary>
    public const int MaxLength = 128;

    /// <summary>Tells whether a text can be an id: not empty and at most <see cref="MaxLength"/> characters.</summary>
    /// <param name="value">The text to check.</param>
    public static bool IsValid(string? value) => value is { Length: > 0 and <= MaxLength };

    internal static string Checked(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return IsValid(value)
            ? value
            : throw new ArgumentException($"An id has 1 to {MaxLength} characters.", nameof(value));
    }
}
