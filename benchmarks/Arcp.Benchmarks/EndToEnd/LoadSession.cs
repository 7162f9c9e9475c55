using System.Buffers.Text;
using System.Text;
using Arcp.Benchmarks.Server;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>One session of the load generator: says hello, counts numbers, acknowledges every 256 events as a client does, answers pings, and parses nothing.</summary>
/// <remarks>Not thread-safe. Relies on how this project's runtime writes frames: numbered ones begin with the session, all others with their id.</remarks>
internal sealed class LoadSession : IDisposable
{
    /// <summary>How many numbered frames are acknowledged together.</summary>
    public const int AckEvery = 256;

    /// <summary>Behind <c>{"arcp":"1.1","</c>: s(ession_id) of a numbered frame, i(d) of any other.</summary>
    private const int FirstMember = 15;

    private const string AllFeatures =
        "\"heartbeat\",\"ack\",\"list_jobs\",\"subscribe\",\"lease_expires_at\",\"cost.budget\",\"model.use\",\"progress\",\"result_chunk\",\"agent_versions\"";

    private readonly RawSocketClient _client;
    private readonly SequencedFrameHead _head;
    private readonly byte[] _message = new byte[256];
    private long _acknowledged;
    private int _tailAt;
    private int _kindAt;

    private LoadSession(RawSocketClient client, string sessionId)
    {
        _client = client;
        _head = new SequencedFrameHead(new SessionId(sessionId));
    }

    /// <summary>The last number that came; every number up to it has come, once and in order.</summary>
    public long LastSeq { get; private set; }

    /// <summary>How many log events have come.</summary>
    public long Lines { get; private set; }

    /// <summary>Bytes that have been read since the start.</summary>
    public long BytesRead => _client.BytesRead;

    /// <summary>Connects and opens a session with all features.</summary>
    /// <param name="server">Where the server listens.</param>
    /// <param name="principal">Whose session it is.</param>
    /// <param name="bufferSize">How much is read at once.</param>
    /// <param name="receiveBuffer">The socket's own buffer; null = the system's choice.</param>
    public static LoadSession Open(Uri server, int principal = 0, int bufferSize = 256 * 1024, int? receiveBuffer = null)
    {
        RawSocketClient client = RawSocketClient.Connect(server, "/arcp", bufferSize, receiveBuffer);
        client.Queue(Encoding.ASCII.GetBytes(
            "{\"arcp\":\"1.1\",\"id\":\"msg_hello\",\"type\":\"session.hello\",\"payload\":{\"client\":{\"name\":\"load\"},\"auth\":{\"scheme\":\"bearer\",\"token\":\""
            + BenchmarkServer.TokenOf(principal) + "\"},\"capabilities\":{\"encodings\":[\"json\"],\"features\":[" + AllFeatures + "]}}}"));
        ReadOnlySpan<byte> welcome;
        while (!client.TryTake(out welcome))
        {
            client.Fill();
        }

        return welcome.IndexOf("\"type\":\"session.welcome\""u8) > 0
            ? new LoadSession(client, TextBehind(welcome, "\"session_id\":\""u8))
            : throw new InvalidOperationException($"No welcome: {Encoding.UTF8.GetString(welcome)}");
    }

    /// <summary>The text that stands behind a marker, up to the next quote.</summary>
    public static string TextBehind(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> marker)
    {
        ReadOnlySpan<byte> rest = frame[(frame.IndexOf(marker) + marker.Length)..];
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)'"')]);
    }

    /// <summary>Queues a frame of the given type.</summary>
    public void Queue(string type, string payload) => Queue(Frame(type, payload));

    /// <summary>Queues a frame that <see cref="Frame"/> made.</summary>
    public void Queue(ReadOnlySpan<byte> frame) => _client.Queue(frame);

    /// <summary>Queues a submit.</summary>
    public void Submit(string agent, string input) => Queue("job.submit", $"{{\"agent\":\"{agent}\",\"input\":{input}}}");

    /// <summary>Makes a frame.</summary>
    public static byte[] Frame(string type, string payload) =>
        Encoding.ASCII.GetBytes($"{{\"arcp\":\"1.1\",\"id\":\"msg_01K9Y0A7W9X5C7R1N9B8T2V4E6\",\"type\":\"{type}\",\"payload\":{payload}}}");

    /// <summary>Sends what is queued.</summary>
    public void Flush() => _client.Flush();

    /// <summary>Takes the next frame that has been read whole; pings are answered in passing.</summary>
    public FrameKind TryTake(out ReadOnlySpan<byte> frame)
    {
        while (_client.TryTake(out frame))
        {
            if (frame[FirstMember] == (byte)'s')
            {
                return TakeNumbered(frame);
            }

            if (frame.IndexOf("\"type\":\"session.ping\""u8) < 0)
            {
                return frame.IndexOf("\"type\":\"session.error\""u8) < 0
                    ? FrameKind.Control
                    : throw new InvalidOperationException($"Refused: {Encoding.UTF8.GetString(frame)}");
            }

            Queue("session.pong", $"{{\"ping_nonce\":\"{TextBehind(frame, "\"nonce\":\""u8)}\"}}");
            _client.Flush();
        }

        return FrameKind.None;
    }

    /// <summary>Takes the next frame, and waits for it.</summary>
    public FrameKind Take(out ReadOnlySpan<byte> frame)
    {
        FrameKind kind;
        while ((kind = TryTake(out frame)) is FrameKind.None)
        {
            _client.Fill();
        }

        return kind;
    }

    /// <summary>Takes frames up to one that is not numbered.</summary>
    /// <returns>It.</returns>
    public ReadOnlySpan<byte> TakeControl()
    {
        ReadOnlySpan<byte> frame;
        while (Take(out frame) is not FrameKind.Control)
        {
            // Events of jobs that are under way.
        }

        return frame;
    }

    /// <summary>Takes frames up to the next terminal one.</summary>
    public void TakeTerminal()
    {
        while (Take(out _) is not FrameKind.Terminal)
        {
            // All that comes before.
        }
    }

    /// <summary>Takes frames up to the next terminal one, without a thread that waits.</summary>
    public async Task TakeTerminalAsync()
    {
        while (true)
        {
            for (FrameKind kind = TryTake(out _); kind is not FrameKind.None; kind = TryTake(out _))
            {
                if (kind is FrameKind.Terminal)
                {
                    return;
                }
            }

            await FillAsync();
        }
    }

    /// <summary>Reads more.</summary>
    public void Fill() => _client.Fill();

    /// <summary>Reads more.</summary>
    public ValueTask FillAsync(CancellationToken cancellationToken = default) => _client.FillAsync(cancellationToken);

    /// <summary>Closes the connection without a word; the session stays resumable.</summary>
    public void Dispose() => _client.Dispose();

    private FrameKind TakeNumbered(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> head = _head.UpToNumber(LastSeq + 1);
        if (!frame.StartsWith(head))
        {
            throw new InvalidOperationException($"Behind number {LastSeq} came {Encoding.UTF8.GetString(frame)}");
        }

        LastSeq++;
        if (LastSeq - _acknowledged >= AckEvery)
        {
            Acknowledge();
        }

        ReadOnlySpan<byte> tail = frame[head.Length..];
        if (_tailAt == 0)
        {
            _tailAt = tail.IndexOf(",\"type\":"u8); // behind the job and its trace, which are of one length
        }

        tail = tail[_tailAt..];
        if (!tail.StartsWith(",\"type\":\"job.event\""u8))
        {
            return FrameKind.Terminal;
        }

        Lines += IsLine(tail) ? 1 : 0;
        return FrameKind.Event;
    }

    // In all frames of all jobs the kind stands in the same place, because ids are of one length.
    private bool IsLine(ReadOnlySpan<byte> tail)
    {
        ReadOnlySpan<byte> line = "\"kind\":\"log\""u8;
        if (_kindAt == 0)
        {
            _kindAt = tail.IndexOf("\"kind\":"u8);
        }

        return tail[_kindAt..].StartsWith(line);
    }

    private void Acknowledge()
    {
        _acknowledged = LastSeq;
        ReadOnlySpan<byte> before = "{\"arcp\":\"1.1\",\"id\":\"msg_ack\",\"type\":\"session.ack\",\"payload\":{\"last_processed_seq\":"u8;
        before.CopyTo(_message);
        _ = Utf8Formatter.TryFormat(LastSeq, _message.AsSpan(before.Length), out int digits);
        "}}"u8.CopyTo(_message.AsSpan(before.Length + digits));
        _client.Queue(_message.AsSpan(0, before.Length + digits + 2));
    }
}

/// <summary>What a frame is, as far as load needs to know.</summary>
internal enum FrameKind
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>A frame without a number: an answer.</summary>
    Control,

    /// <summary>A numbered event.</summary>
    Event,

    /// <summary>A job's last frame.</summary>
    Terminal,
}
