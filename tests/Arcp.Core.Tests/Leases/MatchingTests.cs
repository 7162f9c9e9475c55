using Arcp.Core.Leases;

namespace Arcp.Core.Tests.Leases;

[Trait("Section", "9")]
public class MatchingTests
{
    [Theory]
    [InlineData("/a/**", "/a", true)]
    [InlineData("/a/**", "/a/b", true)]
    [InlineData("/a/**", "/a/b/c", true)]
    [InlineData("/a/**", "/a-evil", false)]
    [InlineData("/a/**", "/ab", false)]
    [InlineData("/a/**", "/", false)]
    [InlineData("/a/**", "/A/b", false)]
    [InlineData("/a/*", "/a/b", true)]
    [InlineData("/a/*", "/a", false)]
    [InlineData("/a/*", "/a/b/c", false)]
    [InlineData("/a/*.txt", "/a/b.txt", true)]
    [InlineData("/a/*.txt", "/a/.txt", true)]
    [InlineData("/a/*.txt", "/a/b.txt.exe", false)]
    [InlineData("/a/*.txt", "/a/b/c.txt", false)]
    [InlineData("/a/**/c", "/a/c", true)]
    [InlineData("/a/**/c", "/a/b/c", true)]
    [InlineData("/a/**/c", "/a/b/b/c", true)]
    [InlineData("/a/**/c", "/a/bc", false)]
    [InlineData("/a/**/c", "/a/b/c/d", false)]
    [InlineData("/a/**/**", "/a", true)]
    [InlineData("/a/**/*", "/a", false)]
    [InlineData("/a/**/*", "/a/b", true)]
    [InlineData("/a/*/**", "/a", false)]
    [InlineData("/a/*/**", "/a/b", true)]
    [InlineData("/a/*/**", "/a/b/c", true)]
    [InlineData("/**", "/", true)]
    [InlineData("/**", "/x/y", true)]
    [InlineData("/**", "x/y", false)]
    [InlineData("**", "/x/y", true)]
    [InlineData("**", "x", true)]
    [InlineData("*", "x", true)]
    [InlineData("*", "/x", false)]
    [InlineData("**/x", "x", true)]
    [InlineData("**/x", "a/b/x", true)]
    [InlineData("**/x", "a/bx", false)]
    [InlineData("/a**b", "/a/x/b", true)]
    [InlineData("/a/", "/a", true)]
    [InlineData("/a//b/", "/a/b", true)]
    [InlineData("/", "/", true)]
    [InlineData("/", "/a", false)]
    [InlineData("/a.b", "/a.b", true)]
    [InlineData("/a.b", "/axb", false)]
    [InlineData("/a?", "/ab", false)]
    [InlineData("/[ab]", "/a", false)]
    [InlineData("/größe/*", "/größe/é", true)]
    [InlineData("/日本/**", "/日本/語", true)]
    [InlineData("/a/**", "/a/../b", false)] // targets are resolved first
    [InlineData("/a/**", "/a/b/../c", true)]
    [InlineData("/a/**", "/b/../a/c", true)]
    [InlineData("/a/**", "/a/./b", true)]
    [InlineData("/a/*", "/a//b", true)]
    [InlineData("/a/*", "/a/b/", true)]
    [InlineData("/a/*", "//a/b", true)]
    [InlineData("/**", "/..", false)]
    [InlineData("/**", "/a/../../b", false)]
    [InlineData("**", "../x", false)]
    [InlineData("**", "a/../../x", false)]
    [InlineData("a/*", "./a/b", true)]
    [InlineData("/a/*", "/a/...", true)]
    [InlineData("/a/*", "/a/.git", true)]
    [InlineData("/data/**", "/secret/%2e%2e/data/x", false)] // nothing is encoded in a path
    [InlineData("/data/**", "/data/%2e%2e/x", true)]
    [InlineData("**", "/a\\..\\b", false)]
    [InlineData("**", "/a\0b", false)]
    [InlineData("**", "", false)]
    public void Paths(string pattern, string target, bool isAllowed) => Allows(LeaseNamespaces.FsRead, pattern, target).Should().Be(isAllowed);

    [Theory]
    [InlineData("https://h/**", "https://h/", true)]
    [InlineData("https://h/**", "https://h", true)]
    [InlineData("https://h/**", "https://h/a/b?c=/d", true)]
    [InlineData("https://h/**", "https://h.evil/", false)]
    [InlineData("https://h/**", "https://hevil/", false)]
    [InlineData("https://h/**", "http://h/", false)]
    [InlineData("https://h", "https://h/", true)]
    [InlineData("https://h", "https://h/a", false)]
    [InlineData("https://h/**", "HTTPS://H/a", true)]
    [InlineData("HTTPS://H/a", "https://h/a", true)]
    [InlineData("https://h/a", "https://h/A", false)]
    [InlineData("https://h/**", "https://h:443/a", true)]
    [InlineData("https://h:443/**", "https://h/a", true)]
    [InlineData("https://h/**", "https://h:/a", true)]
    [InlineData("https://h/**", "https://h:8443/a", false)]
    [InlineData("https://h:8443/**", "https://h:8443/a", true)]
    [InlineData("http://h/**", "http://h:80/a", true)]
    [InlineData("http://h/**", "http://h:443/a", false)]
    [InlineData("wss://h/**", "wss://h:443/a", true)]
    [InlineData("https://h/**", "https://h@evil/", false)]
    [InlineData("https://h/**", "https://h:443@evil/", false)]
    [InlineData("https://h/**", "https://u:p@h/", false)]
    [InlineData("**", "https://u@h/", false)]
    [InlineData("https://*.h/**", "https://a.h/x", true)]
    [InlineData("https://*.h/**", "https://a.b.h/x", true)]
    [InlineData("https://*.h/**", "https://h/x", false)]
    [InlineData("https://*.h/**", "https://evil/.h/x", false)]
    [InlineData("https://*.h/**", "https://evil?.h/x", false)]
    [InlineData("https://*.h/**", "https://evil#.h/x", false)]
    [InlineData("https://*.h/**", "https://evil\\.h/x", false)]
    [InlineData("https://*.h/**", "https://evil%2f.h/x", false)]
    [InlineData("https://*.h/**", "https://evil／.h/x", false)] // U+FF0F, a slash to some readers
    [InlineData("https://*/a", "https://h/a", true)]
    [InlineData("https://h/a/**", "https://h/a/../b", false)]
    [InlineData("https://h/a/**", "https://h/a/%2e%2e/b", false)]
    [InlineData("https://h/a/**", "https://h/a/%2E./b", false)]
    [InlineData("https://h/a/**", "https://h/a/..%2fb", false)]
    [InlineData("https://h/a/**", "https://h/a/%2e%2e%2Fb", false)]
    [InlineData("https://h/a/**", "https://h/a/x%2f%2e%2e%2f%2e%2e%2fb", false)]
    [InlineData("https://h/a/**", "https://h/a/%5c..%5c..%5cb", false)]
    [InlineData("https://h/a/**", "https://h/b/../a/c", true)]
    [InlineData("https://h/a/**", "https://h/b/%2e%2e/a/c", true)]
    [InlineData("https://h/**", "https://h/..", false)]
    [InlineData("https://h/a/*", "https://h/a/b%2fc", false)] // a server may see two segments
    [InlineData("https://h/a/**", "https://h/a/b%2fc", true)]
    [InlineData("https://h/a/**", "https://h/a%2fb", false)] // a server may see one segment
    [InlineData("https://h/a/*", "https://h/a/%252e%252e", true)] // decoded once only
    [InlineData("https://h/a/*", "https://h/a/b#/../c", true)]
    [InlineData("https://h/a/*", "https://h/a/b?c=1", true)]
    [InlineData("https://h/a/*", "https://h/a/b?c=/", false)]
    [InlineData("https://h/a", "https://h/a?c=1", false)]
    [InlineData("https://h/a//b", "https://h/a//b", true)]
    [InlineData("https://h/a/b", "https://h/a//b", false)]
    [InlineData("https://h/?x", "https://h?x", true)]
    [InlineData("https://[::1]/**", "https://[::1]/a", true)]
    [InlineData("https://[::1]:8080/**", "https://[::1]:8080/a", true)]
    [InlineData("https://bücher.example/**", "https://BÜCHER.example/a", true)]
    [InlineData("**", "https://h/a b", false)]
    [InlineData("**", "/etc/passwd", false)]
    [InlineData("**", "h/a", false)]
    [InlineData("**", "file:///etc/passwd", false)]
    [InlineData("**", "https:///a", false)]
    [InlineData("**", "://h/a", false)]
    [InlineData("**", "javascript:alert(1)", false)]
    [InlineData("**", "https://h/a", true)]
    [InlineData("*", "https://h/a", false)]
    public void Urls(string pattern, string target, bool isAllowed) => Allows(LeaseNamespaces.NetFetch, pattern, target).Should().Be(isAllowed);

    [Theory]
    [InlineData("tool.call", "search.*", "search.web", true)]
    [InlineData("tool.call", "search.*", "search.", true)]
    [InlineData("tool.call", "search.*", "research.web", false)]
    [InlineData("tool.call", "search", "Search", false)]
    [InlineData("tool.call", "*", "a/b", false)]
    [InlineData("tool.call", "**", "a/b", true)]
    [InlineData("tool.call", "a/../b", "a/../b", true)] // a name is taken as it is
    [InlineData("tool.call", "b", "a/../b", false)]
    [InlineData("agent.delegate", "worker", "worker", true)]
    [InlineData("agent.delegate", "worker@1.*", "worker@1.2.0", true)]
    [InlineData("agent.delegate", "worker@1.*", "worker", false)]
    [InlineData("model.use", "openai/*", "openai/gpt-4", true)]
    [InlineData("model.use", "openai/*", "openai/ft/gpt-4", false)]
    [InlineData("x-vendor.acme.gpu", "a*", "a100", true)]
    [InlineData("cost.budget", "USD:5", "USD:5", false)]
    public void Names(string name, string pattern, string target, bool isAllowed) => Allows(name, pattern, target).Should().Be(isAllowed);

    [Fact]
    public void What_is_not_named_is_not_allowed()
    {
        CompiledLease lease = CompiledLease.Compile(new LeaseBuilder().AllowRead("**").Allow(LeaseNamespaces.ToolCall).Build());

        lease.Allows(LeaseNamespaces.FsWrite, "/a").Should().BeFalse();
        lease.Allows(LeaseNamespaces.ToolCall, "t").Should().BeFalse();
        lease.Names(LeaseNamespaces.ToolCall).Should().BeTrue();
        lease.Names(LeaseNamespaces.FsWrite).Should().BeFalse();
        CompiledLease.Empty.Allows(LeaseNamespaces.FsRead, "/a").Should().BeFalse();
    }

    [Fact]
    public void A_check_of_a_usual_target_allocates_nothing()
    {
        CompiledLease lease = CompiledLease.Compile(new LeaseBuilder()
            .AllowRead("/data/**", "/tmp/*/out").AllowFetch("https://api.example.com/v1/**", "https://*.example.org/a*b").AllowTool("search.*", "fetch").Build());
        (string Name, string Target)[] checks =
        [
            (LeaseNamespaces.FsRead, "/data/reports/2026/january.csv"),
            (LeaseNamespaces.FsRead, "/tmp/x/out"),
            (LeaseNamespaces.FsRead, "/etc/passwd"),
            (LeaseNamespaces.NetFetch, "https://api.example.com/v1/items?page=2"),
            (LeaseNamespaces.NetFetch, "https://cdn.example.org/axxxb"),
            (LeaseNamespaces.ToolCall, "search.web"),
            (LeaseNamespaces.ToolCall, "delete"),
        ];
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        int allowed = Run();
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        allowed.Should().Be(5);
        allocated.Should().Be(0);

        int Run()
        {
            int count = 0;
            foreach ((string name, string target) in checks)
            {
                count += lease.Allows(name, target) ? 1 : 0;
            }

            return count;
        }
    }

    [Fact]
    public void Hostile_patterns_and_targets_are_decided_all_the_same()
    {
        string stars = string.Concat(Enumerable.Repeat("*a", LeaseGrammar.MaxPatternLength / 2));
        string deep = string.Concat(Enumerable.Repeat("/**/*", LeaseGrammar.MaxPatternLength / 5));
        string text = new('a', 8_000);

        Allows(LeaseNamespaces.ToolCall, stars, text + "b").Should().BeFalse();
        Allows(LeaseNamespaces.ToolCall, stars, text).Should().BeTrue();
        Allows(LeaseNamespaces.FsRead, deep, string.Concat(Enumerable.Repeat("/a", 4_000))).Should().BeTrue();
        var all = CompiledLease.Compile(new LeaseBuilder().AllowTool(stars).Build());
        all.FindExcess(all).Should().BeNull();
    }

    private static bool Allows(string name, string pattern, string target) =>
        CompiledLease.Compile(new Lease([new(name, [pattern])])).Allows(name, target);
}
