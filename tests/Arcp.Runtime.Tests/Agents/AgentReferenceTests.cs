using Arcp.Runtime.Agents;

namespace Arcp.Runtime.Tests.Agents;

[Trait("Section", "7.5")]
public class AgentReferenceTests
{
    [Theory]
    [InlineData("a", "a", null)]
    [InlineData("0", "0", null)]
    [InlineData("web-search_2.x", "web-search_2.x", null)]
    [InlineData("a@1", "a", "1")]
    [InlineData("a@1.10.0-rc.1+build_7", "a", "1.10.0-rc.1+build_7")]
    [InlineData("a@LATEST", "a", "LATEST")]
    public void Names_that_are_accepted(string text, string name, string? version)
    {
        AgentReference.TryParse(text, out AgentReference parsed).Should().BeTrue();
        parsed.Should().Be(new AgentReference(name, version));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("-a")]
    [InlineData(".a")]
    [InlineData("_a")]
    [InlineData("a b")]
    [InlineData(" a")]
    [InlineData("a\n")]
    [InlineData("ä")]
    [InlineData("a/b")]
    [InlineData("@1")]
    [InlineData("a@")]
    [InlineData("a@1@2")]
    [InlineData("a@1 2")]
    [InlineData("a@1\n")]
    [InlineData("a@ü")]
    [InlineData("a@*")]
    [InlineData("٣")]
    public void Names_that_are_not(string? text) => AgentReference.TryParse(text, out _).Should().BeFalse();
}
