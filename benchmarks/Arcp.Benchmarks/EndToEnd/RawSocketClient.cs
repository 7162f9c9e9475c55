using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Arcp.Benchmarks.Server;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>A WebSocket client that does as little as can be: one large buffer, frames looked at where they lie, so that the server is what is measured.</summary>
/// <remarks>Not thread-safe. What is queued is sent by the next <see cref="Fill"/> or <see cref="FillAsync"/>, before it waits.</remarks>
internal sealed class RawSocketClient : IDisposable
{
    private readonly Socket _socket;
    private byte[] _input;
    private int _start;
    private int _end;
    private byte[] _output = new byte[1024];
    private int _queued;

    private RawSocketClient(Socket socket, int bufferSize)
    {
        _socket = socket;
        _input = ArrayPool<byte>.Shared.Rent(bufferSize); // connections come and go, and new memory costs time
    }

    /// <summary>Bytes that have been read since the start.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Connects and upgrades.</summary>
    /// <param name="server">Where the server listens.</param>
    /// <param name="pathAndQuery">What to upgrade.</param>
    /// <param name="bufferSize">How much is read at once; grows when a frame needs it.</param>
    /// <param name="receiveBuffer">The socket's own buffer; null = the system's choice.</param>
    public static RawSocketClient Connect(Uri server, string pathAndQuery, int bufferSize = 256 * 1024, int? receiveBuffer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } size)
        {
            socket.ReceiveBufferSize = size;
        }

        socket.Connect(IPAddress.Parse(server.Host), server.Port);
        var client = new RawSocketClient(socket, bufferSize);
        client.Upgrade(server, pathAndQuery);
        return client;
    }

    /// <summary>Takes the next text message that has been read whole.</summary>
    /// <param name="payload">The message; valid until the next fill.</param>
    public bool TryTake(out ReadOnlySpan<byte> payload)
    {
        while (true)
        {
            ReadOnlySpan<byte> held = _input.AsSpan(_start, _end - _start);
            if (!TryReadHeader(held, out int header, out int length) || held.Length < header + length)
            {
                payload = default;
                return false;
            }

            _start += header + length;
            switch (held[0])
            {
                case 0x81:
                    payload = held.Slice(header, length);
                    return true;
                case 0x89: // the WebSocket's own ping
                    continue;
                default:
                    throw new InvalidOperationException($"The server ended the connection: frame 0x{held[0]:x2} {Encoding.UTF8.GetString(held.Slice(header, length))}");
            }
        }
    }

    /// <summary>Reads more, after what is queued has been sent.</summary>
    public void Fill()
    {
        Flush();
        MakeRoom();
        Read(_socket.Receive(_input.AsSpan(_end)));
    }

    /// <summary>Reads more, after what is queued has been sent.</summary>
    public async ValueTask FillAsync(CancellationToken cancellationToken = default)
    {
        Flush();
        MakeRoom();
        Read(await _socket.ReceiveAsync(_input.AsMemory(_end), SocketFlags.None, cancellationToken));
    }

    /// <summary>Queues a text message, masked with zeros.</summary>
    public void Queue(ReadOnlySpan<byte> text)
    {
        int needed = _queued + text.Length + 8;
        if (needed > _output.Length)
        {
            Array.Resize(ref _output, Math.Max(needed, _output.Length * 2));
        }

        Span<byte> room = _output.AsSpan(_queued);
        room[0] = 0x81;
        int header = 2;
        if (text.Length < 126)
        {
            room[1] = (byte)(0x80 | text.Length);
        }
        else
        {
            room[1] = 0x80 | 126;
            BinaryPrimitives.WriteUInt16BigEndian(room[2..], checked((ushort)text.Length));
            header = 4;
        }

        room.Slice(header, 4).Clear();
        text.CopyTo(room[(header + 4)..]);
        _queued += header + 4 + text.Length;
    }

    /// <summary>Sends what is queued.</summary>
    public void Flush()
    {
        for (int sent = 0; sent < _queued;)
        {
            sent += _socket.Send(_output.AsSpan(sent, _queued - sent));
        }

        _queued = 0;
    }

    public void Dispose()
    {
        _socket.Dispose();
        ArrayPool<byte>.Shared.Return(_input);
        _input = [];
    }

    private static bool TryReadHeader(ReadOnlySpan<byte> held, out int header, out int length)
    {
        header = 2;
        length = held.Length >= 2 ? held[1] : 0;
        if (held.Length < 4)
        {
            return held.Length >= 2 && length < 126;
        }

        if (length == 126)
        {
            header = 4;
            length = BinaryPrimitives.ReadUInt16BigEndian(held[2..]);
        }
        else if (length == 127)
        {
            header = WebSocketFrames.LongestHeader;
            length = held.Length < header ? 0 : checked((int)BinaryPrimitives.ReadInt64BigEndian(held[2..]));
        }

        return held.Length >= header;
    }

    private void Upgrade(Uri server, string pathAndQuery)
    {
        _socket.Send(Encoding.ASCII.GetBytes(
            $"GET {pathAndQuery} HTTP/1.1\r\nHost: {server.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        int end;
        while ((end = _input.AsSpan(0, _end).IndexOf("\r\n\r\n"u8)) < 0)
        {
            Fill();
        }

        if (!_input.AsSpan(0, end).StartsWith("HTTP/1.1 101"u8))
        {
            throw new InvalidOperationException($"No upgrade of {pathAndQuery}: {Encoding.ASCII.GetString(_input, 0, end)}");
        }

        _start = end + 4;
        BytesRead = _end - _start;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_start > 0)
        {
            _input.AsSpan(_start, _end - _start).CopyTo(_input);
            _end -= _start;
            _start = 0;
        }

        if (_end == _input.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(_input.Length * 2);
            _input.CopyTo(larger, 0);
            ArrayPool<byte>.Shared.Return(_input);
            _input = larger;
        }
    }

    private void Read(int count)
    {
        if (count == 0)
        {
            throw new InvalidOperationException("The server has closed the connection.");
        }

        _end += count;
        BytesRead += count;
    }
}
