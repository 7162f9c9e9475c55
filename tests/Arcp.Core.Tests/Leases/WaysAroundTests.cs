using Arcp.Core.Leases;

namespace Arcp.Core.Tests.Leases;

/// <summary>Spellings and patterns by which a target could slip past a lease that was not meant for it.</summary>
[Trait("Section", "9")]
public class WaysAroundTests
{
    [Theory]
    [InlineData("https://h/*.txt", "https://h/secret.db?.txt", false)]
    [InlineData("https://h/a*b", "https://h/a?x=b", false)]
    [InlineData("https://h/*/public", "https://h/admin?/public", false)]
    [InlineData("https://h/**/public", "https://h/admin/delete?x=/public", false)]
    [InlineData("https://h/**/public", "https://h/x/public?y=1", false)]
    [InlineData("**/public", "https://h/admin?/public", false)]
    [InlineData("https://h/a/**", "https://h/a?x=/../y", true)]
    [InlineData("https://h/a/**", "https://h/a/b?x=/../y?z", true)]
    [InlineData("https://h/a*", "https://h/a?x=1", true)]
    [InlineData("https://h/*/b*", "https://h/a/b?x=1", true)]
    [InlineData("https://h/*?x=*", "https://h/a?x=1", true)]
    [InlineData("https://h/*?x=*", "https://h/a?y=?x=1", false)]
    [InlineData("https://h/a?x=**", "https://h/a?x=1/2", true)]
    [InlineData("https://**", "https://h/a?x=/", true)]
    [InlineData("**", "https://h/a?x=/", true)]
    public void A_wildcard_of_the_path_does_not_reach_into_the_query(string pattern, string target, bool isAllowed) =>
        Allows(LeaseNamespaces.NetFetch, pattern, target).Should().Be(isAllowed);

    [Theory]
    [InlineData("https://**.example.com/**")]
    [InlineData("https://example.com**")]
    [InlineData("https://h**:80/")]
    [InlineData("**.example.com/**")]
    [InlineData("**example.com")]
    public void A_pattern_whose_host_would_reach_into_the_path_is_refused(string pattern) =>
        LeaseGrammar.FindError(new Lease([new(LeaseNamespaces.NetFetch, [pattern])])).Should().Contain(pattern).And.Contain("within a host");

    [Theory]
    [InlineData("https://h/a/**", "https://h/a//../b")]
    [InlineData("https://h/a/**", "https://h/a//x/../../b")]
    [InlineData("https://h/a/**", "https://h/a//%2e%2e/b")]
    [InlineData("https://h/a/**", "https://h/a/%2f../b")]
    [InlineData("https://h/a/**", "https://h/a/..;/b")]
    [InlineData("https://h/a/**", "https://h/a/..;x=1/b")]
    [InlineData("https://h/a/**", "https://h/a/%2e%2e;/b")]
    [InlineData("https://h/a/**", "https://h/a/x%2f..;/b")]
    [InlineData("https://*.h/**", "https://evil:.h/")]
    [InlineData("https://*.h/**", "https://evil:443.h/")]
    [InlineData("https://*.h/**", "https://[evil].h/")]
    [InlineData("https://*.h/**", "https://evil]:443.h/")]
    [InlineData("https://*.h/**", "https://[::1.h/")]
    [InlineData("https://h:*/**", "https://h:8443:80/")]
    public void What_servers_or_clients_read_differently_is_denied(string pattern, string target) =>
        Allows(LeaseNamespaces.NetFetch, pattern, target).Should().BeFalse();

    [Theory]
    [InlineData("*/etc", "/etc", false)]
    [InlineData("*/**", "/etc/passwd", false)]
    [InlineData("*", "/", false)]
    [InlineData("*", ".", false)]
    [InlineData("*/etc", "a/etc", true)]
    [InlineData("a/**", "a", true)]
    [InlineData("a/**", "./a/b/", true)]
    [InlineData("**/etc", "/a/etc", true)]
    [InlineData("**/etc", "a/etc", true)]
    [InlineData("**", ".", true)]
    [InlineData("/**", "etc", false)]
    public void A_relative_pattern_is_for_relative_paths(string pattern, string target, bool isAllowed) =>
        Allows(LeaseNamespaces.FsRead, pattern, target).Should().Be(isAllowed);

    private static bool Allows(string name, string pattern, string target) =>
        CompiledLease.Compile(new Lease([new(name, [pattern])])).Allows(name, target);
}
