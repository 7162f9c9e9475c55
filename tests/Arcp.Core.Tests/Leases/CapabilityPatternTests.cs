using Arcp.Core.Leases;

namespace Arcp.Core.Tests.Leases;

/// <summary>Which targets a pattern covers, and which other patterns; targets here are in their normal form.</summary>
[Trait("Section", "9")]
public sealed class CapabilityPatternTests
{
    [Theory]
    [InlineData("a", "a")]
    [InlineData("*", "")]
    [InlineData("*", "a")]
    [InlineData("**", "")]
    [InlineData("**", "a")]
    [InlineData("**", "a/b")]
    [InlineData("**", "/")]
    [InlineData("a*", "a")]
    [InlineData("a*", "abc")]
    [InlineData("*a", "a")]
    [InlineData("*a", "aaa")]
    [InlineData("a*c", "abcbc")]
    [InlineData("*a*b*", "xxabxx")]
    [InlineData("search.*", "search.web")]
    [InlineData("openai/*", "openai/gpt-4")]
    [InlineData("a/**", "a")]
    [InlineData("a/**", "a/")]
    [InlineData("a/**", "a/b/c")]
    [InlineData("**/b", "b")]
    [InlineData("**/b", "a/b")]
    [InlineData("**/b", "b/x/b")]
    [InlineData("a/**/b", "a/b")]
    [InlineData("a/**/b", "a/x/y/b")]
    [InlineData("a/**/b/**/c", "a/b/b/x/c")]
    [InlineData("**/a/*/b", "a/a/x/b")]
    [InlineData("**/**", "a")]
    [InlineData("**/*", "a")]
    [InlineData("*/**", "a/b/c")]
    [InlineData("*/**/*", "a/b")]
    [InlineData("a**b", "ab")]
    [InlineData("a**b", "axb")]
    [InlineData("***", "a")]
    [InlineData("a/***", "a/b")]
    [InlineData("a//b", "a//b")]
    [InlineData("a/*/b", "a//b")]
    [InlineData("worker@*", "worker@1.0.0")]
    [InlineData("a.b", "a.b")]
    [InlineData("a+(b)[c]?", "a+(b)[c]?")]
    [InlineData("日*", "日本")]
    [InlineData("*\U0001F600", "x\U0001F600")]
    public void A_pattern_covers(string pattern, string target)
    {
        Name(pattern).Matches(target).Should().BeTrue();
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("a", "A")]
    [InlineData("a", "aa")]
    [InlineData("a", "")]
    [InlineData("a.b", "axb")]
    [InlineData("a?", "ab")]
    [InlineData("[ab]", "a")]
    [InlineData("*", "/")]
    [InlineData("*", "a/b")]
    [InlineData("a*", "a/b")]
    [InlineData("a*", "ba")]
    [InlineData("*a", "ab")]
    [InlineData("a*b", "a/b")]
    [InlineData("a*c", "abcb")]
    [InlineData("openai/*", "openai")]
    [InlineData("openai/*", "openai/gpt/4")]
    [InlineData("a/**", "ab")]
    [InlineData("a/**", "a-evil/b")]
    [InlineData("a/**", "b/a")]
    [InlineData("**/b", "ab")]
    [InlineData("**/b", "b/a")]
    [InlineData("a/**/b", "a")]
    [InlineData("a/**/b", "axb")]
    [InlineData("a/**/b", "a/xb")]
    [InlineData("*/**/*", "a")]
    [InlineData("**/a/*/b", "a/b")]
    [InlineData("a**b", "a/b")]
    [InlineData("a/***", "a/b/c")]
    [InlineData("***", "a/b")]
    [InlineData("worker", "worker@1.0.0")]
    [InlineData("a/b", "a//b")]
    [InlineData("é", "e\u0301")]
    public void A_pattern_does_not_cover(string pattern, string target)
    {
        Name(pattern).Matches(target).Should().BeFalse();
    }

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a*b", "a*b")]
    [InlineData("a*", "a*b")]
    [InlineData("a*", "a**b")]
    [InlineData("*.example.com", "*.api.example.com")]
    [InlineData("*.example.com", "api.example.com")]
    [InlineData("*a*", "*a*a*")]
    [InlineData("/data/**", "/data")]
    [InlineData("/data/**", "/data/x")]
    [InlineData("/data/**", "/data/*")]
    [InlineData("/data/**", "/data/x/*")]
    [InlineData("/data/**", "/data/**")]
    [InlineData("/data/**", "/data/x/**/y")]
    [InlineData("/data/**", "/data/**/**")]
    [InlineData("/data/*", "/data/x*")]
    [InlineData("**", "**")]
    [InlineData("**", "*")]
    [InlineData("**", "/a/**/b*")]
    [InlineData("*/**", "**")]
    [InlineData("**/*", "*/**")]
    [InlineData("*/**", "**/*")]
    [InlineData("*/**", "**/a/**")]
    [InlineData("**/*/*", "a/**/b")]
    [InlineData("**/b", "a/**/b")]
    [InlineData("**/b", "**/a/b")]
    [InlineData("a/**/b", "a/b")]
    [InlineData("a/**/b", "a/**/b/b")]
    [InlineData("a/**/c", "a/**/b/**/c")]
    [InlineData("**/a/**", "a/**")]
    [InlineData("**/a*/**", "**/ab/**")]
    [InlineData("***", "*")]
    public void A_pattern_includes(string pattern, string other)
    {
        Name(pattern).Includes(Name(other)).Should().BeTrue();
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("a", "a*")]
    [InlineData("a", "*")]
    [InlineData("a*b", "a*")]
    [InlineData("a*b", "*b")]
    [InlineData("a*a", "a")]
    [InlineData("*.example.com", "*example.com")]
    [InlineData("*.example.com", "example.com")]
    [InlineData("/data/*", "/data/**")]
    [InlineData("/data/*", "/data")]
    [InlineData("/data/*", "/data/*/*")]
    [InlineData("/data/**", "/data*/**")]
    [InlineData("/data/**", "/data-evil/**")]
    [InlineData("/data/**", "/**")]
    [InlineData("/data/**", "**/data/**")]
    [InlineData("/data/**", "**")]
    [InlineData("*", "**")]
    [InlineData("*/*/**", "**")]
    [InlineData("a/*/**", "a/**")]
    [InlineData("a/**/b", "a/**")]
    [InlineData("a/**/b", "**/b")]
    [InlineData("a/**/b/c", "a/**/b/**/c")]
    [InlineData("**/a/b/**", "a/**/b")]
    [InlineData("**/a/*/b", "a/**/b")]
    [InlineData("**/b", "**/b/**")]
    public void A_pattern_does_not_include(string pattern, string other)
    {
        Name(pattern).Includes(Name(other)).Should().BeFalse();
    }

    [Theory]
    [InlineData("https://h/**", "https://h/a?x=1", true)]
    [InlineData("https://h/a*", "https://h/a?x=1", true)]
    [InlineData("https://h/**", "https://h/*?x=*", true)]
    [InlineData("https://h/a?*", "https://h/a", true)]
    [InlineData("https://h/a?*", "https://h/a?x*", true)]
    [InlineData("https://h/a?x=*", "https://h/a?x=1&y=*", true)]
    [InlineData("https://h/a", "https://h/a?x=1", false)]
    [InlineData("https://h/a", "https://h/a?*", false)]
    [InlineData("https://h/a?x=*", "https://h/a?*", false)]
    [InlineData("https://h/a?x=*", "https://h/a", false)]
    [InlineData("https://h/*?", "https://h/*", false)]
    [InlineData("https://*.example.com/**", "https://api.example.com/v1/*", true)]
    [InlineData("https://*.example.com/**", "https://*.api.example.com/**", true)]
    [InlineData("https://*.example.com/**", "https://example.com/**", false)]
    [InlineData("https://*.example.com/**", "https://*/**", false)]
    [InlineData("https://*.example.com/**", "http://api.example.com/**", false)]
    [InlineData("**", "https://h/**", true)]
    [InlineData("https://**", "https://h/**", true)]
    [InlineData("https://**", "https://*/x?y", true)]
    [InlineData("https://H:443/a/../b/**", "https://h/b/%63", true)]
    public void Inclusion_of_URLs_looks_at_the_normal_form_and_at_the_query(string pattern, string other, bool expected)
    {
        Url(pattern).Includes(Url(other)).Should().Be(expected);
    }

    [Fact]
    public void Patterns_of_different_kinds_include_nothing_of_each_other()
    {
        Name("**").Includes(Url("**")).Should().BeFalse();
        Url("**").Includes(Name("**")).Should().BeFalse();
    }

    [Fact]
    public void A_pattern_shows_what_was_given_and_its_normal_form()
    {
        CapabilityPattern pattern = Url("HTTPS://H:443//a/%7e");

        pattern.ToString().Should().Be("HTTPS://H:443//a/%7e");
        pattern.Text.Should().Be("https://h/a/~");
    }

    [Theory]
    [InlineData("*a", 2)]
    [InlineData("*a*", 2)]
    [InlineData("**/a/", 5)]
    [InlineData("a/*/", 4)]
    [InlineData("*/**/", 5)]
    [Trait("Section", "14")]
    public void Hostile_patterns_are_decided_in_the_product_of_the_lengths(string part, int length)
    {
        // Backtracking into every wildcard would take longer than anybody waits.
        string hostile = string.Concat(Enumerable.Repeat(part, LeaseGrammar.MaxPatternLength / length))[..^1] + "b";
        string target = string.Concat(Enumerable.Repeat(part.Contains('/', StringComparison.Ordinal) ? "a/" : "a", 20_000)) + "c";

        Name(hostile).Matches(target).Should().BeFalse();
        Name(hostile).Includes(Name(hostile[..^1] + "c")).Should().BeFalse();
        Name(hostile).Includes(Name(hostile)).Should().BeTrue();
    }

    private static CapabilityPattern Name(string pattern) => CapabilityPattern.Parse(LeaseNamespaces.ToolCall, pattern);

    private static CapabilityPattern Url(string pattern) => CapabilityPattern.Parse(LeaseNamespaces.NetFetch, pattern);
}
