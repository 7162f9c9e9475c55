namespace Arcp.EndToEnd.Tests.Support;

/// <summary>What happens to a connection, and where.</summary>
/// <param name="Kind">What.</param>
/// <param name="Flow">In which direction.</param>
/// <param name="InUpgrade">Whether within the HTTP upgrade.</param>
/// <param name="Offset">Behind how many bytes of that direction.</param>
/// <param name="Wait">How long a stall takes.</param>
internal sealed record Fault(FaultKind Kind, Flow Flow, bool InUpgrade, int Offset, TimeSpan Wait)
{
    // No request and no answer of an upgrade is shorter than the first or longer than the second.
    private const int WithinUpgrade = 100;
    private const int BehindUpgrade = 400;

    private static readonly (FaultKind Kind, Flow Flow, bool InUpgrade)[] All =
    [
        .. from kind in Enum.GetValues<FaultKind>()
           where kind is not FaultKind.None
           from flow in Enum.GetValues<Flow>()
           from inUpgrade in (bool[])[false, true]
           select (kind, flow, inUpgrade),
    ];

    /// <summary>No fault.</summary>
    public static Fault None { get; } = new(FaultKind.None, Flow.Up, false, 0, TimeSpan.Zero);

    /// <summary>The names of all faults that there are.</summary>
    public static IEnumerable<string> AllNames => All.Select(fault => NameOf(fault.Kind, fault.Flow, fault.InUpgrade));

    /// <summary>How the fault is counted.</summary>
    public string Name => NameOf(Kind, Flow, InUpgrade);

    /// <summary>The fault of a number, at a random place that a connection with some jobs reaches.</summary>
    public static Fault Of(int number, Random random)
    {
        (FaultKind kind, Flow flow, bool inUpgrade) = All[number % All.Length];
        int offset = inUpgrade ? random.Next(WithinUpgrade) : BehindUpgrade + random.Next(flow is Flow.Up ? 4_000 : 40_000);
        return new Fault(kind, flow, inUpgrade, offset, TimeSpan.FromMilliseconds(random.Next(50, 1_500)));
    }

    private static string NameOf(FaultKind kind, Flow flow, bool inUpgrade) => $"{kind} {flow}{(inUpgrade ? " in the upgrade" : string.Empty)}";
}
