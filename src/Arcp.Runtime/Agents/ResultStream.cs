using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Arcp.Core;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>Streams a job's result in chunks (§8.4). Made by <see cref="JobContext.OpenResultStream"/>; <see cref="CompleteAsync"/> ends it, and a job whose agent returns without that fails.</summary>
/// <remarks>
/// Write-only, for one writer at a time. A chunk is emitted when it is full (see <see cref="ArcpRuntimeOptions.MaxResultChunkBytes"/>), when more is
/// flushed, and at the end. Text is never cut inside a character. Writing waits while a connected submitter is far behind.
/// </remarks>
public sealed class ResultStream : Stream
{
    private readonly IResultSink _sink;
    private readonly ResultEncoding _encoding;
    private readonly long _maxBytes;
    private readonly int _maxChunk;
    private byte[] _buffer = [];
    private int _buffered;
    private long _length;
    private bool _isOver;

    internal ResultStream(IResultSink sink, ResultEncoding encoding, ArcpRuntimeOptions options)
    {
        _sink = sink;
        _encoding = encoding;
        _maxBytes = options.MaxResultBytes;
        _maxChunk = encoding is ResultEncoding.Base64 ? options.MaxResultChunkBytes / 4 * 3 : options.MaxResultChunkBytes;
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => !_isOver;

    /// <summary>How many bytes were written, before any encoding.</summary>
    public override long Length => _length;

    /// <inheritdoc/>
    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException("A result stream cannot seek.");
    }

    /// <summary>How the job ends by this result; null while it is open or has failed.</summary>
    internal JobOutcome? Outcome { get; private set; }

    /// <summary>Writes text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Looked at before the writing.</param>
    /// <exception cref="ArcpException"><c>INTERNAL_ERROR</c>: the result is larger than the host allows; the stream has failed.</exception>
    /// <exception cref="OperationCanceledException">The job has ended.</exception>
    public ValueTask WriteAsync(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArcpException"><c>INTERNAL_ERROR</c>: the result is larger than the host allows; the stream has failed.</exception>
    /// <exception cref="InvalidDataException">What is to be sent as text is not UTF-8; the stream has failed.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfOver();
        cancellationToken.ThrowIfCancellationRequested();
        if (buffer.Length > _maxBytes - _length)
        {
            _isOver = true;
            throw new ArcpException(ErrorCode.InternalError, $"The result is larger than the limit of {_maxBytes} bytes.", retryable: false);
        }

        _length += buffer.Length;
        while (!buffer.IsEmpty)
        {
            if (_buffered == _maxChunk)
            {
                await EmitAsync(more: true).ConfigureAwait(false); // not before there is more, so that the last chunk is known to be it
            }

            int taken = Math.Min(buffer.Length, _maxChunk - _buffered);
            if (_buffered + taken > _buffer.Length)
            {
                Array.Resize(ref _buffer, Math.Min(_maxChunk, Math.Max(_buffered + taken, 2 * _buffer.Length))); // most results are small
            }

            buffer.Span[..taken].CopyTo(_buffer.AsSpan(_buffered));
            _buffered += taken;
            buffer = buffer[taken..];
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Emits what is written as a chunk, so that watchers see it now.</summary>
    /// <param name="cancellationToken">Looked at before the writing.</param>
    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        ThrowIfOver();
        cancellationToken.ThrowIfCancellationRequested();
        return _buffered == 0 ? Task.CompletedTask : EmitAsync(more: true).AsTask();
    }

    /// <summary>Ends the result: the last chunk is emitted, and the job succeeds with it when its agent returns.</summary>
    /// <param name="summary">A line for people.</param>
    public async ValueTask CompleteAsync(string? summary = null)
    {
        ThrowIfOver();
        await EmitAsync(more: false).ConfigureAwait(false);
        _isOver = true;
        Outcome = _sink.Finish(_length, summary);
    }

    /// <summary>Not supported: writing may wait.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Use WriteAsync: writing may wait for a reader.");

    /// <summary>Not supported: writing may wait.</summary>
    public override void Flush() => throw new NotSupportedException("Use FlushAsync: writing may wait for a reader.");

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A result stream cannot be read.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A result stream cannot seek.");

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException("A result stream cannot seek.");

    private async ValueTask EmitAsync(bool more)
    {
        int count = _encoding is ResultEncoding.Utf8 ? WholeCharacters(more) : _buffered;
        if (count == 0 && more)
        {
            return; // the beginning of a character; its rest is to come
        }

        await _sink.WriteAsync(_buffer.AsMemory(0, count), more).ConfigureAwait(false);
        _buffer.AsSpan(count, _buffered - count).CopyTo(_buffer);
        _buffered -= count;
    }

    // A character has four bytes at most: only the last three bytes can be the beginning of one.
    private int WholeCharacters(bool more)
    {
        ReadOnlySpan<byte> written = _buffer.AsSpan(0, _buffered);
        int count = written.Length;
        if (more && Rune.DecodeLastFromUtf8(written, out _, out int consumed) is OperationStatus.NeedMoreData)
        {
            count -= consumed;
        }

        if (!Utf8.IsValid(written[..count]))
        {
            _isOver = true;
            throw new InvalidDataException("A result that is sent as text must be UTF-8.");
        }

        return count;
    }

    private void ThrowIfOver()
    {
        if (_isOver)
        {
            throw new InvalidOperationException("The result stream has ended.");
        }
    }
}

/// <summary>How the bytes of a streamed result stand in its chunks (§8.4).</summary>
public enum ResultEncoding
{
    /// <summary>As text; the bytes must be UTF-8.</summary>
    Utf8,

    /// <summary>As base64; for any bytes.</summary>
    Base64,
}
