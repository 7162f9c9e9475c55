using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Tests.Support;

/// <summary>A peer that speaks raw frames, so that tests see exactly what is on the wire.</summary>
public sealed class WireClient(ITransport transport) : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly FrameBuffer _buffer = new(64 * 1024 * 1024);
    private int _nextId;

    public string SessionId { get; private set; } = string.Empty;

    public string ResumeToken { get; private set; } = string.Empty;

    public ITransport Transport => transport;

    public async Task SendRawAsync(string text) => await SendRawAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendRawAsync(byte[] bytes)
    {
        using var patience = NewPatience();
        await transport.WriteAsync(bytes, patience.Token);
        await transport.FlushAsync(patience.Token);
    }

    /// <summary>Sends a frame and returns its id.</summary>
    public async Task<string> SendAsync(string type, object? payload = null, object? header = null)
    {
        string id = $"c{Interlocked.Increment(ref _nextId)}";
        var frame = new JsonObject { ["arcp"] = "1.1", ["id"] = id, ["type"] = type };
        foreach ((string name, JsonNode? value) in ToObject(header))
        {
            frame[name] = value?.DeepClone();
        }

        frame["payload"] = ToObject(payload);
        await SendRawAsync(frame.ToJsonString());
        return (string)frame["id"]!;
    }

    /// <summary>The next frame; null when the connection has ended.</summary>
    public async Task<WireFrame?> ReceiveAsync()
    {
        using var patience = NewPatience();
        _buffer.Clear();
        try
        {
            return await transport.ReadAsync(_buffer, patience.Token) is FrameReadStatus.Frame
                ? new WireFrame(JsonNode.Parse(_buffer.WrittenSpan)!.AsObject(), Encoding.UTF8.GetString(_buffer.WrittenSpan))
                : null;
        }
        catch (TransportException)
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException("No frame came.");
        }
    }

    /// <summary>The next frame, which must be of a type.</summary>
    public async Task<WireFrame> ExpectAsync(string type)
    {
        WireFrame? frame = await ReceiveAsync();
        frame.Should().NotBeNull("a {0} was expected", type);
        frame!.Type.Should().Be(type, "that was expected, in {0}", frame.Text);
        return frame;
    }

    /// <summary>Reads and drops frames until one of a type comes.</summary>
    public async Task<WireFrame> SkipToAsync(string type)
    {
        while (true)
        {
            WireFrame? frame = await ReceiveAsync();
            frame.Should().NotBeNull("a {0} was expected before the end", type);
            if (frame!.Type == type)
            {
                return frame;
            }
        }
    }

    /// <summary>The connection must end without another frame.</summary>
    public async Task ExpectEndAsync()
    {
        WireFrame? frame = await ReceiveAsync();
        frame.Should().BeNull("nothing more was expected");
    }

    /// <summary>Reads and drops frames up to a job's terminal one.</summary>
    public async Task ReadJobToEndAsync(string jobId) => _ = await ReadJobAsync(jobId);

    /// <summary>All frames up to a job's terminal one.</summary>
    public async Task<List<WireFrame>> ReadJobAsync(string jobId)
    {
        var frames = new List<WireFrame>();
        while (true)
        {
            WireFrame? frame = await ReceiveAsync();
            frame.Should().NotBeNull("job {0} has not ended", jobId);
            if (frame!.JobId == jobId)
            {
                frames.Add(frame);
                if (frame.IsTerminal)
                {
                    return frames;
                }
            }
        }
    }

    public Task<WireFrame> HelloAsync(string token = "secret-a", params string[] features) =>
        HelloAsync(new { auth = new { scheme = "bearer", token }, client = new { name = "wire", version = "1" }, capabilities = new { features } });

    public async Task<WireFrame> HelloAsync(object payload)
    {
        await SendAsync("session.hello", payload);
        return Welcomed(await ExpectAsync("session.welcome"));
    }

    public async Task<WireFrame> ResumeAsync(string token, long lastEventSeq)
    {
        await SendAsync("session.resume", new { resume_token = token, last_event_seq = lastEventSeq });
        return Welcomed(await ExpectAsync("session.welcome"));
    }

    /// <summary>Submits and returns the acceptance.</summary>
    public async Task<WireFrame> SubmitAsync(string agent, object? input = null)
    {
        await SendAsync("job.submit", new { agent, input });
        return await ExpectAsync("job.accepted");
    }

    /// <summary>Submits, and returns the frames from the acceptance to the terminal frame.</summary>
    public async Task<List<WireFrame>> RunJobAsync(string agent, object? input = null)
    {
        WireFrame accepted = await SubmitAsync(agent, input);
        return [accepted, .. await ReadJobAsync(accepted.JobId!)];
    }

    /// <summary>The answer to a refused request that has no job in it: a session.error alone.</summary>
    public async Task<WireFrame> ExpectErrorAsync(string code, string? requestId = null)
    {
        WireFrame error = await ExpectAsync("session.error");
        error.Code.Should().Be(code, "that was expected, in {0}", error.Text);
        error.SessionId.Should().NotBeNullOrEmpty();
        error.EventSeq.Should().BeNull();
        ((string?)error.Payload["message"]).Should().NotBeNullOrWhiteSpace();
        error.Payload["retryable"].Should().NotBeNull();
        ((string?)error.Payload["request_id"]).Should().Be(requestId);
        return error;
    }

    /// <summary>The answer to a refused submit, cancel or subscribe: a session.error, then a job.error without a job (§12).</summary>
    public async Task<WireFrame> ExpectRefusalAsync(string requestId, string code)
    {
        WireFrame error = await ExpectErrorAsync(code, requestId);
        WireFrame twin = await ExpectAsync("job.error");
        twin.Id.Should().Be(requestId);
        twin.JobId.Should().BeNull();
        twin.Payload["job_id"].Should().BeNull();
        twin.EventSeq.Should().BeNull();
        twin.SessionId.Should().Be(SessionId);
        twin.FinalStatus.Should().Be("error");
        twin.Code.Should().Be(code);
        twin.Payload["message"]!.ToJsonString().Should().Be(error.Payload["message"]!.ToJsonString());
        twin.Payload["retryable"]!.ToJsonString().Should().Be(error.Payload["retryable"]!.ToJsonString());
        return error;
    }

    /// <summary>Sends a ping; the very next frame must be its pong, so nothing else was waiting to be sent.</summary>
    public async Task ExpectQuietAsync()
    {
        await SendAsync("session.ping", new { nonce = "quiet?" });
        WireFrame pong = await ExpectAsync("session.pong");
        ((string?)pong.Payload["ping_nonce"]).Should().Be("quiet?");
    }

    /// <summary>Closes this side in order and expects the other side to close too.</summary>
    public async Task CloseAsync()
    {
        using var patience = NewPatience();
        await transport.CloseAsync(patience.Token);
        await ExpectEndAsync();
    }

    public ValueTask DisposeAsync() => transport.DisposeAsync();

    private static CancellationTokenSource NewPatience() => new(Patience, TimeProvider.System);

    private static JsonObject ToObject(object? value) => value switch
    {
        null => [],
        JsonObject already => already,
        _ => JsonSerializer.SerializeToNode(value)!.AsObject(),
    };

    public WireFrame Welcomed(WireFrame welcome)
    {
        SessionId = welcome.SessionId!;
        ResumeToken = (string)welcome.Payload["resume_token"]!;
        return welcome;
    }
}
