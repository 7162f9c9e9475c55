using Arcp.AspNetCore.Tests.Support;
using Arcp.Runtime.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.AspNetCore.Tests;

/// <summary>The last frame of a connection that the runtime ends over real sockets: an abort right behind it would destroy it on its way.</summary>
public sealed class LastFrameTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_client_that_is_taken_over_is_told()
    {
        await using TestHost app = await StartAsync();
        for (int i = 0; i < 50; i++)
        {
            await using WireClient old = await app.OpenAsync();
            await using WireClient next = await app.ConnectAsync();
            await next.ResumeAsync(old.ResumeToken, 0);
            await ExpectLastAsync(old, "session.closed");
        }

        await app.NoConnectionsAsync();
    }

    [Fact]
    [Trait("Section", "6.4")]
    public async Task A_client_that_has_been_silent_for_too_long_is_told()
    {
        await using TestHost app = await StartAsync();
        for (int i = 0; i < 50; i++)
        {
            await using WireClient client = await app.ConnectAsync();
            await client.HelloAsync("secret-a", "heartbeat");
            _clock.Advance(TimeSpan.FromSeconds(30));
            await client.ExpectAsync("session.ping");
            _clock.Advance(TimeSpan.FromSeconds(30));
            await ExpectLastAsync(client, "session.error");
        }

        await app.NoConnectionsAsync();
    }

    private static async Task ExpectLastAsync(WireClient client, string type)
    {
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync("session.pong", new { ping_nonce = "it does not know yet" });
        }

        await client.ExpectAsync(type);
        await client.ExpectCloseAsync();
    }

    // With a clock that stands still, so that a slow machine cuts nobody off.
    private Task<TestHost> StartAsync() => TestHost.StartAsync(services: builder => builder.Services.AddSingleton<TimeProvider>(_clock));
}
