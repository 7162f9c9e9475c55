using System.Security.Claims;
using System.Text.Encodings.Web;
using Arcp.AspNetCore.Tests.Support;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Tests.Support;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Arcp.AspNetCore.Tests;

/// <summary>Who a connection acts for.</summary>
[Trait("Section", "6.1")]
public sealed class AuthenticationTests
{
    [Theory]
    [InlineData(null, 401)]
    [InlineData("X-User: mallory", 403)]
    [InlineData("X-User: carol", 101)]
    public async Task A_policy_applies_to_the_endpoint(string? header, int status)
    {
        await using TestHost app = await StartWithUsersAsync(conventions: endpoint => endpoint.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireUserName("carol")));
        (await app.RequestUpgradeAsync("localhost", header is null ? [] : [header])).Status.Should().Be(status);
    }

    [Fact]
    public async Task The_principal_is_the_requests_user_whatever_the_hello_says()
    {
        await using TestHost app = await StartWithUsersAsync(options => options.UseHttpUser());
        await using WireClient client = await app.ConnectAsync(socket => socket.SetRequestHeader("X-User", "carol"));
        await client.HelloAsync("secret-a");
        (await WhoAmIAsync(client)).Should().Be("id-of-carol");
    }

    [Fact]
    public async Task A_request_without_a_user_is_left_to_the_hello()
    {
        await using TestHost app = await StartWithUsersAsync(options => options.UseHttpUser());
        await using WireClient client = await app.ConnectAsync();
        await client.HelloAsync("secret-a");
        (await WhoAmIAsync(client)).Should().Be("alice");

        await using WireClient other = await app.ConnectAsync();
        await other.SendAsync("session.hello", new { client = new { name = "x" } });
        (await other.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
    }

    [Fact]
    public async Task The_requests_user_counts_only_when_the_host_says_so()
    {
        await using TestHost app = await StartWithUsersAsync();
        await using WireClient client = await app.ConnectAsync(socket => socket.SetRequestHeader("X-User", "carol"));
        await client.SendAsync("session.hello", new { client = new { name = "x" } });
        (await client.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
    }

    [Fact]
    public async Task A_selector_that_fails_refuses_the_connection_before_the_upgrade()
    {
        await using TestHost app = await TestHost.StartAsync(options => options.PrincipalSelector = _ => throw new InvalidOperationException("secret"));
        RawResponse response = await app.RequestUpgradeAsync("localhost");
        response.Status.Should().Be(500);
        response.Text.Should().NotContain("secret");
    }

    [Fact]
    public async Task An_authenticator_can_look_at_the_request()
    {
        await using TestHost app = await TestHost.StartAsync(runtime: runtime => runtime.UseAuthenticator(new HeaderAuthenticator()));
        await using WireClient client = await app.ConnectAsync(socket => socket.SetRequestHeader("X-Tenant", "blue"));
        await client.HelloAsync("t");
        (await WhoAmIAsync(client)).Should().StartWith("blue/127.0.0.1:");
    }

    [Theory]
    [InlineData(new[] { ClaimTypes.NameIdentifier, "1", "sub", "2", ClaimTypes.Name, "3" }, "1")]
    [InlineData(new[] { "sub", "2", ClaimTypes.Name, "3" }, "2")]
    [InlineData(new[] { ClaimTypes.Name, "3" }, "3")]
    [InlineData(new[] { ClaimTypes.Name, " " }, null)]
    [InlineData(new string[0], null)]
    public void A_user_is_known_by_the_claim_that_is_most_stable(string[] claims, string? name)
    {
        var identity = new ClaimsIdentity(claims.Chunk(2).Select(pair => new Claim(pair[0], pair[1])), "test");
        var context = new DefaultHttpContext { User = new ClaimsPrincipal(identity) };
        new ArcpEndpointOptions().UseHttpUser().PrincipalSelector!(context)?.Name.Should().Be(name);
        context.User = new ClaimsPrincipal(new ClaimsIdentity(identity.Claims)); // not authenticated
        new ArcpEndpointOptions().UseHttpUser().PrincipalSelector!(context).Should().BeNull();
    }

    private static async Task<string> WhoAmIAsync(WireClient client)
    {
        WireFrame accepted = await client.SubmitAsync("whoami");
        return (await client.ReadJobAsync(accepted.JobId!))[^1].Payload["result"]!.GetValue<string>();
    }

    private static Task<TestHost> StartWithUsersAsync(Action<ArcpEndpointOptions>? endpoint = null, Action<IEndpointConventionBuilder>? conventions = null) => TestHost.StartAsync(
        endpoint,
        services: builder =>
        {
            builder.Services.AddAuthentication("header").AddScheme<AuthenticationSchemeOptions, HeaderScheme>("header", null);
            builder.Services.AddAuthorization();
        },
        middleware: app =>
        {
            app.UseRouting();
            app.UseAuthentication();
            app.UseAuthorization();
        },
        conventions: conventions);

    private sealed class HeaderScheme(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers["X-User"].ToString() is not { Length: > 0 } name)
            {
                return Task.FromResult(AuthenticateResult.NoResult());
            }

            var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.NameIdentifier, $"id-of-{name}")], Scheme.Name);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }
    }

    private sealed class HeaderAuthenticator : IArcpAuthenticator
    {
        public ValueTask<Principal?> AuthenticateAsync(string token, ConnectionContext connection, CancellationToken cancellationToken) =>
            ValueTask.FromResult<Principal?>(Principal.Named($"{connection.GetHttpContext()!.Request.Headers["X-Tenant"]}/{connection.RemoteAddress}"));
    }
}
