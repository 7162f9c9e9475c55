using Arcp.Core.Leases;

namespace Arcp.Core.Tests.Leases;

/// <summary>The one spelling of paths and URLs, and what has none.</summary>
[Trait("Section", "9")]
public sealed class TargetTextTests
{
    [Theory]
    [InlineData("/", "")]
    [InlineData("//", "")]
    [InlineData("/.", "")]
    [InlineData("/a/..", "")]
    [InlineData("/a", "/a")]
    [InlineData("/a/", "/a")]
    [InlineData("//a///b//", "/a/b")]
    [InlineData("/a/./b/.", "/a/b")]
    [InlineData("/a/b/../c", "/a/c")]
    [InlineData("/a/b/../../c/..", "")]
    [InlineData("/a/...", "/a/...")]
    [InlineData("/a/..b", "/a/..b")]
    [InlineData("/a/.b", "/a/.b")]
    [InlineData("/a/%2e%2e/b", "/a/%2e%2e/b")]
    [InlineData("/A/ b\t", "/A/ b\t")]
    [InlineData("/日/\U0001F600", "/日/\U0001F600")]
    [InlineData("a", "./a")]
    [InlineData("./a", "./a")]
    [InlineData("a/../b", "./b")]
    [InlineData(".", ".")]
    [InlineData("a/..", ".")]
    [InlineData("~/a", "./~/a")]
    [InlineData("C:/a", "./C:/a")]
    [InlineData("**/a", "./**/a")]
    public void A_path_has_one_spelling(string path, string expected)
    {
        Normal(TargetKind.Path, path).Should().Be(expected);
    }

    [Theory]
    [InlineData("/..", "out of its root")]
    [InlineData("/../a", "out of its root")]
    [InlineData("/a/../..", "out of its root")]
    [InlineData("/a/../../a", "out of its root")]
    [InlineData("..", "out of its root")]
    [InlineData("../a", "out of its root")]
    [InlineData("a/../../a", "out of its root")]
    [InlineData("/a\\..\\b", "backslash")]
    [InlineData("C:\\a", "backslash")]
    [InlineData("/a\0", "NUL")]
    public void A_path_without_a_safe_spelling_is_none(string path, string problem)
    {
        Problem(TargetKind.Path, path, isPattern: false).Should().Contain(problem);
        Problem(TargetKind.Path, path, isPattern: true).Should().Contain(problem);
    }

    [Theory]
    [InlineData("/data/../etc/**", "/etc/**")]
    [InlineData("/data//x/", "/data/x")]
    [InlineData("*", "./*")]
    [InlineData("./**", "./**")]
    [InlineData("**", "**")]
    [InlineData("**/", "**")]
    [InlineData("**/a/../b", "**/b")]
    [InlineData("**a", "./**a")]
    public void A_path_pattern_has_one_spelling(string pattern, string expected)
    {
        Normal(TargetKind.Path, pattern, isPattern: true).Should().Be(expected);
    }

    [Theory]
    [InlineData("/a/*/../b", "behind a wildcard")]
    [InlineData("/a/**/../b", "behind a wildcard")]
    [InlineData("/a*/../b", "behind a wildcard")]
    [InlineData("**/..", "out of its root")]
    [InlineData("**/a/../..", "out of its root")]
    public void A_path_pattern_without_a_clear_meaning_is_none(string pattern, string problem)
    {
        Problem(TargetKind.Path, pattern, isPattern: true).Should().Contain(problem);
    }

    [Theory]
    [InlineData("https://h", "https://h")]
    [InlineData("https://h/", "https://h")]
    [InlineData("HTTPS://Api.Example.COM/A", "https://api.example.com/A")]
    [InlineData("https://h:443/a", "https://h/a")]
    [InlineData("http://h:80/a", "http://h/a")]
    [InlineData("ws://h:80", "ws://h")]
    [InlineData("wss://h:0443", "wss://h")]
    [InlineData("https://h:80/a", "https://h:80/a")]
    [InlineData("http://h:443/a", "http://h:443/a")]
    [InlineData("ftp://h:80/a", "ftp://h:80/a")]
    [InlineData("https://h:/a", "https://h/a")]
    [InlineData("https://h:08080/a", "https://h:8080/a")]
    [InlineData("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a")]
    [InlineData("https://[::1]:8443/a", "https://[::1]:8443/a")]
    [InlineData("https://127.0.0.1/a", "https://127.0.0.1/a")]
    [InlineData("https://h./a", "https://h./a")]
    [InlineData("https://h/a/./b/", "https://h/a/b")]
    [InlineData("https://h//a///b", "https://h/a/b")]
    [InlineData("https://h/a/../b", "https://h/b")]
    [InlineData("https://h/a/%2e%2e/b", "https://h/b")]
    [InlineData("https://h/a/%2E./b", "https://h/b")]
    [InlineData("https://h/a/%2e/b", "https://h/a/b")]
    [InlineData("https://h/a%2fb", "https://h/a%2Fb")]
    [InlineData("https://h/a/%252e%252e/b", "https://h/a/%252e%252e/b")]
    [InlineData("https://h/a/...", "https://h/a/...")]
    [InlineData("https://h/%41%7e%2d%5f", "https://h/A~-_")]
    [InlineData("https://h/%3a%2a%c3%a9", "https://h/%3A%2A%C3%A9")]
    [InlineData("https://h/é日\U0001F600", "https://h/%C3%A9%E6%97%A5%F0%9F%98%80")]
    [InlineData("https://h/a;b=c", "https://h/a;b=c")]
    [InlineData("https://h/a@b:c", "https://h/a@b:c")]
    [InlineData("https://h/a#/../b", "https://h/a")]
    [InlineData("https://h#@evil", "https://h")]
    [InlineData("https://h/a?", "https://h/a?")]
    [InlineData("https://h/a?x=/../y#z", "https://h/a?x=/../y")]
    [InlineData("https://h?x=%41%2f", "https://h?x=A%2F")]
    [InlineData("https://h/a?x=100%&y=é", "https://h/a?x=100%25&y=%C3%A9")]
    [InlineData("https://h/a?u=\\", "https://h/a?u=\\")]
    [InlineData("https://h?@evil.com/", "https://h?@evil.com/")]
    public void A_URL_has_one_spelling(string url, string expected)
    {
        Normal(TargetKind.Url, url).Should().Be(expected);
        Normal(TargetKind.Url, expected).Should().Be(expected);
    }

    [Theory]
    [InlineData("h/a", "absolute")]
    [InlineData("/a", "absolute")]
    [InlineData("//h/a", "absolute")]
    [InlineData("mailto:a", "absolute")]
    [InlineData("https:/h/a", "absolute")]
    [InlineData("?x=https://h", "absolute")]
    public void A_target_that_is_no_absolute_URL_is_none(string url, string problem)
    {
        Problem(TargetKind.Url, url, isPattern: false).Should().Contain(problem);
    }

    [Theory]
    [InlineData("://h/a", "scheme")]
    [InlineData("1s://h/a", "scheme")]
    [InlineData("h ://h/a", "scheme", "blank")]
    [InlineData("httpſ://h/a", "scheme")]
    [InlineData("https:///a", "host")]
    [InlineData("https://", "host")]
    [InlineData("https://:443/a", "host")]
    [InlineData("https://[]/a", "host")]
    [InlineData("https://[::1/a", "host")]
    [InlineData("https://[::1%25eth0]/a", "host")]
    [InlineData("https://bücher.example/a", "host")]
    [InlineData("https://example。com/a", "host")]
    [InlineData("https://%65xample.com/a", "host")]
    [InlineData("https://allowed.com;.evil.com/a", "host")]
    [InlineData("https://user@h/a", "user information")]
    [InlineData("https://allowed.com@evil.com/", "user information")]
    [InlineData("https://allowed.com:443@evil.com/", "user information")]
    [InlineData("https://allowed.com:443:80/", "port")]
    [InlineData("https://[::1]x/a", "port")]
    [InlineData("https://h:65536/a", "port")]
    [InlineData("https://h:99999999999/a", "port")]
    [InlineData("https://h:-1/a", "port")]
    [InlineData("https://h:8a/a", "port")]
    [InlineData("https://allowed.com\\@evil.com/", "backslash")]
    [InlineData("https://allowed.com\\.evil.com/", "backslash")]
    [InlineData("https://h/a\\..\\b", "backslash")]
    [InlineData("https://h/a b", "blank")]
    [InlineData("https://h/.\t./b", "blank")]
    [InlineData("https://h/a?x=\n", "blank")]
    [InlineData("https://h/\u007f", "blank")]
    [InlineData(" https://h/a", "blank")]
    [InlineData("https://h/..", "out of its root")]
    [InlineData("https://h/a/../../b", "out of its root")]
    [InlineData("https://h/a/%2e%2e/%2E%2E/b", "out of its root")]
    [InlineData("https://h/a/%2e%2e%2fetc", "encoded separator")]
    [InlineData("https://h/a/..%2fb", "encoded separator")]
    [InlineData("https://h/a/..%2Fb", "encoded separator")]
    [InlineData("https://h/a/x%2f..", "encoded separator")]
    [InlineData("https://h/a/x%2f%2e%2e%2Fb", "encoded separator")]
    [InlineData("https://h/a/..%5cb", "encoded separator")]
    [InlineData("https://h/a/..;/b", "encoded separator")]
    [InlineData("https://h/a//../b", "empty segment")]
    [InlineData("https://h//a/../b", "empty segment")]
    [InlineData("https://h/a%", "percent")]
    [InlineData("https://h/%2", "percent")]
    [InlineData("https://h/%u002e", "percent")]
    public void A_URL_that_readers_could_understand_differently_is_none(string url, string problem, string? first = null)
    {
        Problem(TargetKind.Url, url, isPattern: false).Should().Contain(first ?? problem);
        Problem(TargetKind.Url, url, isPattern: true).Should().Contain(first ?? problem);
    }

    [Fact]
    public void A_URL_with_half_a_character_is_none()
    {
        // Not theory data: attributes hold no half characters.
        foreach (string url in new[] { "https://h/\ud800", "https://h/\udc00a", "https://h/a?\ud800" })
        {
            Problem(TargetKind.Url, url, isPattern: false).Should().Contain("character");
        }
    }

    [Theory]
    [InlineData("https://**", "https://**")]
    [InlineData("HTTP*://*.Example.com:*/a", "http*://*.example.com:*/a")]
    [InlineData("https://[*]:443/**", "https://[*]/**")]
    [InlineData("https://h/data/../etc/**", "https://h/etc/**")]
    [InlineData("https://h/a/*#x", "https://h/a/*")]
    [InlineData("https://h/a*?", "https://h/a*?")]
    [InlineData("**", "**")]
    [InlineData("*", "*")]
    [InlineData("example.com/**", "example.com/**")]
    public void A_URL_pattern_has_one_spelling(string pattern, string expected)
    {
        Normal(TargetKind.Url, pattern, isPattern: true).Should().Be(expected);
    }

    [Theory]
    [InlineData("https://h/*/../b", "behind a wildcard")]
    [InlineData("https://h/%*", "percent")]
    [InlineData("https://h:x*/a", "port")]
    [InlineData("https://*@h/a", "user information")]
    public void A_URL_pattern_without_a_clear_meaning_is_none(string pattern, string problem)
    {
        Problem(TargetKind.Url, pattern, isPattern: true).Should().Contain(problem);
    }

    [Fact]
    public void A_wildcard_in_a_target_is_no_wildcard_of_its_host()
    {
        Problem(TargetKind.Url, "https://*/a", isPattern: false).Should().Contain("host");
        Normal(TargetKind.Url, "https://h/*").Should().Be("https://h/*");
    }

    private static string Normal(TargetKind kind, string text, bool isPattern = false)
    {
        var buffer = new char[TargetText.Room(kind, text)];
        TargetText.Normalize(kind, text, isPattern, buffer, out int length).Should().BeNull();
        return new string(buffer, 0, length);
    }

    private static string? Problem(TargetKind kind, string text, bool isPattern) =>
        TargetText.Normalize(kind, text, isPattern, new char[TargetText.Room(kind, text)], out _);
}
