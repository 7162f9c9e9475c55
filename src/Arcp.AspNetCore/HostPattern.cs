namespace Arcp.AspNetCore;

/// <summary>An entry of a list of hosts.</summary>
/// <param name="Host">The host, or the parent of the hosts that are meant.</param>
/// <param name="IsParent">Whether its sub-domains are meant, and not the host itself.</param>
internal readonly record struct HostPattern(HostAndPort Host, bool IsParent)
{
    public static bool TryParse(ReadOnlySpan<char> text, out HostPattern pattern)
    {
        bool isParent = text.StartsWith("*.", StringComparison.Ordinal);
        bool isHost = HostAndPort.TryParse(isParent ? text[2..] : text, out HostAndPort host);
        pattern = new HostPattern(host, isParent);
        return isHost && !(isParent && host.Name.StartsWith('['));
    }

    public bool Matches(HostAndPort host) =>
        (Host.Port is null || Host.Port == host.Port)
        && (IsParent ? host.Name.EndsWith($".{Host.Name}", StringComparison.Ordinal) : host.Name == Host.Name);
}
