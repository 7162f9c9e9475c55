namespace Arcp.Core.Leases;

/// <summary>A glob as a small automaton: a run of steps, each of which reads one character or moves on without one (§9).</summary>
/// <remarks>
/// Immutable. Matching follows all ways at once and costs at most steps times characters; what inclusion may cost is bounded. Neither recurses into the text.
/// </remarks>
internal sealed class GlobProgram
{
    /// <summary>Up to how many steps the sets of a match live on the stack.</summary>
    private const int MaxOnStack = 128;

    private readonly GlobStep[] _steps;
    private readonly string _prefix;
    private readonly bool _isUrl;
    private readonly bool _isAllBelowPrefix;

    private GlobProgram(GlobStep[] steps, bool isUrl)
    {
        _steps = steps;
        _isUrl = isUrl;
        _prefix = new string([.. steps.TakeWhile(step => step.Kind is GlobStepKind.Literal).Select(step => step.Character)]);
        _isAllBelowPrefix = steps.Skip(_prefix.Length).Select(step => step.Kind).SequenceEqual(isUrl ? [.. BelowPrefix, .. BelowPrefix, GlobStepKind.End] : [.. BelowPrefix, GlobStepKind.End]);
    }

    // The most common kind of glob has these behind its literals, and one of URLs the same again for the query.
    private static GlobStepKind[] BelowPrefix => [GlobStepKind.Optional, GlobStepKind.Literal, GlobStepKind.Anything];

    /// <summary>Compiles a glob: <c>*</c> is a run without <c>/</c>, <c>**</c> any depth, and <c>/**</c> and <c>**/</c> beside other segments also none.</summary>
    /// <param name="glob">The glob.</param>
    /// <param name="isUrl">Whether it is for URLs: then no wildcard reaches from the path into the query, but one that ends the glob covers what query there is.</param>
    public static GlobProgram Compile(string glob, bool isUrl = false)
    {
        int query = isUrl ? glob.IndexOf('?', StringComparison.Ordinal) : -1;
        List<GlobStep> steps = CompilePart(query < 0 ? glob : glob[..query], stopsAtQuery: isUrl);
        if (query >= 0)
        {
            steps.AddRange(CompilePart(glob[query..], stopsAtQuery: false));
        }
        else if (isUrl && steps.Count > 0 && steps[^1].Kind is GlobStepKind.Run or GlobStepKind.Anything)
        {
            steps.AddRange([new(GlobStepKind.Optional), new(GlobStepKind.Literal, '?'), new(steps[^1].Kind)]);
        }

        steps.Add(new(GlobStepKind.End));
        return new GlobProgram([.. steps], isUrl);
    }

    private static List<GlobStep> CompilePart(string glob, bool stopsAtQuery)
    {
        var steps = new List<GlobStep>(glob.Length + 4);
        int i = 0;
        while (i < glob.Length)
        {
            if (IsDeep(glob, i + 1) && glob[i] == '/' && IsSegmentEnd(glob, SkipStars(glob, i + 1)))
            {
                steps.AddRange([new(GlobStepKind.Optional), new(GlobStepKind.Literal, '/'), new(GlobStepKind.Anything, StopsAtQuery: stopsAtQuery)]);
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
                    steps.AddRange([new(GlobStepKind.Optional), new(GlobStepKind.Anything, StopsAtQuery: stopsAtQuery), new(GlobStepKind.Literal, '/')]);
                    end++;
                }
                else
                {
                    steps.Add(new(GlobStepKind.Anything, StopsAtQuery: stopsAtQuery));
                }

                i = end;
            }
            else
            {
                steps.Add(glob[i] == '*' ? new(GlobStepKind.Run, StopsAtQuery: stopsAtQuery) : new(GlobStepKind.Literal, glob[i]));
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

        if (_steps[_prefix.Length].Kind is GlobStepKind.End)
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
                GlobStep step = _steps[at];
                if (step.Reads(character))
                {
                    Enter(ref next, step.Kind is GlobStepKind.Literal ? at + 1 : at);
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

    /// <summary>Whether every text that another glob matches is matched by this one; see <see cref="GlobInclusion"/>.</summary>
    public bool Includes(GlobProgram other, ref int work) => new GlobInclusion(_steps, other._steps, _isUrl).Holds(ref work);

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
                case GlobStepKind.Optional:
                    Enter(ref set, at + 3); // behind it stands a / or the end: this goes no deeper
                    at++;
                    break;
                case GlobStepKind.Run or GlobStepKind.Anything:
                    at++;
                    break;
                default:
                    return;
            }
        }
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
}
