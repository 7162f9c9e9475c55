using System.Text;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.DependencyInjection;

namespace Arcp.Benchmarks.Micro;

/// <summary>A runtime with its defaults, and one session of it in the same process.</summary>
internal sealed class InProcessSession : IAsyncDisposable
{
    private readonly ArcpRuntime _runtime;
    private readonly FrameBuffer _frame = new(16 * 1024 * 1024);
    private ITransport _transport;

    private InProcessSession(ArcpRuntime runtime)
    {
        _runtime = runtime;
        _transport = runtime.ConnectInProcess(ConnectionContext.Unknown);
    }

    /// <summary>The frame that was read last.</summary>
    public ReadOnlySpan<byte> Frame => _frame.WrittenSpan;

    /// <summary>Builds a runtime and opens a session.</summary>
    public static async Task<InProcessSession> OpenAsync(Action<ArcpRuntimeBuilder> configure)
    {
        var builder = new ArcpRuntimeBuilder();
        builder.AddBearerToken("token", "principal");
        configure(builder);
        var session = new InProcessSession(builder.Build());
        await session.HelloAsync("");
        return session;
    }

    /// <summary>Leaves without a word and comes back.</summary>
    /// <param name="resumeToken">The token of the last welcome.</param>
    /// <param name="lastEventSeq">The highest number that is not wanted again.</param>
    /// <returns>The new token.</returns>
    public async Task<string> ResumeAsync(string resumeToken, long lastEventSeq)
    {
        await _transport.DisposeAsync();
        _transport = _runtime.ConnectInProcess(ConnectionContext.Unknown);
        return await HelloAsync($",\"resume_token\":\"{resumeToken}\",\"last_event_seq\":{lastEventSeq}");
    }

    /// <summary>The token of the welcome that was read last.</summary>
    public string ResumeToken { get; private set; } = "";

    public static byte[] Bytes(string type, string payload, string members = "") =>
        Encoding.UTF8.GetBytes($"{{\"arcp\":\"1.1\",\"id\":\"msg_01K9Y0A7W9X5C7R1N9B8T2V4E6\",\"type\":\"{type}\"{members},\"payload\":{payload}}}");

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frame)
    {
        await _transport.WriteAsync(frame, CancellationToken.None);
        await _transport.FlushAsync(CancellationToken.None);
    }

    /// <summary>Reads the next frame.</summary>
    public async ValueTask ReadAsync()
    {
        if (await _transport.ReadAsync(_frame, CancellationToken.None) is not FrameReadStatus.Frame)
        {
            throw new InvalidOperationException("The runtime has closed the connection.");
        }
    }

    /// <summary>Reads up to a frame of the given type.</summary>
    /// <returns>How many frames that were.</returns>
    public async ValueTask<int> ReadUntilAsync(ReadOnlyMemory<byte> type)
    {
        int frames = 0;
        do
        {
            await ReadAsync();
            frames++;
        }
        while (Frame.IndexOf(type.Span) < 0);
        return frames;
    }

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync();
        await _runtime.DisposeAsync();
        _frame.Dispose();
    }

    private async Task<string> HelloAsync(string members)
    {
        await SendAsync(Bytes("session.hello", "{\"auth\":{\"scheme\":\"bearer\",\"token\":\"token\"},\"capabilities\":{\"features\":[\"ack\",\"subscribe\",\"list_jobs\"]}" + members + "}"));
        await ReadAsync();
        return ResumeToken = EndToEnd.LoadSession.TextBehind(Frame, "\"resume_token\":\""u8);
    }
}
