using System.Text;
using Arcp.Core.Leases;
using Xunit.Abstractions;

namespace Arcp.Core.Tests.Leases;

/// <summary>Inclusion against what patterns really cover.</summary>
[Trait("Section", "9.4")]
public sealed class InclusionPropertyTests(ITestOutputHelper output)
{
    [Fact]
    public void Nothing_that_an_included_pattern_covers_escapes_the_including_one()
    {
        const int pairs = 100_000;
        int seed = Random.Shared.Next();
        var chance = new Chance(seed);
        int included = 0;
        int hits = 0;
        int targets = 0;
        for (int i = 0; i < pairs; i++)
        {
            string name = chance.Of([LeaseNamespaces.ToolCall, LeaseNamespaces.FsRead, LeaseNamespaces.NetFetch]);
            string prefix = name switch { LeaseNamespaces.FsRead => "/", LeaseNamespaces.NetFetch => "https://", _ => string.Empty };
            string wide = Pattern(chance);
            string narrow = chance.Coin() ? Pattern(chance) : Narrowed(chance, wide);
            if (TryCompile(name, prefix + wide) is not { } parent || TryCompile(name, prefix + narrow) is not { } child || parent.FindExcess(child) is not null)
            {
                continue;
            }

            included++;
            for (int j = 0; j < 8; j++)
            {
                string target = prefix + Narrowed(chance, narrow).Replace('*', 'c');
                targets++;
                if (child.Allows(name, target))
                {
                    hits++;
                    parent.Allows(name, target).Should().BeTrue("seed {0}: '{1}' in {2} includes '{3}', which covers '{4}'", seed, prefix + wide, name, prefix + narrow, target);
                }
            }
        }

        output.WriteLine($"seed {seed}: {pairs} pairs, {included} included, {targets} targets tried on them, {hits} covered by the included pattern");
        included.Should().BeGreaterThan(pairs / 10, "seed {0}", seed);
        hits.Should().BeGreaterThan(targets / 4, "seed {0}", seed);
    }

    [Fact]
    public void Matching_and_inclusion_are_exact_for_all_short_patterns()
    {
        // 'z' stands in no pattern: where even texts of it are covered, only a wildcard can be the reason.
        string[] targets = [.. Texts("az/", 7)];
        string[] patterns = [.. Texts("a*/", 5).Where(text => text.Length > 0)];
        CapabilityPattern[] parsed = [.. patterns.Select(pattern => CapabilityPattern.Parse(LeaseNamespaces.ToolCall, pattern))];
        bool[][] covered = [.. patterns.Select(pattern => targets.Select(target => Covers(pattern.Split('/'), target.Split('/'))).ToArray())];
        var wrong = new List<string>();
        int yes = 0;
        for (int i = 0; i < patterns.Length; i++)
        {
            for (int t = 0; t < targets.Length; t++)
            {
                if (parsed[i].Matches(targets[t]) != covered[i][t])
                {
                    wrong.Add($"'{patterns[i]}' and '{targets[t]}'");
                }
            }

            for (int j = 0; j < patterns.Length; j++)
            {
                bool includes = parsed[i].Includes(parsed[j]);
                yes += includes ? 1 : 0;
                if (includes == Escapes(covered[j], covered[i]))
                {
                    wrong.Add($"'{patterns[i]}' including '{patterns[j]}'");
                }
            }
        }

        output.WriteLine($"{patterns.Length} patterns, {targets.Length} targets, {yes} pairs included");
        wrong.Should().BeEmpty();
    }

    private static bool Escapes(bool[] child, bool[] parent)
    {
        for (int i = 0; i < child.Length; i++)
        {
            if (child[i] && !parent[i])
            {
                return true;
            }
        }

        return false;
    }

    // The rules of §9, as they read.
    private static bool Covers(ReadOnlySpan<string> pattern, ReadOnlySpan<string> target) => pattern switch
    {
        [] => target.IsEmpty,
        ["**", ..] => Covers(pattern[1..], target) || (!target.IsEmpty && Covers(pattern, target[1..])),
        _ => !target.IsEmpty && CoversSegment(pattern[0], target[0]) && Covers(pattern[1..], target[1..]),
    };

    private static bool CoversSegment(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text) => pattern switch
    {
        [] => text.IsEmpty,
        ['*', ..] => CoversSegment(pattern[1..], text) || (!text.IsEmpty && CoversSegment(pattern, text[1..])),
        _ => !text.IsEmpty && pattern[0] == text[0] && CoversSegment(pattern[1..], text[1..]),
    };

    private static IEnumerable<string> Texts(string alphabet, int length) =>
        length == 0 ? [string.Empty] : Texts(alphabet, length - 1).SelectMany(text => text.Length == length - 1 ? alphabet.Select(c => text + c).Prepend(text) : [text]);

    private static CompiledLease? TryCompile(string name, string pattern)
    {
        var lease = new Lease([new(name, [pattern])]);
        return LeaseGrammar.FindError(lease) is null ? CompiledLease.Compile(lease) : null;
    }

    private static string Pattern(Chance chance)
    {
        var text = new StringBuilder(chance.Of(["a", "b", "*", "**", "*a", "a*"]));
        for (int i = chance.Below(6); i > 0; i--)
        {
            text.Append(chance.Of(["a", "b", "*", "/", "/", "/a", "/*", "/**", "/..", "/%2e", "%2F", "?", "."]));
        }

        return text.ToString();
    }

    // One of the many texts that a wildcard may stand for, in place of each or some.
    private static string Narrowed(Chance chance, string pattern)
    {
        var text = new StringBuilder();
        foreach (string segment in pattern.Split('/'))
        {
            if (segment == "**")
            {
                text.Append(chance.Of(["/**", "", "/a", "/*/b", "/**/a", "/c/a/*"]));
                continue;
            }

            text.Append('/');
            foreach (char c in segment)
            {
                text.Append(c == '*' ? chance.Of(["*", "", "a", "b", "*a", "c*b"]) : c.ToString());
            }
        }

        return text.ToString().TrimStart('/') + chance.Of(["", "", "", "/", "?a", "/../a", "//"]);
    }
}
