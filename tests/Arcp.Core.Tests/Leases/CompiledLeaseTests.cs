using Arcp.Core.Leases;

namespace Arcp.Core.Tests.Leases;

/// <summary>What a lease allows, and what it may hand down.</summary>
[Trait("Section", "9")]
public sealed class CompiledLeaseTests
{
    [Theory]
    [InlineData("fs.read", "/a/**", "/a")]
    [InlineData("fs.read", "/a/**", "/a/")]
    [InlineData("fs.read", "/a/**", "/a/b/c")]
    [InlineData("fs.read", "/a/**", "/x/../a/b")]
    [InlineData("fs.read", "/a/**", "//a//b")]
    [InlineData("fs.read", "/a/**", "/a/..b")]
    [InlineData("fs.read", "/**", "/")]
    [InlineData("fs.read", "**", "/a")]
    [InlineData("fs.read", "**", "a")]
    [InlineData("fs.read", "**/*.csv", "/a/b.csv")]
    [InlineData("fs.read", "/x/../a/*", "/a/b")]
    [InlineData("fs.write", "out/**", "out/a")]
    [InlineData("fs.write", "out/**", "./out/a")]
    [InlineData("net.fetch", "https://h/**", "https://h")]
    [InlineData("net.fetch", "https://h/**", "HTTPS://H:443/a?x=/../y")]
    [InlineData("net.fetch", "HTTPS://H:443/a/**", "https://h/a/b")]
    [InlineData("net.fetch", "https://h", "https://h/")]
    [InlineData("net.fetch", "https://h/a/*", "https://h/a/b?x=1")]
    [InlineData("net.fetch", "https://h/a/*", "https://h/a/b%2Fc")]
    [InlineData("net.fetch", "https://h/a?x=*", "https://h/a?x=1/2")]
    [InlineData("net.fetch", "https://h/a", "https://h/a#f")]
    [InlineData("net.fetch", "https://h/a", "https://h/a?")]
    [InlineData("net.fetch", "https://h/ü*", "https://h/%c3%bcx")]
    [InlineData("net.fetch", "https://*.example.com/**", "https://a.b.example.com/x")]
    [InlineData("net.fetch", "https://h:*/**", "https://h:8080/x")]
    [InlineData("net.fetch", "*://h/**", "http://h/x")]
    [InlineData("net.fetch", "https://**", "https://h:1/x?y")]
    [InlineData("net.fetch", "**", "wss://h/x")]
    [InlineData("tool.call", "search.*", "search.web")]
    [InlineData("agent.delegate", "worker@1.*", "worker@1.2.0")]
    [InlineData("model.use", "openai/gpt-*", "openai/gpt-4")]
    [InlineData("x-vendor.acme.gpu", "a100", "a100")]
    [InlineData("x-vendor.acme", "/a/../b", "/a/../b")]
    public void Is_allowed(string name, string pattern, string target)
    {
        Of(name, pattern).Allows(name, target).Should().BeTrue();
    }

    [Theory]
    [InlineData("fs.read", "/a/**", "/ab")]
    [InlineData("fs.read", "/a/**", "/a-evil/b")]
    [InlineData("fs.read", "/a/**", "/A/b")]
    [InlineData("fs.read", "/a/**", "/a/../b")]
    [InlineData("fs.read", "/a/**", "/a/b/../../c")]
    [InlineData("fs.read", "/a/**", "/../a/b")]
    [InlineData("fs.read", "/a/**", "a/b")]
    [InlineData("fs.read", "/a/**", "./a/b")]
    [InlineData("fs.read", "/a/**", "/a\\b")]
    [InlineData("fs.read", "/a/**", "/a/b\0")]
    [InlineData("fs.read", "/a/**", "")]
    [InlineData("fs.read", "/a/*", "/a")]
    [InlineData("fs.read", "/a/*", "/a/")]
    [InlineData("fs.read", "/a/*", "/a/b/c")]
    [InlineData("fs.read", "*", "/")]
    [InlineData("fs.read", "*/a", "/a")]
    [InlineData("fs.read", "./**", "/a")]
    [InlineData("fs.read", "**", "../a")]
    [InlineData("fs.read", "**", "/..")]
    [InlineData("net.fetch", "https://h/a/**", "https://h/ab")]
    [InlineData("net.fetch", "https://h/a/**", "https://h/a/%2e%2e/b")]
    [InlineData("net.fetch", "https://h/a/**", "https://h/a/..%2Fb")]
    [InlineData("net.fetch", "https://h/a/**", "https://h/a/%2e%2e%2fb")]
    [InlineData("net.fetch", "https://h/a/**", "https://h/b?/a/x")]
    [InlineData("net.fetch", "https://h/**", "http://h/a")]
    [InlineData("net.fetch", "https://h/**", "https://h:444/a")]
    [InlineData("net.fetch", "https://h/**", "https://h.evil.com/a")]
    [InlineData("net.fetch", "https://h/**", "https://h@evil.com/a")]
    [InlineData("net.fetch", "https://h/**", "https://x@h/a")]
    [InlineData("net.fetch", "https://h/**", "https://evil.com/https://h/a")]
    [InlineData("net.fetch", "https://h/**", "https://evil.com?https://h/a")]
    [InlineData("net.fetch", "https://h/**", "h/a")]
    [InlineData("net.fetch", "https://h/**", "//h/a")]
    [InlineData("net.fetch", "https://h/a", "https://h/a?x=1")]
    [InlineData("net.fetch", "https://h/a*b", "https://h/a?x=b")]
    [InlineData("net.fetch", "https://h/*/b", "https://h/a?x=/b")]
    [InlineData("net.fetch", "https://h/*?", "https://h/a?x")]
    [InlineData("net.fetch", "https://*.example.com/**", "https://example.com/x")]
    [InlineData("net.fetch", "https://*.example.com/**", "https://evil.com/.example.com/x")]
    [InlineData("net.fetch", "https://*.example.com/**", "https://evil.com#.example.com/x")]
    [InlineData("net.fetch", "https://*.example.com/**", "https://evil.com\\.example.com/x")]
    [InlineData("net.fetch", "https://*.example.com/**", "https://a.example.com./x")]
    [InlineData("net.fetch", "https://example.com/**", "https://example.com./x")]
    [InlineData("net.fetch", "https://example.com**", "https://evil.com/example.com")]
    [InlineData("net.fetch", "**example.com/**", "https://evil.com/example.com/")]
    [InlineData("net.fetch", "example.com/**", "https://example.com/a")]
    [InlineData("net.fetch", "*", "https://h/")]
    [InlineData("net.fetch", "**", "file:///etc/passwd")]
    [InlineData("net.fetch", "**", "/etc/passwd")]
    [InlineData("tool.call", "search.*", "search")]
    [InlineData("tool.call", "search.*", "search.a/b")]
    [InlineData("tool.call", "**", "")]
    [InlineData("agent.delegate", "worker", "worker@1.0.0")]
    [InlineData("model.use", "openai/*", "openai/a/../b")]
    public void Is_denied(string name, string pattern, string target)
    {
        Of(name, pattern).Allows(name, target).Should().BeFalse();
    }

    [Fact]
    public void A_namespace_allows_what_any_of_its_patterns_covers_and_nothing_of_another_namespace()
    {
        CompiledLease lease = CompiledLease.Compile(new Lease([new("fs.read", ["/a", "/b/**"]), new("model.use", []), new("cost.budget", ["USD:5", "USD:1"])]));

        lease.Allows("fs.read", "/b/c").Should().BeTrue();
        lease.Allows("fs.write", "/b/c").Should().BeFalse();
        lease.Allows("model.use", "m").Should().BeFalse();
        lease.Allows("cost.budget", "USD:5").Should().BeFalse();
        lease.Allows("nothing", "/a").Should().BeFalse();
        lease.Names("model.use").Should().BeTrue();
        lease.Names("cost.budget").Should().BeTrue();
        lease.Names("fs.write").Should().BeFalse();
        lease.Budgets.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 6 });
        CompiledLease.Empty.Budgets.Should().BeNull();
        CompiledLease.Empty.Allows("fs.read", "/a").Should().BeFalse();
    }

    [Fact]
    public void A_lease_with_an_error_does_not_compile()
    {
        var lease = new Lease([new("fs.read", ["/../etc"])]);
        Action compile = () => CompiledLease.Compile(lease);

        LeaseGrammar.FindError(lease).Should().Contain("'/../etc'").And.Contain("'fs.read'").And.Contain("out of its root");
        compile.Should().Throw<ArgumentException>().WithMessage(LeaseGrammar.FindError(lease) + "*");
    }

    [Fact]
    [Trait("Section", "9.4")]
    public void A_child_within_its_parent_has_no_excess()
    {
        CompiledLease parent = CompiledLease.Compile(new Lease([
            new("fs.read", ["/data/**", "/etc/hosts"]), new("net.fetch", ["https://*.example.com/**"]), new("tool.call", ["search.*"]), new("cost.budget", ["USD:1"])]));
        CompiledLease child = CompiledLease.Compile(new Lease([
            new("fs.read", ["/etc/hosts", "/data/x/*", "/data/y/../z"]), new("net.fetch", ["HTTPS://API.example.com:443/v1/*"]), new("fs.write", []), new("cost.budget", ["USD:9"])]));

        parent.FindExcess(child).Should().BeNull();
        parent.FindExcess(parent).Should().BeNull();
        parent.FindExcess(CompiledLease.Empty).Should().BeNull();
    }

    [Theory]
    [Trait("Section", "9.4")]
    [InlineData("fs.read", "/data-evil/**")]
    [InlineData("fs.read", "/data/../etc/**")]
    [InlineData("fs.read", "**")]
    [InlineData("fs.write", "/data/x")]
    [InlineData("net.fetch", "https://example.com/**")]
    [InlineData("x-vendor.acme", "a")]
    public void A_pattern_beyond_the_parent_is_named(string name, string pattern)
    {
        CompiledLease parent = CompiledLease.Compile(new Lease([new("fs.read", ["/data/**"]), new("net.fetch", ["https://*.example.com/**"])]));
        CompiledLease child = CompiledLease.Compile(new Lease([new("fs.read", ["/data/x"]), .. name == "fs.read" ? [] : new[] { KeyValuePair.Create<string, IReadOnlyList<string>>(name, [pattern]) }]));
        child = name == "fs.read" ? Of(name, "/data/x", pattern) : child;

        parent.FindExcess(child).Should().Contain($"'{pattern}'").And.Contain($"'{name}'");
    }

    [Fact]
    [Trait("Section", "9.4")]
    public void A_pattern_that_only_several_of_the_parents_cover_together_goes_beyond()
    {
        Of("tool.call", "**/a", "**/*", "a").FindExcess(Of("tool.call", "**")).Should().BeNull();
        Of("fs.read", "/a", "/a/*/**").FindExcess(Of("fs.read", "/a/**")).Should().NotBeNull();
    }

    [Fact]
    public void A_typical_check_allocates_nothing()
    {
        CompiledLease lease = CompiledLease.Compile(new Lease([
            new("fs.read", ["/etc/hosts", "/data/**"]), new("net.fetch", ["https://a.example.com/**", "https://*.example.org/v1/*"]), new("tool.call", ["a.*", "search.*"])]));
        string longPath = "/data/" + new string('a', 5_000);
        int allowed = 0;
        void Check()
        {
            allowed += lease.Allows("fs.read", "/data/x/../y/report.csv") ? 1 : 0;
            allowed += lease.Allows("fs.read", longPath) ? 1 : 0;
            allowed += lease.Allows("fs.read", "/etc/../../x") ? 0 : 1;
            allowed += lease.Allows("net.fetch", "https://API.example.org:443/v1/é%2e?q=1") ? 1 : 0;
            allowed += lease.Allows("tool.call", "search.web") ? 1 : 0;
            allowed += lease.Allows("model.use", "m") ? 0 : 1;
        }

        Check();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Check();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
        allowed.Should().Be(606);
    }

    [Fact]
    [Trait("Section", "14")]
    public void The_largest_leases_of_hostile_patterns_are_compared_in_the_end()
    {
        string[] Hostile(string end) => [.. Enumerable.Repeat(string.Concat(Enumerable.Repeat("**/a*a/", 512))[..^1] + end, 16)];
        CompiledLease parent = Of("tool.call", Hostile("b"));

        parent.FindExcess(Of("tool.call", Hostile("c"))).Should().NotBeNull();
        parent.FindExcess(Of("tool.call", Hostile("b"))).Should().BeNull();
    }

    private static CompiledLease Of(string name, params string[] patterns) => CompiledLease.Compile(new Lease([new(name, patterns)]));
}
