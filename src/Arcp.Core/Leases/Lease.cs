using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Arcp.Core.Leases;

/// <summary>What a job may do (§9): each namespace with the patterns that are allowed in it, in the order given.</summary>
/// <remarks>Immutable. Two leases are equal when they list the same namespaces and patterns in the same order.</remarks>
[JsonConverter(typeof(LeaseConverter))]
[SuppressMessage("Naming", "CA1710", Justification = "It is a lease, which happens to be read like a dictionary.")]
public sealed class Lease : IReadOnlyDictionary<string, IReadOnlyList<string>>, IEquatable<Lease>
{
    private readonly OrderedDictionary<string, IReadOnlyList<string>> _patterns;

    /// <summary>Copies namespaces and patterns; <see cref="LeaseGrammar"/> tells whether they are allowed.</summary>
    /// <param name="patterns">Each namespace with its patterns.</param>
    /// <exception cref="ArgumentException">A namespace is named twice, or it, its list or a pattern is null.</exception>
    public Lease(IEnumerable<KeyValuePair<string, IReadOnlyList<string>>> patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        _patterns = new(StringComparer.Ordinal);
        foreach ((string name, IReadOnlyList<string> list) in patterns)
        {
            if (name is null || list is null || list.Contains(null!))
            {
                throw new ArgumentException($"Namespace '{name}' or one of its patterns is null.", nameof(patterns));
            }

            _patterns.Add(name, [.. list]);
        }
    }

    /// <summary>The lease that allows nothing.</summary>
    public static Lease Empty { get; } = new([]);

    /// <inheritdoc/>
    public int Count => _patterns.Count;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _patterns.Keys;

    /// <inheritdoc/>
    public IEnumerable<IReadOnlyList<string>> Values => _patterns.Values;

    /// <inheritdoc/>
    public IReadOnlyList<string> this[string key] => _patterns[key];

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _patterns.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out IReadOnlyList<string> value) => _patterns.TryGetValue(key, out value);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, IReadOnlyList<string>>> GetEnumerator() => _patterns.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(Lease? other) =>
        other is not null && Count == other.Count
        && _patterns.Zip(other._patterns).All(pair => pair.First.Key == pair.Second.Key && pair.First.Value.SequenceEqual(pair.Second.Value));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Lease);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach ((string name, IReadOnlyList<string> list) in _patterns)
        {
            hash.Add(name);
            hash.Add(list.Count);
        }

        return hash.ToHashCode();
    }

    /// <summary>The namespaces with their patterns, for people.</summary>
    public override string ToString() => string.Join("; ", _patterns.Select(entry => $"{entry.Key}: {string.Join(", ", entry.Value)}"));
}
