using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace Arcp.Core.Transports;

/// <summary>Frames over a WebSocket, either side: one frame per text message (§4).</summary>
/// <remarks>
/// Over a WebSocket alone a frame is sent by <see cref="WriteAsync"/> at once, since a <see cref="WebSocket"/> offers no way to put many
/// messages into one system call; with <see cref="OverStream(Stream, WebSocketCreationOptions)"/> frames are collected, at most 64 KiB, and sent together, and a server takes laid-out
/// ones (<see cref="WriteFramesAsync"/>, <see cref="TryBeginFrames"/>). While no message
/// comes or goes, neither this transport nor the frame buffer that a read was given holds memory, one that was opened by
/// <see cref="ConnectAsync"/> excepted: its frame buffer keeps what is not large. Thread-safe as far as
/// <see cref="ITransport"/> promises.
/// </remarks>
public sealed class WebSocketTransport : ITransport
{
    /// <summary>The sub-protocol that a client offers: <c>arcp.v1</c>. Neither side insists on it.</summary>
    public const string SubProtocol = "arcp.v1";

    private readonly WebSocket _socket;
    private readonly MessageReceiver _messages;
    private readonly TransportLifetime _lifetime = new();
    private readonly BatchingStream? _batches;
    private bool _isClosed;

    /// <summary>Puts frames over a WebSocket that is already open.</summary>
    /// <param name="socket">The socket. It belongs to the transport from now on and is disposed with it.</param>
    public WebSocketTransport(WebSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        _messages = new MessageReceiver(socket, _lifetime, keepsMemory: false, _lifetime.Token);
    }

    // With a token each receive pays for a registration of its own; a client's socket ends them all when it is aborted.
    private WebSocketTransport(ClientWebSocket socket)
    {
        _socket = socket;
        _messages = new MessageReceiver(socket, _lifetime, keepsMemory: true, CancellationToken.None);
        _lifetime.Token.UnsafeRegister(static socket => ((WebSocket)socket!).Abort(), socket);
    }

    private WebSocketTransport(Stream stream, PipeWriter output, WebSocketCreationOptions options)
    {
        _batches = new BatchingStream(stream, output, _lifetime.Token);
        Layout = options is { IsServer: true, DangerousDeflateOptions: null } ? ServerMessageLayout.Instance : null;
        _socket = WebSocket.CreateFromStream(_batches, options);
        _messages = new MessageReceiver(_socket, _lifetime, keepsMemory: false, _lifetime.Token);
    }

    /// <summary>How a server's text messages lie in the stream, for a server over a stream without compression; else null.</summary>
    public FrameLayout? Layout { get; }

    /// <summary>
    /// Puts frames over a byte stream on which the opening handshake of a WebSocket is done, and sends what is written between two
    /// flushes together, once 64 KiB have come together at the latest.
    /// </summary>
    /// <param name="stream">The stream; readable and writable, with asynchronous calls that heed cancellation. It belongs to the transport from now on and is disposed with it.</param>
    /// <param name="options">Which side this is, the sub-protocol, keep-alive and compression.</param>
    /// <returns>The transport.</returns>
    /// <exception cref="ArgumentException">The stream cannot be read or written.</exception>
    public static WebSocketTransport OverStream(Stream stream, WebSocketCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(options);
        return new WebSocketTransport(stream, BatchingStream.Over(stream), options);
    }

    /// <summary>Like <see cref="OverStream(Stream, WebSocketCreationOptions)"/>, for a stream whose writing side is a pipe: laid-out frames can be put together in the pipe's own memory.</summary>
    /// <param name="stream">What is read. It belongs to the transport from now on and is disposed with it.</param>
    /// <param name="output">What is written, by this transport alone. It stays its owner's, who may complete it when <see cref="DisposeAsync"/> and all other calls have ended.</param>
    /// <param name="options">Which side this is, the sub-protocol, keep-alive and compression.</param>
    /// <returns>The transport.</returns>
    /// <exception cref="ArgumentException">The stream cannot be read or written.</exception>
    public static WebSocketTransport OverStream(Stream stream, PipeWriter output, WebSocketCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(options);
        return new WebSocketTransport(stream, output, options);
    }

    /// <summary>Opens a WebSocket to a runtime.</summary>
    /// <param name="uri">Where to; absolute, <c>ws</c>, <c>wss</c>, <c>http</c> (= <c>ws</c>) or <c>https</c> (= <c>wss</c>).</param>
    /// <param name="configure">Sets headers, certificates, a proxy and so on; the sub-protocol <see cref="SubProtocol"/> is already offered. Null = nothing.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The connected transport.</returns>
    /// <exception cref="ArgumentException">The uri is relative or has another scheme.</exception>
    /// <exception cref="TransportException">No connection, or the server refused it.</exception>
    /// <exception cref="OperationCanceledException">The attempt was cancelled.</exception>
    public static async Task<WebSocketTransport> ConnectAsync(
        Uri uri, Action<ClientWebSocketOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        Uri address = ToWebSocketUri(uri);
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol(SubProtocol);
            configure?.Invoke(socket.Options);
            await socket.ConnectAsync(address, cancellationToken).ConfigureAwait(false);
            return new WebSocketTransport(socket);
        }
        catch (Exception e)
        {
            socket.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            if (e is WebSocketException or IOException or HttpRequestException or OperationCanceledException)
            {
                // Neither the user part nor the query: either may hold a secret.
                string where = address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
                throw new TransportException($"No WebSocket to {where}: {e.Message}", e);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(frame);
        frame.Clear();
        _lifetime.ThrowIfOver(cancellationToken);
        return _messages.ReceiveAsync(frame, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (frame.IsEmpty)
        {
            throw new ArgumentException("A frame has at least one byte.", nameof(frame));
        }

        ThrowIfUnwritable(cancellationToken);
        try
        {
            // With a token a WebSocket takes a slower path; the stream below has the same one.
            _batches?.BeginBatch();
            ValueTask send = _socket.SendAsync(frame, WebSocketMessageType.Text, endOfMessage: true, _batches is null ? _lifetime.Token : CancellationToken.None);
            return EndWith(send, cancellationToken);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw _lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public IBufferWriter<byte>? TryBeginFrames() => Layout is null || _isClosed ? null : _batches!.TryBeginFrames();

    /// <inheritdoc/>
    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken)
    {
        if (Layout is null)
        {
            throw new NotSupportedException("Only a server's messages over a stream, without compression, may be laid out by others.");
        }

        if (frames.IsEmpty)
        {
            throw new ArgumentException("There is no frame.", nameof(frames));
        }

        ThrowIfUnwritable(cancellationToken);
        try
        {
            return EndWith(_batches!.WriteFramesAsync(frames), cancellationToken);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw _lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <summary>Sends what was collected; over a WebSocket alone nothing was.</summary>
    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        _lifetime.ThrowIfOver(cancellationToken);
        return _batches is null || _isClosed ? ValueTask.CompletedTask : EndWith(_batches.EndBatchAsync(), cancellationToken);
    }

    /// <summary>Sends a close frame with status 1000 and does not wait for the peer's. Closing again does nothing.</summary>
    /// <inheritdoc/>
    public async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        _lifetime.ThrowIfOver(cancellationToken);
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        using CancellationTokenRegistration registration = _lifetime.EndWith(cancellationToken);
        try
        {
            if (_batches is not null)
            {
                await _batches.EndBatchAsync().ConfigureAwait(false);
            }

            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, _lifetime.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw _lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (await _lifetime.TryEndAsync().ConfigureAwait(false))
        {
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                _socket.Abort();
            }

            _socket.Dispose();
        }

        if (_batches is not null)
        {
            await _batches.WaitForEndAsync().ConfigureAwait(false);
        }
    }

    internal static Uri ToWebSocketUri(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        string? scheme = !uri.IsAbsoluteUri ? null : uri.Scheme switch
        {
            "ws" or "http" => "ws",
            "wss" or "https" => "wss",
            _ => null,
        };
        if (scheme is null)
        {
            throw new ArgumentException("An absolute ws, wss, http or https uri is needed.", nameof(uri));
        }

        // With its own default port (-1), or http's port 80 would stay as an explicit one.
        return new UriBuilder(uri) { Scheme = scheme, Port = uri.IsDefaultPort ? -1 : uri.Port }.Uri;
    }

    private void ThrowIfUnwritable(CancellationToken cancellationToken)
    {
        _lifetime.ThrowIfOver(cancellationToken);
        if (_isClosed)
        {
            throw new TransportException("This side is closed.");
        }
    }

    // Most calls have ended when they return; they need neither a registration nor a state machine.
    private ValueTask EndWith(ValueTask call, CancellationToken cancellationToken) =>
        call.IsCompletedSuccessfully ? call : WaitAsync(call, cancellationToken);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(ValueTask call, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = _lifetime.EndWith(cancellationToken);
        try
        {
            await call.ConfigureAwait(false);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw _lifetime.ToThrow(e, cancellationToken);
        }
    }
}
