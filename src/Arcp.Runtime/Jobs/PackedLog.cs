using Arcp.Core;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Jobs;

/// <summary>The log of a job that has ended, as bytes behind others: its sizes, its entries' sizes and their bytes.</summary>
/// <remarks>Nothing is appended to it any more.</remarks>
internal readonly ref struct PackedLog
{
    private readonly byte[] _bytes;
    private readonly PackedReader _entries;

    /// <summary>Reads a log.</summary>
    /// <param name="bytes">Where it stands.</param>
    /// <param name="reader">A reader of all of these bytes, at the log's beginning.</param>
    public PackedLog(byte[] bytes, PackedReader reader)
    {
        _bytes = bytes;
        Length = reader.ReadNumber();
        Bytes = reader.ReadNumber();
        Evicted = reader.ReadNumber();
        _entries = reader;
    }

    /// <summary>How many entries there have ever been.</summary>
    public long Length { get; }

    /// <summary>The bytes held.</summary>
    public long Bytes { get; }

    /// <summary>How many entries have gone.</summary>
    public long Evicted { get; }

    /// <summary>How many entries are held.</summary>
    public int Count => (int)(Length - Evicted);

    /// <summary>Reads the entries that are held.</summary>
    /// <param name="entries">Where to; <see cref="Count"/> of them.</param>
    public void ReadInto(Span<LogEntry> entries)
    {
        PackedReader reader = _entries;
        foreach (ref LogEntry entry in entries)
        {
            entry = new LogEntry(_bytes, 0, (int)reader.ReadNumber(), (int)reader.ReadNumber(), (Features)reader.ReadNumber(), (EntryKind)reader.ReadNumber());
        }

        int offset = reader.Position; // the first begins behind the last size
        foreach (ref LogEntry entry in entries)
        {
            entry = entry with { Offset = offset };
            offset += entry.Size;
        }
    }

    /// <summary>Writes a log.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="length">How many entries there have ever been.</param>
    /// <param name="bytes">The bytes held.</param>
    /// <param name="entries">The entries that are held.</param>
    public static void Write(FrameBuffer output, long length, long bytes, ReadOnlySpan<LogEntry> entries)
    {
        output.WriteNumber(length);
        output.WriteNumber(bytes);
        output.WriteNumber(length - entries.Length);
        foreach (ref readonly LogEntry entry in entries)
        {
            output.WriteNumber(entry.Length);
            output.WriteNumber(entry.PublicLength);
            output.WriteNumber((long)entry.Required);
            output.WriteNumber((long)entry.Kind);
        }

        foreach (ref readonly LogEntry entry in entries)
        {
            output.TryWrite(entry.Slab.AsSpan(entry.Offset, entry.Size));
        }
    }
}
