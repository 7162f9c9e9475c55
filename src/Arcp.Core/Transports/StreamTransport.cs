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
    private const int SendBufferSize = 64 * 1024;
    private const byte LineFeed = (byte)'\n';

    private readonly Stream _input;
    private readonly Stream _output;
    private readonly bool _leaveOpen;
    private readonly TransportLifetime _lifetime;
    private readonly StreamCalls _receiving;
    private readonly StreamCalls _sending;
    private readonly LineBlock _block = new();
    private readonly FrameBuffer _unsent = new(SendBufferSize);
    private bool _hasEnded;
    private bool _isDropping;
    private bool _isClosed;

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
        _lifetime = new TransportLifetime();
        _receiving = new StreamCalls(_lifetime);
        _sending = new StreamCalls(_lifetime);
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
        if (_receiving.HasFailed)
        {
            // The beginning of a line may be lost; the rest would not be a frame.
            throw new TransportException("An earlier call could not receive.");
        }

        while (true)
        {
            if (_block.IsEmpty && !await TryFillBlockAsync(cancellationToken).ConfigureAwait(false))
            {
                return End(frame);
            }

            if (_isDropping)
            {
                _block.Drop();
                continue;
            }

            if (!_block.TryTake(frame, out bool isComplete))
            {
                frame.Clear();
                _isDropping = true;
                return FrameReadStatus.TooLarge;
            }

            if (isComplete)
            {
                if (!LineBlock.IsBlank(frame))
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

        // Always by way of the buffer, never straight from the caller's memory: a stream that ignores cancellation may look at it after the call.
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
            await _sending.RunAsync(_output.FlushAsync, cancellationToken).ConfigureAwait(false);
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
                await _sending.RunAsync(_ => EndOutputAsync(), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (await _lifetime.TryEndAsync().ConfigureAwait(false) && !_leaveOpen)
        {
            await Task.WhenAll(_receiving.LeaveAsync(), _sending.LeaveAsync()).ConfigureAwait(false);
            await DisposeAsync(_output).ConfigureAwait(false);
            await DisposeAsync(_input).ConfigureAwait(false);
        }
    }

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

    private FrameReadStatus End(FrameBuffer frame)
    {
        int dropped = _block.CountPartial(frame);
        frame.Clear();
        _block.Drop();
        if (dropped > 0)
        {
            PartialLineDropped?.Invoke(dropped);
        }

        return FrameReadStatus.Closed;
    }

    private async ValueTask<bool> TryFillBlockAsync(CancellationToken cancellationToken)
    {
        if (!_hasEnded)
        {
            Task<int>? read = null;
            await _receiving.RunAsync(end => read = _input.ReadAsync(_block.Memory, end).AsTask(), cancellationToken).ConfigureAwait(false);
            int count = await read!.ConfigureAwait(false);
            _block.Fill(count);
            _hasEnded = count == 0;
        }

        return !_hasEnded;
    }

    private void ThrowIfSendingOver(CancellationToken cancellationToken)
    {
        _lifetime.ThrowIfOver(cancellationToken);
        if (_sending.HasFailed)
        {
            // Half a line may have been sent; more would not be a frame.
            throw new TransportException("An earlier call could not send.");
        }
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        if (_unsent.Length > 0)
        {
            await _sending.RunAsync(end => _output.WriteAsync(_unsent.WrittenMemory, end).AsTask(), cancellationToken).ConfigureAwait(false);
            _unsent.Clear();
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
