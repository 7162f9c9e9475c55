namespace Arcp.Core.Leases;

/// <summary>Whether every text that one glob matches is matched by another (§9.4).</summary>
/// <param name="own">The glob that is to match as much.</param>
/// <param name="other">The other.</param>
/// <param name="isUrl">Whether both are for URLs.</param>
internal sealed class GlobInclusion(GlobStep[] own, GlobStep[] other, bool isUrl)
{
    /// <summary>How much work an inclusion, or all of a lease's together, may be: some tenths of a second.</summary>
    public const int MaxWork = 20_000_000;

    /// <summary>Stands for a character that no literal names; only wildcards are asked about it.</summary>
    private const char Unnamed = '\0';

    private readonly GlobStep[] _own = own;
    private readonly GlobStep[] _other = other;

    /// <summary>Decides.</summary>
    /// <param name="work">How much may still be done; counted down.</param>
    /// <returns>A yes is always right; a no may be wrong only where deciding would take too long.</returns>
    public bool Holds(ref int work)
    {
        // Of all that a wildcard may stand for, a character that no literal names is the hardest to follow; / and, in URLs, ? are cases of their own.
        // So each way through the other glob is walked with those, together with all places that this glob may be at.
        var seen = new HashSet<(int At, GlobStepSet Own)>();
        var toDo = new Stack<(int At, GlobStepSet Own)>();
        Go(0, Closure([0]));
        while (toDo.TryPop(out (int At, GlobStepSet Own) place))
        {
            work -= _own.Length;
            if (place.Own.IsEmpty || work < 0)
            {
                return false;
            }

            GlobStep step = _other[place.At];
            switch (step.Kind)
            {
                case GlobStepKind.End when !place.Own.Contains(_own.Length - 1):
                    return false;
                case GlobStepKind.Literal:
                    Go(place.At + 1, After(place.Own, step.Character));
                    break;
                case GlobStepKind.Optional:
                    Go(place.At + 1, place.Own);
                    Go(place.At + 3, place.Own);
                    break;
                case GlobStepKind.Run or GlobStepKind.Anything:
                    Go(place.At + 1, place.Own);
                    Go(place.At, After(place.Own, null));
                    if (step.Kind is GlobStepKind.Anything)
                    {
                        Go(place.At, After(place.Own, '/'));
                    }

                    if (isUrl && !step.StopsAtQuery)
                    {
                        Go(place.At, After(place.Own, '?'));
                    }

                    break;
            }
        }

        return true;

        void Go(int at, GlobStepSet own)
        {
            if (seen.Add((at, own)))
            {
                toDo.Push((at, own));
            }
        }
    }

    // Where this glob may be after a character; null = one that no literal names.
    private GlobStepSet After(GlobStepSet steps, char? character) => Closure(steps.Select(at => _own[at] switch
    {
        { Kind: GlobStepKind.Literal } literal => literal.Character == character ? at + 1 : -1,
        var wildcard => wildcard.Reads(character ?? Unnamed) ? at : -1,
    }));

    private GlobStepSet Closure(IEnumerable<int> steps)
    {
        var all = new GlobStepSet(_own.Length);
        foreach (int step in steps)
        {
            Enter(all, step);
        }

        return all;
    }

    private void Enter(GlobStepSet set, int at)
    {
        while (at >= 0 && set.TryAdd(at))
        {
            switch (_own[at].Kind)
            {
                case GlobStepKind.Optional:
                    Enter(set, at + 3);
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
}
