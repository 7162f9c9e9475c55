using System.Net.Sockets;
using System.Net.WebSockets;
using Arcp.AspNetCore.Tests.Support;
using Arcp.Core.Transports;
using Arcp.Runtime.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.AspNetCore.Tests;

/// <summary>Which requests become connections, as bytes on a real socket.</summary>
[Trait("Section", "4")]
public sealed class UpgradeTests
{
    [Theory]
    [InlineData("localhost", 101)]
    [InlineData("localhost:PORT", 101)]
    [InlineData("LOCALHOST.:1", 101)]
    [InlineData("app.localhost:PORT", 101)]
    [InlineData("127.0.0.1:PORT", 101)]
    [InlineData("127.8.9.10", 101)]
    [InlineData("[::1]:PORT", 101)]
    [InlineData("[::1]", 101)]
    [InlineData("evil.example", 403)]
    [InlineData("evil.example:PORT", 403)]
    [InlineData("localhost.evil.example", 403)]
    [InlineData("127.0.0.1.evil.example", 403)]
    [InlineData("192.168.0.1:PORT", 403)]
    [InlineData("[::2]:PORT", 403)]
    [InlineData("", 403)]
    public async Task On_loopback_only_loopback_hosts_are_upgraded(string host, int status)
    {
        await using TestHost app = await TestHost.StartAsync();
        RawResponse response = await app.RequestUpgradeAsync(host.Replace("PORT", $"{app.Address.Port}", StringComparison.Ordinal));
        response.Status.Should().Be(status);
        if (status == 403)
        {
            response.Text.Should().NotContainEquivalentOf("Sec-WebSocket-Accept").And.NotContainEquivalentOf("Upgrade: websocket");
            app.Runtime.GetStatistics().Connections.Should().Be(0);
        }
    }

    [Theory]
    [InlineData("agents.example", 101)]
    [InlineData("agents.example:9", 101)]
    [InlineData("localhost", 403)]
    [InlineData("other.example", 403)]
    public async Task With_a_list_only_listed_hosts_are_upgraded(string host, int status)
    {
        await using TestHost app = await TestHost.StartAsync(options => options.AllowedHosts.Add("agents.example"));
        (await app.RequestUpgradeAsync(host)).Status.Should().Be(status);
    }

    [Theory]
    [InlineData("Origin: http://localhost:PORT", 101)]
    [InlineData("Origin: HTTP://LocalHost:PORT", 101)]
    [InlineData("Origin: https://listed.example", 101)]
    [InlineData("Origin: http://localhost", 403)]
    [InlineData("Origin: https://localhost:PORT", 403)]
    [InlineData("Origin: http://127.0.0.1:PORT", 403)]
    [InlineData("Origin: http://localhost:PORT/", 403)]
    [InlineData("Origin: http://evil.example:PORT", 403)]
    [InlineData("Origin: http://localhost:PORT@evil.example", 403)]
    [InlineData("Origin: http://localhost:PORT.evil.example", 403)]
    [InlineData("Origin: null", 403)]
    [InlineData("Origin:", 403)]
    [InlineData("Origin: http://localhost:PORT\r\nOrigin: https://listed.example", 403)]
    public async Task A_page_connects_only_from_its_own_or_a_listed_origin(string header, int status)
    {
        await using TestHost app = await TestHost.StartAsync(options => options.AllowedOrigins.Add("https://listed.example"));
        string host = $"localhost:{app.Address.Port}";
        RawResponse response = await app.RequestUpgradeAsync(host, header.Replace("PORT", $"{app.Address.Port}", StringComparison.Ordinal));
        response.Status.Should().Be(status);
    }

    [Fact]
    public async Task The_rules_hold_on_the_IPv6_loopback_too()
    {
        if (!Socket.OSSupportsIPv6)
        {
            return;
        }

        TestHost app;
        try
        {
            app = await TestHost.StartAsync(url: "http://[::1]:0");
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return; // this machine has no IPv6 loopback
        }

        await using (app)
        {
            (await app.RequestUpgradeAsync($"[::1]:{app.Address.Port}", $"Origin: http://[::1]:{app.Address.Port}")).Status.Should().Be(101);
            (await app.RequestUpgradeAsync("evil.example")).Status.Should().Be(403);
            await using WireClient client = await app.OpenAsync();
        }
    }

    [Fact]
    public async Task A_request_that_is_no_upgrade_is_told_what_is_needed()
    {
        await using TestHost app = await TestHost.StartAsync();
        RawResponse plain = await RawResponse.ToAsync(app.Address, ["GET /arcp HTTP/1.1", "Host: localhost"]);
        plain.Status.Should().Be(426);
        plain.Text.Should().Contain("Upgrade: websocket");
        (await RawResponse.ToAsync(app.Address, ["GET /arcp HTTP/1.1", "Host: evil.example"])).Status.Should().Be(403, "the host comes first");

        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.GetAsync(new Uri(app.Address, "/arcp"));
        (await answer.Content.ReadAsStringAsync()).Should().Contain("WebSocket");
    }

    [Theory]
    [InlineData("arcp.v1", true)]
    [InlineData("other, arcp.v1", true)]
    [InlineData("other", false)]
    [InlineData("ARCP.V1", false)]
    [InlineData(null, false)]
    public async Task The_sub_protocol_is_named_only_to_those_who_offer_it(string? offered, bool isNamed)
    {
        await using TestHost app = await TestHost.StartAsync();
        RawResponse response = await app.RequestUpgradeAsync("localhost", offered is null ? [] : [$"Sec-WebSocket-Protocol: {offered}"]);
        response.Status.Should().Be(101);
        response.Text.Contains("Sec-WebSocket-Protocol: arcp.v1\r\n", StringComparison.Ordinal).Should().Be(isNamed);
        response.Text.Contains("Sec-WebSocket-Protocol", StringComparison.OrdinalIgnoreCase).Should().Be(isNamed);
    }

    [Fact]
    public async Task A_client_that_offers_no_sub_protocol_gets_a_session()
    {
        await using TestHost app = await TestHost.StartAsync();
        using CancellationTokenSource patience = Patience.New();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(app.Endpoint, patience.Token);
        socket.SubProtocol.Should().BeNull();
        await using var client = new WireClient(new WebSocketTransport(socket));
        await client.HelloAsync();
    }

    [Fact]
    public async Task An_application_that_uses_web_sockets_itself_is_not_disturbed()
    {
        await using TestHost app = await TestHost.StartAsync(middleware: pipeline => pipeline.UseWebSockets());
        await using WireClient client = await app.OpenAsync();
        (await client.ReadJobAsync((await client.SubmitAsync("echo", 1)).JobId!))[^1].Type.Should().Be("job.result");
    }

    [Fact]
    public async Task Wrong_settings_are_reported_when_the_endpoint_is_mapped()
    {
        Func<Task> start = () => TestHost.StartAsync(options =>
        {
            options.AllowedHosts.Add("http://localhost");
            options.AllowedOrigins.Add("localhost");
            options.KeepAliveInterval = TimeSpan.FromSeconds(-1);
        });
        (await start.Should().ThrowAsync<InvalidOperationException>()).Which.Message
            .Should().Contain("'/arcp'").And.Contain("'http://localhost'").And.Contain("'localhost'").And.Contain("KeepAliveInterval");
    }

    [Fact]
    public void Without_a_runtime_the_endpoint_is_not_mapped()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        WebApplication app = builder.Build();
        Action map = () => app.MapArcp();
        map.Should().Throw<InvalidOperationException>().WithMessage("*AddArcpRuntime*");
    }
}
