namespace Arcp.AspNetCore.Tests;

[Trait("Section", "4")]
public sealed class HostAndPortTests
{
    [Theory]
    [InlineData("localhost", "localhost", null)]
    [InlineData("LocalHost:80", "localhost", 80)]
    [InlineData("localhost.:80", "localhost", 80)]
    [InlineData("example.com:", "example.com", null)]
    [InlineData("127.0.0.1:65535", "127.0.0.1", 65535)]
    [InlineData("[::1]", "[::1]", null)]
    [InlineData("[::1]:8080", "[::1]", 8080)]
    [InlineData("[0:0:0:0:0:0:0:1]:8080", "[::1]", 8080)]
    public void A_host_is_read_into_a_form_that_compares(string text, string name, int? port)
    {
        HostAndPort.TryParse(text, out HostAndPort host).Should().BeTrue();
        host.Should().Be(new HostAndPort(name, port));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData(":80")]
    [InlineData("::1")]
    [InlineData("[::1")]
    [InlineData("[::1]x")]
    [InlineData("[::1]:80:90")]
    [InlineData("[::1%1]")]
    [InlineData("[127.0.0.1]")]
    [InlineData("localhost:65536")]
    [InlineData("localhost:-1")]
    [InlineData("localhost: 80")]
    [InlineData("localhost:80@evil.example")]
    [InlineData("localhost/")]
    [InlineData("localhost evil.example")]
    [InlineData("user@localhost")]
    [InlineData(".localhost")]
    [InlineData("a..localhost")]
    [InlineData("lоcalhost")] // a Cyrillic letter
    public void What_is_no_host_is_refused(string text) => HostAndPort.TryParse(text, out _).Should().BeFalse();

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("app.localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.255.255.254", true)]
    [InlineData("[::1]", true)]
    [InlineData("[::ffff:127.0.0.1]", true)]
    [InlineData("notlocalhost", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    [InlineData("127.1", false)]
    [InlineData("0x7f.0.0.1", false)]
    [InlineData("2130706433", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("128.0.0.1", false)]
    [InlineData("[::2]", false)]
    [InlineData("[fe80::1]", false)]
    public void Loopback_names_are_those_that_no_name_server_decides(string text, bool isLoopback)
    {
        HostAndPort.TryParse(text, out HostAndPort host).Should().BeTrue();
        host.IsLoopback.Should().Be(isLoopback);
    }

    [Theory]
    [InlineData("example.com", "example.com", true)]
    [InlineData("example.com", "EXAMPLE.com.:99", true)]
    [InlineData("example.com", "www.example.com", false)]
    [InlineData("example.com:99", "example.com:99", true)]
    [InlineData("example.com:99", "example.com", false)]
    [InlineData("example.com:99", "example.com:98", false)]
    [InlineData("*.example.com", "www.example.com:99", true)]
    [InlineData("*.example.com", "a.b.example.com", true)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com", "evilexample.com", false)]
    [InlineData("*.example.com:99", "www.example.com:99", true)]
    [InlineData("*.example.com:99", "www.example.com", false)]
    [InlineData("[::1]:99", "[0::1]:99", true)]
    public void A_listed_host_matches_itself_or_its_sub_domains(string pattern, string host, bool matches)
    {
        HostPattern.TryParse(pattern, out HostPattern parsed).Should().BeTrue();
        HostAndPort.TryParse(host, out HostAndPort named).Should().BeTrue();
        parsed.Matches(named).Should().Be(matches);
    }
}
