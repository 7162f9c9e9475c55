using System.Collections;
using System.Numerics;

namespace Arcp.Core.Leases;

/// <summary>A glob as a small automaton: a run of steps, each of which reads one character or moves on without one (§9).</summary>
/// <remarks>
/// Immutable. Matching follows all ways at once and costs at most steps times characters; what inclusion may cost is bounded. Neither recurses into the text.
/// </remarks>
internal sealed class GlobProgram
{
    /// <summary>Up to how many steps the sets of a match live on the stack.</summary>
    private const int MaxOnStack = 128;

    /// <summary>How much work an inclusion, or all of a lease's together, may be: some tenths of a second.</summary>
    public const int MaxInclusionWork = 20_000_000;

    /// <summary>Stands for a character that no literal names; only wildcards are asked about it.</summary>
    private const char Unnamed = '\0';

    private readonly Step[] _steps;
    private readonly string _prefix;
    private readonly bool _isUrl;
    private readonly bool _isAllBelowPrefix;

    private GlobProgram(Step[] steps, bool isUrl)
    {
        _steps = steps;
        _isUrl = isUrl;
        _prefix = new string([.. steps.TakeWhile(step => step.Kind is StepKind.Literal).Select(step => step.Character)]);
        _isAllBelowPrefix = steps.Skip(_prefix.Length).Select(step => step.Kind).SequenceEqual(isUrl ? [.. BelowPrefix, .. BelowPrefix, StepKind.End] : [.. BelowPrefix, StepKind.End]);
    }

    // The most common kind of glob has these behind its literals, and one of URLs the same again for the query.
    private static StepKind[] BelowPrefix => [StepKind.Optional, StepKind.Literal, StepKind.Anything];

    private enum StepKind : byte
    {
        /// <summary>Reads one given character.</summary>
        Literal,

        /// <summary>Reads any run of characters without <c>/</c>.</summary>
        Run,

        /// <summary>Reads any run of characters.</summary>
        Anything,

        /// <summary>Goes on, or leaves out the next two steps.</summary>
        Optional,

        /// <summary>The end of the glob.</summary>
        End,
    }

    /// <summary>Compiles a glob: <c>*</c> is a run without <c>/</c>, <c>**</c> any depth, and <c>/**</c> and <c>**/</c> beside other segments also none.</summary>
    /// <param name="glob">The glob.</param>
    /// <param name="isUrl">Whether it is for URLs: then no wildcard reaches from the path into the query, but one that ends the glob covers what query there is.</param>
    public static GlobProgram Compile(string glob, bool isUrl = false)
    {
        int query = isUrl ? glob.IndexOf('?', StringComparison.Ordinal) : -1;
        List<Step> steps = CompilePart(query < 0 ? glob : glob[..query], stopsAtQuery: isUrl);
        if (query >= 0)
        {
            steps.AddRange(CompilePart(glob[query..], stopsAtQuery: false));
        }
        else if (isUrl && steps.Count > 0 && steps[^1].Kind is StepKind.Run or StepKind.Anything)
        {
            steps.AddRange([new(StepKind.Optional), new(StepKind.Literal, '?'), new(steps[^1].Kind)]);
        }

        steps.Add(new(StepKind.End));
        return new GlobProgram([.. steps], isUrl);
    }

    private static List<Step> CompilePart(string glob, bool stopsAtQuery)
    {
        var steps = new List<Step>(glob.Length + 4);
        int i = 0;
        while (i < glob.Length)
        {
            if (IsDeep(glob, i + 1) && glob[i] == '/' && IsSegmentEnd(glob, SkipStars(glob, i + 1)))
            {
                steps.AddRange([new(StepKind.Optional), new(StepKind.Literal, '/'), new(StepKind.Anything, StopsAtQuery: stopsAtQuery)]);
                i = SkipStars(glob, i + 1);
                while (i < glob.Length && IsDeep(glob, i + 1) && IsSegmentEnd(glob, SkipStars(glob, i + 1)))
                {
                    i = SkipStars(glob, i + 1); // any depth below any depth is any depth
                }
            }
            else if (IsDeep(glob, i))
            {
                int end = SkipStars(glob, i);
                if (i == 0 && end < glob.Length && glob[end] == '/' && !IsDeep(glob, end + 1))
                {
                    steps.AddRange([new(StepKind.Optional), new(StepKind.Anything, StopsAtQuery: stopsAtQuery), new(StepKind.Literal, '/')]);
                    end++;
                }
                else
                {
                    steps.Add(new(StepKind.Anything, StopsAtQuery: stopsAtQuery));
                }

                i = end;
            }
            else
            {
                steps.Add(glob[i] == '*' ? new(StepKind.Run, StopsAtQuery: stopsAtQuery) : new(StepKind.Literal, glob[i]));
                i++;
            }
        }

        return steps;
    }

    /// <summary>Whether the glob matches a whole text.</summary>
    public bool Matches(ReadOnlySpan<char> text)
    {
        if (!text.StartsWith(_prefix, StringComparison.Ordinal))
        {
            return false;
        }

        if (_steps[_prefix.Length].Kind is StepKind.End)
        {
            return text.Length == _prefix.Length;
        }

        if (_isAllBelowPrefix)
        {
            return text.Length == _prefix.Length || text[_prefix.Length] == '/' || (_isUrl && text[_prefix.Length] == '?');
        }

        int size = _steps.Length;
        Span<int> memory = size <= MaxOnStack ? stackalloc int[3 * MaxOnStack] : new int[3 * size];
        var now = new StepSet(memory[..size], memory.Slice(2 * size, size), mark: 1);
        Enter(ref now, _prefix.Length);
        foreach (char character in text[_prefix.Length..])
        {
            var next = new StepSet(now.Mark % 2 == 1 ? memory.Slice(size, size) : memory[..size], memory.Slice(2 * size, size), now.Mark + 1);
            foreach (int at in now.Members)
            {
                Step step = _steps[at];
                if (step.Reads(character))
                {
                    Enter(ref next, step.Kind is StepKind.Literal ? at + 1 : at);
                }
            }

            if (next.Count == 0)
            {
                return false;
            }

            now = next;
        }

        return now.Members.Contains(size - 1);
    }

    /// <summary>Whether every text that another glob matches is matched by this one. A yes is always right; a no may be wrong only where deciding would take too long.</summary>
    /// <param name="other">The other.</param>
    /// <param name="work">How much may still be done; counted down.</param>
    public bool Includes(GlobProgram other, ref int work)
    {
        // Of all that a wildcard may stand for, a character that no literal names is the hardest to follow; / and, in URLs, ? are cases of their own.
        // So each way through the other glob is walked with those, together with all places that this glob may be at.
        var seen = new HashSet<(int At, StepBits Own)>();
        var toDo = new Stack<(int At, StepBits Own)>();
        Go(0, Closure([0]));
        while (toDo.TryPop(out (int At, StepBits Own) place))
        {
            work -= _steps.Length;
            if (place.Own.IsEmpty || work < 0)
            {
                return false;
            }

            Step step = other._steps[place.At];
            switch (step.Kind)
            {
                case StepKind.End when !place.Own.Contains(_steps.Length - 1):
                    return false;
                case StepKind.Literal:
                    Go(place.At + 1, After(place.Own, step.Character));
                    break;
                case StepKind.Optional:
                    Go(place.At + 1, place.Own);
                    Go(place.At + 3, place.Own);
                    break;
                case StepKind.Run or StepKind.Anything:
                    Go(place.At + 1, place.Own);
                    Go(place.At, After(place.Own, null));
                    if (step.Kind is StepKind.Anything)
                    {
                        Go(place.At, After(place.Own, '/'));
                    }

                    if (_isUrl && !step.StopsAtQuery)
                    {
                        Go(place.At, After(place.Own, '?'));
                    }

                    break;
            }
        }

        return true;

        void Go(int at, StepBits own)
        {
            if (seen.Add((at, own)))
            {
                toDo.Push((at, own));
            }
        }
    }

    private static bool IsDeep(string glob, int at) => at + 1 < glob.Length && glob[at] == '*' && glob[at + 1] == '*';

    private static int SkipStars(string glob, int at)
    {
        while (at < glob.Length && glob[at] == '*')
        {
            at++;
        }

        return at;
    }

    private static bool IsSegmentEnd(string glob, int at) => at == glob.Length || glob[at] == '/';

    // Adds a step, and those that are reached from it without reading.
    private void Enter(ref StepSet set, int at)
    {
        while (set.TryAdd(at))
        {
            switch (_steps[at].Kind)
            {
                case StepKind.Optional:
                    Enter(ref set, at + 3); // behind it stands a / or the end: this goes no deeper
                    at++;
                    break;
                case StepKind.Run or StepKind.Anything:
                    at++;
                    break;
                default:
                    return;
            }
        }
    }

    // Where this glob may be after a character; null = one that no literal names.
    private StepBits After(StepBits steps, char? character) => Closure(steps.Select(at => _steps[at] switch
    {
        { Kind: StepKind.Literal } literal => literal.Character == character ? at + 1 : -1,
        var wildcard => wildcard.Reads(character ?? Unnamed) ? at : -1,
    }));

    private StepBits Closure(IEnumerable<int> steps)
    {
        var all = new StepBits(_steps.Length);
        foreach (int step in steps)
        {
            Enter(all, step);
        }

        return all;
    }

    private void Enter(StepBits set, int at)
    {
        while (at >= 0 && set.TryAdd(at))
        {
            switch (_steps[at].Kind)
            {
                case StepKind.Optional:
                    Enter(set, at + 3);
                    at++;
                    break;
                case StepKind.Run or StepKind.Anything:
                    at++;
                    break;
                default:
                    return;
            }
        }
    }

    private readonly record struct Step(StepKind Kind, char Character = default, bool StopsAtQuery = false)
    {
        public bool Reads(char character) => Kind switch
        {
            StepKind.Literal => character == Character,
            StepKind.Run => character != '/' && !(StopsAtQuery && character == '?'),
            StepKind.Anything => !(StopsAtQuery && character == '?'),
            _ => false,
        };
    }

    /// <summary>A set of steps that forgets without being cleared: a step is in it when its mark is the set's.</summary>
    private ref struct StepSet(Span<int> members, Span<int> marks, int mark)
    {
        private readonly Span<int> _members = members;
        private readonly Span<int> _marks = marks;

        public int Mark { get; } = mark;

        public int Count { get; private set; }

        public readonly ReadOnlySpan<int> Members => _members[..Count];

        public bool TryAdd(int step)
        {
            if (_marks[step] == Mark)
            {
                return false;
            }

            _marks[step] = Mark;
            _members[Count++] = step;
            return true;
        }
    }

    /// <summary>A set of steps that can be compared with others.</summary>
    private sealed class StepBits(int size) : IEquatable<StepBits>, IEnumerable<int>
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

        public bool Equals(StepBits? other) => other is not null && _words.AsSpan().SequenceEqual(other._words);

        public override bool Equals(object? obj) => Equals(obj as StepBits);

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
}
