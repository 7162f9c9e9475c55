namespace Arcp.Runtime.Authentication;

/// <summary>On whose behalf a session acts. Jobs belong to principals.</summary>
public sealed record Principal
{
    private readonly int _hash; // asked for several times per job

    private Principal(string name, bool isAnonymous)
    {
        Name = name;
        IsAnonymous = isAnonymous;
        _hash = HashCode.Combine(name, isAnonymous);
    }

    /// <summary>The name, unique among the principals of a runtime.</summary>
    public string Name { get; }

    /// <summary>Whether nobody has proved anything. Each anonymous session is a principal of its own (§6.1).</summary>
    public bool IsAnonymous { get; }

    /// <summary>A principal that has proved who it is.</summary>
    /// <param name="name">Its name; not blank.</param>
    public static Principal Named(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new(name, isAnonymous: false);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;

    /// <inheritdoc/>
    public override string ToString() => Name;

    // Never equal to a named one, whatever that is called: IsAnonymous takes part in the comparison.
    internal static Principal Anonymous(string sessionId) => new(sessionId, isAnonymous: true);
}
