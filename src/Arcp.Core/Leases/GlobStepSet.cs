using System.Collections;
using System.Numerics;

namespace Arcp.Core.Leases;

/// <summary>A set of steps that can be compared with others.</summary>
internal sealed class GlobStepSet(int size) : IEquatable<GlobStepSet>, IEnumerable<int>
{
    private readonly ulong[] _words = new ulong[(size + 63) / 64];

    public bool IsEmpty => Array.TrueForAll(_words, static word => word == 0);

    public bool Contains(int step) => (_words[step / 64] >> (step % 64) & 1) != 0;

    public bool TryAdd(int step)
    {
        bool isNew = !Contains(step);
        _words[step / 64] |= 1UL << (step % 64);
        return isNew;
    }

    public bool Equals(GlobStepSet? other) => other is not null && _words.AsSpan().SequenceEqual(other._words);

    public override bool Equals(object? obj) => Equals(obj as GlobStepSet);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (ulong word in _words)
        {
            hash.Add(word);
        }

        return hash.ToHashCode();
    }

    public IEnumerator<int> GetEnumerator()
    {
        for (int i = 0; i < _words.Length; i++)
        {
            for (ulong rest = _words[i]; rest != 0; rest &= rest - 1)
            {
                yield return (i * 64) + BitOperations.TrailingZeroCount(rest);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
