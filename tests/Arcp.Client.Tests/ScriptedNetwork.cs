using System.Text.Json;
using System.Threading.Channels;
using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

/// <summary>Gives a client a new connection whenever it dials, and the test the other end of it.</summary>
internal sealed class ScriptedNetwork
{
    private readonly Channel<ScriptedPeer> _dials = Channel.CreateUnbounded<ScriptedPeer>();

    /// <summary>How often the client has dialled.</summary>
    public int Dials;

    /// <summary>While true, nobody picks up.</summary>
    public volatile bool IsDown;

    public static ArcpClientOptions Options(TimeProvider? clock = null) => new()
    {
        Token = "secret",
        TimeProvider = clock ?? TimeProvider.System,
        Reconnect = { InitialDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(5) },
    };

    public static string Welcome(string session, string token, string extra = "") =>
        $$"""
        {"type":"session.welcome","session_id":"{{session}}","payload":{"resume_token":"{{token}}"{{extra}},
        "capabilities":{"features":["heartbeat","ack","list_jobs","subscribe","progress","result_chunk","agent_versions"]} } }
        """;

    public ValueTask<ITransport> DialAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref Dials);
        if (IsDown)
        {
            throw new TransportException("nobody there");
        }

        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 4096);
        _dials.Writer.TryWrite(new ScriptedPeer(far));
        return ValueTask.FromResult<ITransport>(near);
    }

    /// <summary>Connects a client.</summary>
    public async Task<(ArcpClient Client, ScriptedPeer Peer)> ConnectAsync(ArcpClientOptions? options = null, string? welcome = null)
    {
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(DialAsync, options ?? Options());
        ScriptedPeer peer = await PickUpAsync();
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync(welcome ?? Welcome("sess_1", "t1"));
        return (await connecting.Soon(), peer);
    }

    /// <summary>Cuts the connection and welcomes the client on its next one.</summary>
    public async Task<ScriptedPeer> ReconnectAsync(ScriptedPeer peer, string session, string token, Action<JsonElement>? checkHello = null)
    {
        await peer.DisposeAsync();
        return await WelcomeAsync(session, token, checkHello);
    }

    /// <summary>Welcomes the client on its next connection.</summary>
    /// <param name="session">The session.</param>
    /// <param name="token">Its resume token.</param>
    /// <param name="checkHello">Looks at the hello.</param>
    /// <param name="clock">The client's clock, which goes on until it has dialled; null = it goes on by itself.</param>
    public async Task<ScriptedPeer> WelcomeAsync(string session, string token, Action<JsonElement>? checkHello = null, ManualClock? clock = null)
    {
        ScriptedPeer peer = await (clock is null ? PickUpAsync() : PickUpAsync(clock));
        JsonElement hello = await peer.ReceiveAsync("session.hello");
        checkHello?.Invoke(hello.Payload());
        await peer.SendAsync(Welcome(session, token));
        return peer;
    }

    /// <summary>Refuses the client on its next connection.</summary>
    public async Task RefuseAsync(string code, bool retryable = false)
    {
        ScriptedPeer peer = await PickUpAsync();
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync("session.error", "\"id\":\"e\"", $$"""{"code":"{{code}}","message":"no"{{(retryable ? ",\"retryable\":true" : "")}}}""");
    }

    /// <summary>The next connection that the client makes.</summary>
    public Task<ScriptedPeer> PickUpAsync() => _dials.Reader.ReadAsync().Soon();

    // Time goes on until the client has dialled, and no further: it may run far ahead of a thread that does not get its turn, and the client would give up what it waits for.
    private async Task<ScriptedPeer> PickUpAsync(ManualClock clock)
    {
        Task<ScriptedPeer> dialled = PickUpAsync();
        await Bounded.UntilAsync(() =>
        {
            if (!dialled.IsCompleted)
            {
                clock.Advance(TimeSpan.FromMilliseconds(1));
            }

            return dialled.IsCompleted;
        });
        return await dialled;
    }
}
