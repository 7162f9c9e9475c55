using Arcp.Core.Leases;
using Xunit.Abstractions;

namespace Arcp.Core.Tests.Leases;

[Trait("Section", "9.4")]
public class InclusionTests(ITestOutputHelper output)
{
    private const int Pairs = 100_000;

    [Theory]
    [InlineData("/data/**", "/data/**", true)]
    [InlineData("/data/**", "/data/*", true)]
    [InlineData("/data/**", "/data", true)]
    [InlineData("/data/**", "/data/x", true)]
    [InlineData("/data/**", "/data/x/*", true)]
    [InlineData("/data/**", "/data/x/**", true)]
    [InlineData("/data/**", "/data/*/x/**", true)]
    [InlineData("/data/**", "/data/**/x", true)]
    [InlineData("/data/**", "/data/", true)]
    [InlineData("/data/**", "/data-evil", false)]
    [InlineData("/data/**", "/data*", false)]
    [InlineData("/data/**", "/**", false)]
    [InlineData("/data/**", "**", false)]
    [InlineData("/data/*", "/data/**", false)]
    [InlineData("/data/*", "/data/*/x", false)]
    [InlineData("/data/*", "/data", false)]
    [InlineData("/data/*", "/data/x", true)]
    [InlineData("/data/*", "/data/x*y", true)]
    [InlineData("/data/*x", "/data/*", false)]
    [InlineData("/data/*x", "/data/*yx", true)]
    [InlineData("/data/x*", "/data/x*y", true)]
    [InlineData("/data/*a*", "/data/*ab*", true)]
    [InlineData("/data/*ab*", "/data/*a*", false)]
    [InlineData("/data/*aab", "/data/*aaab", true)]
    [InlineData("/data/**/x", "/data/x", true)]
    [InlineData("/data/**/x", "/data/y/z/x", true)]
    [InlineData("/data/**/x", "/data/*/x", true)]
    [InlineData("/data/**/x", "/data/**", false)]
    [InlineData("**", "/a/**", true)]
    [InlineData("**", "*", true)]
    [InlineData("*", "**", false)]
    [InlineData("*", "a*", true)]
    [InlineData("/**", "/a", true)]
    [InlineData("/**", "a", false)]
    [InlineData("**/x", "x", true)]
    [InlineData("**/x", "a/**/x", true)]
    public void Paths(string parent, string child, bool isIncluded) => Includes(LeaseNamespaces.FsRead, parent, child).Should().Be(isIncluded);

    [Theory]
    [InlineData("https://h/**", "https://h/a/*", true)]
    [InlineData("https://h/**", "HTTPS://H:443/a", true)]
    [InlineData("https://h/**", "https://h", true)]
    [InlineData("https://h/**", "https://h.evil/**", false)]
    [InlineData("https://h/**", "https://*/a", false)]
    [InlineData("https://h/**", "http://h/a", false)]
    [InlineData("https://*.h/**", "https://a.h/**", true)]
    [InlineData("https://*.h/**", "https://*.a.h/x", true)]
    [InlineData("https://h/**", "https://h/a?x=*", true)]
    [InlineData("https://h/**", "https://h/a/*?x=/", true)]
    [InlineData("https://h/a*", "https://h/a?*", true)]
    [InlineData("https://h/a?**", "https://h/a?*", true)]
    [InlineData("https://h/a?*", "https://h/a?**", false)]
    [InlineData("https://h/*b", "https://h/a?*b", false)]
    [InlineData("https://h/**/b", "https://h/a?/b", false)]
    [InlineData("https://h/a?x=*", "https://h/a?*", false)]
    [InlineData("https://h/a", "https://h/a?*", false)]
    [InlineData("https://**", "https://h/a", true)]
    public void Urls(string parent, string child, bool isIncluded) => Includes(LeaseNamespaces.NetFetch, parent, child).Should().Be(isIncluded);

    [Fact]
    public void The_first_pattern_that_goes_beyond_is_named()
    {
        var parent = CompiledLease.Compile(new LeaseBuilder().AllowRead("/data/**", "/tmp/*").AllowTool("search.*").Budget("USD", 1).Build());

        parent.FindExcess(CompiledLease.Empty).Should().BeNull();
        parent.FindExcess(parent).Should().BeNull();
        parent.FindExcess(Compile(new LeaseBuilder().AllowRead("/tmp/x", "/data/y/**").Budget("USD", 9))).Should().BeNull("budgets are looked at elsewhere");
        parent.FindExcess(Compile(new LeaseBuilder().AllowRead("/data/x", "/tmp/**"))).Should().Be("'/tmp/**' in fs.read");
        parent.FindExcess(Compile(new LeaseBuilder().AllowWrite("/data/x"))).Should().Be("'/data/x' in fs.write");
        parent.FindExcess(Compile(new LeaseBuilder().Allow(LeaseNamespaces.FsWrite))).Should().BeNull("a namespace without patterns allows nothing");
    }

    [Fact]
    public void No_target_matches_a_child_and_not_its_parent()
    {
        const int seed = 20261121;
        var random = new Random(seed);
        int yes = 0;
        int matched = 0;
        int tried = 0;
        for (int i = 0; i < Pairs; i++)
        {
            string parent = RandomGlob(random);
            string child = random.Next(2) == 0 ? RandomGlob(random) : Narrow(random, parent);
            GlobProgram parentProgram = GlobProgram.Compile(parent);
            GlobProgram childProgram = GlobProgram.Compile(child);
            bool includes = Includes(parentProgram, childProgram);
            yes += includes ? 1 : 0;
            for (int t = 0; includes && t < 20; t++)
            {
                string target = t % 2 == 0 ? RandomText(random) : Instance(random, child);
                tried++;
                if (childProgram.Matches(target))
                {
                    matched++;
                    parentProgram.Matches(target).Should().BeTrue("'{0}' includes '{1}' and '{2}' matches that (seed {3}, pair {4})", parent, child, target, seed, i);
                }
            }
        }

        output.WriteLine($"{Pairs} pairs, {yes} inclusions, {tried} targets, of which {matched} matched the child");
        yes.Should().BeGreaterThan(Pairs / 10);
        matched.Should().BeGreaterThan(Pairs / 2);
    }

    [Fact]
    public void What_is_included_is_found_to_be()
    {
        // All texts up to a length tell whether a glob goes beyond another: what they do not refute must be found, but for the few whose difference is longer.
        string[] globs = [.. Globs(4).Distinct()];
        string[] texts = [.. Texts(6)];
        Dictionary<string, GlobProgram> programs = globs.ToDictionary(glob => glob, glob => GlobProgram.Compile(glob));
        Dictionary<string, bool[]> matches = globs.ToDictionary(glob => glob, glob => texts.Select(text => programs[glob].Matches(text)).ToArray());
        var random = new Random(7);
        int included = 0;
        var missed = new List<string>();
        for (int i = 0; i < 60_000; i++)
        {
            string parent = globs[random.Next(globs.Length)];
            string child = globs[random.Next(globs.Length)];
            bool isRefuted = matches[child].Where((isMatch, at) => isMatch && !matches[parent][at]).Any();
            bool found = Includes(programs[parent], programs[child]);
            (found && isRefuted).Should().BeFalse("'{0}' does not include '{1}'", parent, child);
            included += isRefuted ? 0 : 1;
            if (!isRefuted && !found)
            {
                missed.Add($"{parent} ⊇ {child}");
            }
        }

        output.WriteLine($"{included} inclusions, missed: {string.Join("; ", missed.Distinct().Take(40))}");
        included.Should().BeGreaterThan(1_000);
        missed.Should().BeEmpty();
    }

    [Fact]
    public void Inclusion_of_short_globs_with_a_query_is_exact()
    {
        string[] globs = [.. Words(["a", "*", "/", "?"], 4)];
        string[] texts = [.. Words(["a", "x", "/", "?"], 5).Append(string.Empty)];
        GlobProgram[] programs = [.. globs.Select(glob => GlobProgram.Compile(glob, isUrl: true))];
        bool[][] matches = [.. programs.Select(program => texts.Select(text => program.Matches(text)).ToArray())];
        var wrong = new List<string>();
        for (int parent = 0; parent < globs.Length; parent++)
        {
            for (int child = 0; child < globs.Length; child++)
            {
                bool isRefuted = Enumerable.Range(0, texts.Length).Any(at => matches[child][at] && !matches[parent][at]);
                if (Includes(programs[parent], programs[child]) == isRefuted)
                {
                    wrong.Add($"{globs[parent]} and {globs[child]}");
                }
            }
        }

        wrong.Should().BeEmpty();
    }

    private static IEnumerable<string> Words(string[] parts, int length) =>
        length == 1 ? parts : Words(parts, length - 1).SelectMany(word => word.Length < length - 1 ? [word] : parts.Select(part => word + part).Prepend(word));

    private static bool Includes(GlobProgram parent, GlobProgram child)
    {
        int work = GlobInclusion.MaxWork;
        return parent.Includes(child, ref work);
    }

    private static CompiledLease Compile(LeaseBuilder builder) => CompiledLease.Compile(builder.Build());

    private static bool Includes(string name, string parent, string child) => CapabilityPattern.Parse(name, parent).Includes(CapabilityPattern.Parse(name, child));

    private static string[] Globs(int length)
    {
        string[] parts = ["a", "b", "/", "*", "**", "/**"];
        IEnumerable<string> globs = parts;
        for (int i = 1; i < length; i++)
        {
            globs = globs.Concat(globs.SelectMany(glob => parts.Select(part => glob + part))).Distinct();
        }

        return [.. globs];
    }

    private static List<string> Texts(int length)
    {
        var texts = new List<string> { string.Empty };
        for (int start = 0, i = 0; i < length; i++)
        {
            int end = texts.Count;
            for (; start < end; start++)
            {
                texts.AddRange([texts[start] + 'a', texts[start] + 'b', texts[start] + '/', texts[start] + 'x']);
            }
        }

        return texts;
    }

    private static string RandomGlob(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(1, 8)).Select(_ => random.Next(9) switch { 0 or 1 => "a", 2 => "b", 3 or 4 => "/", 5 => "*", 6 => "**", 7 => "/**", _ => "/a" }));

    private static string RandomText(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(0, 8)).Select(_ => random.Next(4) switch { 0 => 'a', 1 => 'b', 2 => 'x', _ => '/' }));

    // Another glob that is likely to be included: wildcards replaced by what they may stand for.
    private static string Narrow(Random random, string glob) => Replace(random, glob, () => random.Next(4) switch { 0 => "a*", 1 => "*", 2 => "ab", _ => "/**" }, () => random.Next(3) == 0 ? "*" : "b");

    private static string Instance(Random random, string glob) => Replace(random, glob, () => RandomText(random), () => RandomText(random).Replace("/", "x", StringComparison.Ordinal));

    private static string Replace(Random random, string glob, Func<string> deep, Func<string> run)
    {
        var result = new System.Text.StringBuilder();
        for (int i = 0; i < glob.Length; i++)
        {
            bool isDeep = glob[i] == '*' && i + 1 < glob.Length && glob[i + 1] == '*';
            result.Append(glob[i] != '*' ? glob[i].ToString() : isDeep ? deep() : run());
            i += isDeep ? 1 : 0;
        }

        return result.ToString();
    }
}
