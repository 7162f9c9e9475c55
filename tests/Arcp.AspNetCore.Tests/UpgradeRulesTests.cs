using System.Net;
using Microsoft.Extensions.Primitives;

namespace Arcp.AspNetCore.Tests;

/// <summary>The rules for addresses and schemes that a test machine cannot connect with; <see cref="UpgradeTests"/> has those that it can.</summary>
[Trait("Section", "4")]
public sealed class UpgradeRulesTests
{
    [Theory]
    [InlineData("127.0.0.1", "evil.example", false)]
    [InlineData("127.0.0.5", "evil.example", false)]
    [InlineData("::1", "evil.example", false)]
    [InlineData("::ffff:127.0.0.1", "evil.example", false)]
    [InlineData("::ffff:127.0.0.1", "localhost", true)]
    [InlineData("192.0.2.1", "evil.example", true)]
    [InlineData("2001:db8::1", "evil.example", true)]
    [InlineData(null, "evil.example", true)] // a Unix socket: no web page can reach it
    public void A_host_must_be_a_loopback_name_only_when_the_connection_came_to_a_loopback_address(string? localAddress, string host, bool isAccepted) =>
        (Find(new(), localAddress, host) is null).Should().Be(isAccepted);

    [Fact]
    public void An_allow_list_holds_on_every_address()
    {
        var options = new ArcpEndpointOptions { AllowedHosts = { "agents.example" } };
        Find(options, "192.0.2.1", "agents.example").Should().BeNull();
        Find(options, "127.0.0.1", "agents.example:8080").Should().BeNull();
        Find(options, "192.0.2.1", "other.example").Should().NotBeNull();
        Find(options, "127.0.0.1", "localhost").Should().NotBeNull("a list says all there is");
    }

    [Theory]
    [InlineData("https", "example.com", "https://example.com", true)]
    [InlineData("https", "example.com:443", "https://example.com", true)]
    [InlineData("https", "example.com", "https://EXAMPLE.com:443", true)]
    [InlineData("https", "example.com", "http://example.com", false)]
    [InlineData("https", "example.com", "https://example.com:444", false)]
    [InlineData("https", "example.com:8443", "https://example.com:8443", true)]
    [InlineData("https", "example.com:8443", "https://example.com", false)]
    [InlineData("http", "example.com:80", "http://example.com", true)]
    [InlineData("http", "example.com:443", "https://example.com:443", false)]
    [InlineData("http", "[2001:db8::1]:80", "http://[2001:DB8:0::1]", true)]
    public void The_same_origin_is_the_same_scheme_host_and_port(string scheme, string host, string origin, bool isAccepted) =>
        (Find(new(), "192.0.2.1", host, origin, scheme) is null).Should().Be(isAccepted);

    [Theory]
    [InlineData("chrome-extension://abcdef", true)]
    [InlineData("https://app.example", true)]
    [InlineData("https://app.example:443", true)]
    [InlineData("https://app.example:444", false)]
    [InlineData("http://app.example", false)]
    [InlineData("https://app.example.evil.example", false)]
    [InlineData("null", false)]
    public void An_origin_may_be_listed(string origin, bool isAccepted)
    {
        var options = new ArcpEndpointOptions { AllowedOrigins = { "https://APP.example", "chrome-extension://abcdef" } };
        (Find(options, "192.0.2.1", "example.com", origin) is null).Should().Be(isAccepted);
    }

    [Fact]
    public void Two_origins_are_none() =>
        Find(new(), "192.0.2.1", "example.com", new StringValues(["http://example.com", "http://example.com"])).Should().NotBeNull();

    [Theory]
    [InlineData("http://localhost")]
    [InlineData("*")]
    [InlineData("")]
    [InlineData("example.com:http")]
    [InlineData("bücher.example")]
    [InlineData("*.[::1]")]
    [InlineData("exa*mple.com")]
    public void A_wrong_allowed_host_is_reported(string host) =>
        new ArcpEndpointOptions { AllowedHosts = { "fine.example", host } }.FindErrors().Should().ContainSingle().Which.Should().Contain($"'{host}'").And.Contain("accepted are");

    [Theory]
    [InlineData("https://example.com/")]
    [InlineData("https://example.com/path")]
    [InlineData("example.com")]
    [InlineData("null")]
    [InlineData("*")]
    [InlineData("https://")]
    [InlineData("://example.com")]
    [InlineData("https://user@example.com")]
    public void A_wrong_allowed_origin_is_reported(string origin) =>
        new ArcpEndpointOptions { AllowedOrigins = { "https://fine.example", origin } }.FindErrors().Should().ContainSingle().Which.Should().Contain($"'{origin}'").And.Contain("accepted are");

    private static string? Find(ArcpEndpointOptions options, string? localAddress, string host, StringValues origin = default, string scheme = "http") =>
        new UpgradeRules(options).FindRefusal(localAddress is null ? null : IPAddress.Parse(localAddress), scheme, host, origin);
}
