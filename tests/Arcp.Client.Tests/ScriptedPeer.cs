using System.Text;
using System.Text.Json;
using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

/// <summary>The runtime's end of a connection, played by the test frame by frame.</summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    public const string Session = "sess_1";

    public const string Welcome =
        """
        {"arcp":"1.1","id":"m_w","type":"session.welcome","session_id":"sess_1","payload":{"runtime":{"name":"scripted","version":"9"},"resume_token":"t",
        "capabilities":{"encodings":["json"],"features":["heartbeat","ack","list_jobs","subscribe","progress","result_chunk","agent_versions","lease_expires_at","cost.budget","model.use"],"agents":[{"name":"echo","versions":["1.0.0"],"default":"1.0.0"}]}}}
        """;

    private readonly ITransport _transport;

    public ScriptedPeer(ITransport transport) => _transport = transport;

    /// <summary>Starts to connect a client; its hello has not been read yet.</summary>
    public static (Task<ArcpClient> Client, ScriptedPeer Peer) Dial(ArcpClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 4096);
        options ??= new ArcpClientOptions();
        options.Reconnect.Enabled = false; // one connection; see Redial for more
        return (ArcpClient.ConnectAsync(_ => ValueTask.FromResult<ITransport>(near), options, cancellationToken), new ScriptedPeer(far));
    }

    /// <summary>Connects a client and welcomes it.</summary>
    public static async Task<(ArcpClient Client, ScriptedPeer Peer)> ConnectAsync(ArcpClientOptions? options = null, string welcome = Welcome)
    {
        (Task<ArcpClient> client, ScriptedPeer peer) = Dial(options);
        (await peer.ReceiveAsync()).Type().Should().Be("session.hello");
        await peer.SendAsync(welcome);
        return (await client.Soon(), peer);
    }

    public async Task<JsonElement> ReceiveAsync()
    {
        using var frame = new FrameBuffer(1 << 24);
        FrameReadStatus status = await _transport.ReadAsync(frame, CancellationToken.None).Soon();
        status.Should().Be(FrameReadStatus.Frame);
        return JsonElement.Parse(frame.WrittenSpan);
    }

    /// <summary>Receives the next frame, which is of the given type; an acknowledgement may come before any other frame, when its time has come.</summary>
    public async Task<JsonElement> ReceiveAsync(string type)
    {
        JsonElement frame = await ReceiveAsync();
        while (frame.Type() is "session.ack" && type is not "session.ack")
        {
            frame = await ReceiveAsync();
        }

        frame.Type().Should().Be(type);
        return frame;
    }

    /// <summary>Whether the client has closed its side or gone; frames before that are skipped.</summary>
    public async Task<bool> SeesEndAsync()
    {
        using var frame = new FrameBuffer(1 << 24);
        try
        {
            while (await _transport.ReadAsync(frame, CancellationToken.None).Soon() is FrameReadStatus.Frame)
            {
                frame.Clear();
            }

            return true;
        }
        catch (TransportException)
        {
            return true;
        }
    }

    public Task SendAsync(string frame) => _transport.WriteAsync(Encoding.UTF8.GetBytes(frame.ReplaceLineEndings(" ")), CancellationToken.None).Soon();

    /// <summary>Sends a frame with the members given as JSON text without braces.</summary>
    public Task SendAsync(string type, string members, string payload) =>
        SendAsync($$"""{"arcp":"1.1","type":"{{type}}","session_id":"sess_1",{{(members.Length > 0 ? members + "," : "")}}"payload":{{payload}}}""");

    public Task AcceptAsync(JsonElement submit, string job) =>
        SendAsync("job.accepted", $$"""
            "id":"a_{{job}}","job_id":"{{job}}","request_id":"{{submit.Id()}}"
            """, $$"""{"job_id":"{{job}}","agent":"echo@1.0.0","lease":{},"accepted_at":"2026-01-31T12:00:00.000Z"}""");

    public Task EventAsync(string job, string kind, string body) =>
        SendAsync("job.event", $"\"job_id\":\"{job}\"", $$"""{"kind":"{{kind}}","ts":"2026-01-31T12:00:00.000Z","body":{{body}}}""");

    public Task LogAsync(string job, string message) => EventAsync(job, "log", $$"""{"level":"info","message":"{{message}}"}""");

    public Task ResultAsync(string job, string result) =>
        SendAsync("job.result", $"\"job_id\":\"{job}\"", $$"""{"final_status":"success","result":{{result}}}""");

    /// <summary>Closes in order.</summary>
    public Task CloseAsync() => _transport.CloseAsync(CancellationToken.None).Soon();

    /// <summary>Cuts the connection.</summary>
    public ValueTask DisposeAsync() => _transport.DisposeAsync();

    /// <summary>Submits to <c>echo</c> and accepts.</summary>
    public async Task<JobHandle> SubmitAsync(ArcpClient client, string job, SubmitOptions? options = null)
    {
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: options);
        await AcceptAsync(await ReceiveAsync("job.submit"), job);
        return await submitting.Soon();
    }
}

internal static class FrameExtensions
{
    public static string Type(this JsonElement frame) => frame.GetProperty("type").GetString()!;

    public static string Id(this JsonElement frame) => frame.GetProperty("id").GetString()!;

    public static string Trace(this JsonElement frame) => frame.GetProperty("trace_id").GetString()!;

    public static JsonElement Payload(this JsonElement frame) => frame.GetProperty("payload");
}
