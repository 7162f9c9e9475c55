using System.Net.Security;
using System.Net.Sockets;

namespace Arcp.Core.Transports;

/// <summary>Frames over any duplex byte stream (standard input and output, pipes, TCP): UTF-8, one frame per line (§4).</summary>
/// <remarks>
/// <para>
/// A line ends with <c>\n</c>; one <c>\r</c> before it is dropped, and lines of nothing but blanks are skipped. Reading holds at most
/// the frame and one block of 16 KiB, sending at most 64 KiB. Thread-safe as far as <see cref="ITransport"/> promises.
/// </para>
/// <para>
/// The peer of a child process is <c>new StreamTransport(process.StandardOutput.BaseStream, process.StandardInput.BaseStream)</c>;
/// the child itself uses <see cref="OverConsole"/>.
/// </para>
/// </remarks>
public sealed class StreamTransport : ITransport
{
    private const int BlockSize = 16 * 1024;
    private const int SendBufferSize = 64 * 1024;
    private const byte LineFeed = (byte)'\n';
    private const byte CarriageReturn = (byte)'\r';

    private readonly Stream _input;
    private readonly Stream _output;
    private readonly bool _leaveOpen;
    private readonly TransportLifetime _lifetime = new();

    // Both buffers stay out of the array pool while a stream works on them: one that ignores cancellation
    // (a console, a pipe) may still do so after its call was given up.
    private readonly byte[] _block = new byte[BlockSize];
    private readonly FrameBuffer _unsent = new(SendBufferSize);
    private int _blockStart;
    private int _blockEnd;
    private bool _hasEnded;
    private bool _isDropping;
    private bool _isClosed;
    private bool _isSendingOver;

    /// <summary>Puts frames over two streams, which may be the same one.</summary>
    /// <param name="input">Where frames come from; readable.</param>
    /// <param name="output">Where frames go; writable.</param>
    /// <param name="leaveOpen">
    /// Whether the streams stay open when the transport is closed or disposed. Then <see cref="CloseAsync"/> only flushes, and the peer
    /// learns of the end when the streams' owner closes them; and a read that is given up may still take bytes from the input.
    /// </param>
    /// <exception cref="ArgumentException">The input cannot be read or the output cannot be written.</exception>
    public StreamTransport(Stream input, Stream output, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        _input = input.CanRead ? input : throw new ArgumentException("The stream cannot be read.", nameof(input));
        _output = output.CanWrite ? output : throw new ArgumentException("The stream cannot be written.", nameof(output));
        _leaveOpen = leaveOpen;
    }

    /// <summary>
    /// Told when the input ended within a line, with the number of bytes that were dropped; null = nobody. A good place for a log line.
    /// </summary>
    /// <remarks>Called at most once, by the read that then gives <see cref="FrameReadStatus.Closed"/>; what it throws comes out of that read.</remarks>
    public Action<int>? PartialLineDropped { get; init; }

    /// <summary>Puts frames over this process's standard input and output: the child's end of a stdio connection.</summary>
    /// <remarks>
    /// Standard output may carry frames only, so from now on and for the rest of the process <see cref="Console.Out"/> writes to
    /// standard error and <see cref="Console.In"/> is empty: a stray <c>Console.WriteLine</c> or console logger cannot corrupt the
    /// connection, nor can a <c>Console.ReadLine</c> steal from it. A writer that got hold of <see cref="Console.Out"/> before this
    /// call still goes to standard output: call this first. The parent sees the end of the output when the process exits,
    /// not when the transport is closed. At most one such transport per process.
    /// </remarks>
    /// <param name="partialLineDropped">See <see cref="PartialLineDropped"/>.</param>
    public static StreamTransport OverConsole(Action<int>? partialLineDropped = null)
    {
        Console.SetOut(Console.Error);
        Console.SetIn(TextReader.Null);
        return new StreamTransport(Console.OpenStandardInput(), Console.OpenStandardOutput())
        {
            PartialLineDropped = partialLineDropped,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(frame);
        frame.Clear();
        _lifetime.ThrowIfOver(cancellationToken);

        bool hasHeldReturn = false;
        while (true)
        {
            if (_blockStart == _blockEnd && !await TryFillBlockAsync(cancellationToken).ConfigureAwait(false))
            {
                return End(frame, hasHeldReturn);
            }

            if (_isDropping)
            {
                _blockStart = _blockEnd;
                continue;
            }

            if (!TryTakeLine(frame, ref hasHeldReturn, out bool isLineEnd))
            {
                frame.Clear();
                _isDropping = true;
                return FrameReadStatus.TooLarge;
            }

            if (isLineEnd)
            {
                if (!IsBlank(frame))
                {
                    return FrameReadStatus.Frame;
                }

                frame.Clear();
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (frame.IsEmpty)
        {
            throw new ArgumentException("A frame has at least one byte.", nameof(frame));
        }

        if (frame.Span.Contains(LineFeed))
        {
            throw new ArgumentException("A frame is one line; it cannot contain a line feed.", nameof(frame));
        }

        ThrowIfSendingOver(cancellationToken);
        if (_isClosed)
        {
            throw new TransportException("This side is closed.");
        }

        // Always by way of the buffer, never straight from the caller's memory: see the comment on the buffers.
        ReadOnlyMemory<byte> rest = frame;
        while (!rest.IsEmpty)
        {
            int count = Math.Min(rest.Length, _unsent.Remaining);
            _unsent.TryWrite(rest.Span[..count]);
            rest = rest[count..];
            if (_unsent.Remaining == 0)
            {
                await SendAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        _unsent.TryWrite([LineFeed]);
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        ThrowIfSendingOver(cancellationToken);
        if (!_isClosed)
        {
            await SendAsync(cancellationToken).ConfigureAwait(false);
            await RunAsync(_output.FlushAsync, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends what has been written, then ends the output, so that the peer reads the end of the stream.</summary>
    /// <remarks>
    /// A socket's (<see cref="NetworkStream"/>) or TLS stream's (<see cref="SslStream"/>) sending half is shut down; a separate output is
    /// disposed. Any other stream that is both input and output has no half to close: the peer sees the end when this transport is disposed.
    /// With <c>leaveOpen</c> this only flushes. Closing again does nothing.
    /// </remarks>
    /// <inheritdoc/>
    public async ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        if (!_isClosed)
        {
            _isClosed = true;
            if (!_leaveOpen)
            {
                await RunAsync(_ => EndOutputAsync(), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (await _lifetime.TryEndAsync().ConfigureAwait(false) && !_leaveOpen)
        {
            await DisposeAsync(_output).ConfigureAwait(false);
            await DisposeAsync(_input).ConfigureAwait(false);
        }
    }

    private static bool IsBlank(FrameBuffer frame) => frame.WrittenSpan.IndexOfAnyExcept(" \t\r"u8) < 0;

    private static async ValueTask DisposeAsync(Stream stream)
    {
        try
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            // A stream that buffers flushes when it is disposed; over a lost connection it cannot.
        }
    }

    /// <summary>Moves what the block has of the line into the frame, without its end.</summary>
    /// <param name="frame">The line so far.</param>
    /// <param name="hasHeldReturn">Whether a <c>\r</c> came last, which belongs to the line only if no <c>\n</c> follows.</param>
    /// <param name="isLineEnd">Whether the line is complete.</param>
    /// <returns>False when the line is too large.</returns>
    private bool TryTakeLine(FrameBuffer frame, ref bool hasHeldReturn, out bool isLineEnd)
    {
        ReadOnlySpan<byte> piece = _block.AsSpan(_blockStart, _blockEnd - _blockStart);
        int end = piece.IndexOf(LineFeed);
        isLineEnd = end >= 0;
        _blockStart += isLineEnd ? end + 1 : piece.Length;
        piece = isLineEnd ? piece[..end] : piece;
        if (piece.IsEmpty)
        {
            hasHeldReturn = false;
            return true;
        }

        if (hasHeldReturn && !frame.TryWrite([CarriageReturn]))
        {
            return false;
        }

        bool endsWithReturn = piece[^1] == CarriageReturn;
        hasHeldReturn = endsWithReturn && !isLineEnd;
        return frame.TryWrite(endsWithReturn ? piece[..^1] : piece);
    }

    private FrameReadStatus End(FrameBuffer frame, bool hasHeldReturn)
    {
        int dropped = IsBlank(frame) ? 0 : frame.Length + (hasHeldReturn ? 1 : 0);
        frame.Clear();
        if (dropped > 0)
        {
            PartialLineDropped?.Invoke(dropped);
        }

        return FrameReadStatus.Closed;
    }

    private async ValueTask<bool> TryFillBlockAsync(CancellationToken cancellationToken)
    {
        if (_hasEnded)
        {
            return false;
        }

        using CancellationTokenRegistration registration = _lifetime.EndWith(cancellationToken);
        try
        {
            Task<int> read = _input.ReadAsync(_block, _lifetime.Token).AsTask();
            await OrEndAsync(read).ConfigureAwait(false);
            _blockEnd = await read.ConfigureAwait(false);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw _lifetime.ToThrow(e, cancellationToken);
        }

        _blockStart = 0;
        _hasEnded = _blockEnd == 0;
        return !_hasEnded;
    }

    private void ThrowIfSendingOver(CancellationToken cancellationToken)
    {
        _lifetime.ThrowIfOver(cancellationToken);
        if (_isSendingOver)
        {
            // Half a line may have been sent; more would not be a frame.
            throw new TransportException("An earlier call could not send.");
        }
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        if (_unsent.Length > 0)
        {
            await RunAsync(end => _output.WriteAsync(_unsent.WrittenMemory, end).AsTask(), cancellationToken).ConfigureAwait(false);
            _unsent.Clear();
        }
    }

    private async ValueTask RunAsync(Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = _lifetime.EndWith(cancellationToken);
        try
        {
            await OrEndAsync(send(_lifetime.Token)).ConfigureAwait(false);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            _isSendingOver = true;
            throw _lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <summary>Waits for a stream's call, but not beyond the end of the transport: consoles and pipes do not heed cancellation.</summary>
    private async Task OrEndAsync(Task call)
    {
        try
        {
            await call.WaitAsync(_lifetime.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!call.IsCompleted)
        {
            // Nobody is left to hear of it, so an error that the call ends with later counts as seen.
            _ = call.ContinueWith(
                static ended => ended.Exception,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            throw;
        }
    }

    private async Task EndOutputAsync()
    {
        switch (_output)
        {
            case NetworkStream stream:
                stream.Socket.Shutdown(SocketShutdown.Send);
                break;
            case SslStream stream:
                await stream.ShutdownAsync().ConfigureAwait(false);
                break;
            case var stream when !ReferenceEquals(stream, _input):
                await stream.DisposeAsync().ConfigureAwait(false);
                break;
        }
    }
}
