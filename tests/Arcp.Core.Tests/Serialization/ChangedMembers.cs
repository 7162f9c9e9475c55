namespace Arcp.Core.Tests.Serialization;

/// <summary>Objects as they mostly are, and changed by chance, for comparing two ways of reading them.</summary>
internal static class ChangedMembers
{
    private static readonly string TooDeepSoon = new string('[', 56) + new string(']', 56);

    private static readonly string[] Names =
        ["level", "message", "attributes", "text", "current", "total", "call_id", "result", "error", "kind", "ts", "body", "more", "x", "agent", "input", "ping_nonce", "received_at", "idempotency_key", "lev\\u0065l", "mess\\ud800", "b\\u006fdy"];

    private static readonly string[] Values =
    [
        "null", "1", "-1", "1.0", "1e2", "1e999", "-0.0", "12345678901234567890", "true", "false", "\"\"", "\"a\"", "\"\\u0061\"", "\"\\ud800\"", "\"😀\"", "{}", "[]", "[null]",
        " { \"a\" : [ 1 ,\t{} ] } ", "\"log\"", "\"lo\\u0067\"", TooDeepSoon, $"[{TooDeepSoon}]", $"[[{TooDeepSoon}]]", $"[[[{TooDeepSoon}]]]", $"[[[[{TooDeepSoon}]]]]",
    ];

    /// <summary>Changes one member, or none.</summary>
    public static void Change(List<(string Name, string Value)> members, Chance chance)
    {
        int at = chance.Below(members.Count);
        switch (chance.Below(8))
        {
            case 0:
                members[at] = (members[at].Name, chance.Of(Values));
                break;
            case 1:
                members.RemoveAt(at);
                break;
            case 2:
                members.Insert(at, (chance.Of(Names), chance.Of(Values)));
                break;
            case 3:
                members.Insert(chance.Below(members.Count), members[at]);
                break;
            case 4:
                members[at] = (chance.Of(Names), members[at].Value);
                break;
            default:
                break;
        }
    }

    /// <summary>The object, with its members in some order.</summary>
    public static string Text(List<(string Name, string Value)> members, Chance chance)
    {
        string space = chance.Below(8) == 0 ? " \n" : "";
        IEnumerable<(string Name, string Value)> ordered = chance.Below(4) == 0 ? chance.Shuffled(members) : members;
        return $"{{{space}{string.Join($",{space}", ordered.Select(member => $"\"{member.Name}\"{space}:{space}{member.Value}"))}{space}}}";
    }
}
