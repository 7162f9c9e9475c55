namespace Arcp.Core.Transports;

/// <summary>One block of input and what is left of it, cut into lines (§4).</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class LineBlock
{
    private const int Size = 16 * 1024;
    private const byte LineFeed = (byte)'\n';
    private const byte CarriageReturn = (byte)'\r';

    private readonly byte[] _bytes = new byte[Size];
    private int _start;
    private int _end;

    // A \r that came last belongs to the line only if no \n follows, and must not count against the limit before that is known.
    private bool _hasHeldReturn;

    public bool IsEmpty => _start == _end;

    /// <summary>Where the next block goes once this one is empty.</summary>
    public Memory<byte> Memory => _bytes;

    public static bool IsBlank(FrameBuffer line) => line.WrittenSpan.IndexOfAnyExcept(" \t\r"u8) < 0;

    public void Fill(int count) => (_start, _end) = (0, count);

    public void Drop() => (_start, _end, _hasHeldReturn) = (0, 0, false);

    /// <summary>Moves what the block has of a line into the line, without its end.</summary>
    /// <param name="line">The line so far.</param>
    /// <param name="isComplete">Whether the line's end was reached.</param>
    /// <returns>False when the line is too large.</returns>
    public bool TryTake(FrameBuffer line, out bool isComplete)
    {
        ReadOnlySpan<byte> piece = _bytes.AsSpan(_start, _end - _start);
        int lineFeed = piece.IndexOf(LineFeed);
        isComplete = lineFeed >= 0;
        _start += isComplete ? lineFeed + 1 : piece.Length;
        piece = isComplete ? piece[..lineFeed] : piece;
        if (piece.IsEmpty)
        {
            _hasHeldReturn = false;
            return true;
        }

        if (_hasHeldReturn && !line.TryWrite([CarriageReturn]))
        {
            return false;
        }

        bool endsWithReturn = piece[^1] == CarriageReturn;
        _hasHeldReturn = endsWithReturn && !isComplete;
        return line.TryWrite(endsWithReturn ? piece[..^1] : piece);
    }

    /// <summary>How many bytes of a line came before the input ended without a line feed; blanks do not count.</summary>
    public int CountPartial(FrameBuffer line) => IsBlank(line) ? 0 : line.Length + (_hasHeldReturn ? 1 : 0);
}
