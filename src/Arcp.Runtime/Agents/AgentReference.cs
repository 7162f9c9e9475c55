using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Arcp.Runtime.Agents;

/// <summary>What a submit names: <c>name</c> or <c>name@version</c> (§7.5).</summary>
/// <param name="Name">The agent.</param>
/// <param name="Version">The version; null = the default.</param>
internal readonly partial record struct AgentReference(string Name, string? Version)
{
    public const string NameRule = "[a-z0-9][a-z0-9._-]*";
    public const string VersionRule = "[a-zA-Z0-9.+_-]+";

    /// <summary>The longest reference that is accepted, in characters.</summary>
    public const int MaxLength = 256;

    public static bool IsName(string text) => NamePattern().IsMatch(text);

    public static bool IsVersion(string text) => VersionPattern().IsMatch(text);

    public static bool TryParse([NotNullWhen(true)] string? text, out AgentReference name)
    {
        int at = text?.IndexOf('@', StringComparison.Ordinal) ?? -1;
        name = at < 0 ? new(text ?? string.Empty, null) : new(text![..at], text[(at + 1)..]);
        return text?.Length <= MaxLength && IsName(name.Name) && (name.Version is null || IsVersion(name.Version));
    }

    [GeneratedRegex($@"\A{NameRule}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex($@"\A{VersionRule}\z", RegexOptions.CultureInvariant)]
    private static partial Regex VersionPattern();
}
