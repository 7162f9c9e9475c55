using System.Buffers;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite;

/// <summary>Neighbouring entries of one job in one blob: a row for each would be slow and large.</summary>
/// <remarks>Each entry is its tag, the length of its bytes, the length of its secret bytes (all as 7-bit groups, lowest first), then both. Its number follows from its place.</remarks>
internal static class EntryBlock
{
    /// <summary>How large a block may grow, so that reading one entry of it stays cheap. A single entry may be larger.</summary>
    private const int MaxBytes = 256 * 1024;

    /// <summary>Packs entries, given in the order of their numbers.</summary>
    public static IEnumerable<(long First, int Count, byte[] Block)> Pack(IReadOnlyList<StoredEntry> entries)
    {
        var block = new ArrayBufferWriter<byte>();
        int first = 0;
        for (int i = 0; i < entries.Count; i++)
        {
            StoredEntry entry = entries[i];
            if (i > first && block.WrittenCount + entry.Bytes.Length + entry.Secret.Length > MaxBytes)
            {
                yield return (entries[first].Number, i - first, block.WrittenSpan.ToArray());
                block.ResetWrittenCount();
                first = i;
            }

            WriteNumber(block, (ulong)entry.Tag);
            WriteNumber(block, (ulong)entry.Bytes.Length);
            WriteNumber(block, (ulong)entry.Secret.Length);
            block.Write(entry.Bytes.Span);
            block.Write(entry.Secret.Span);
        }

        if (entries.Count > first)
        {
            yield return (entries[first].Number, entries.Count - first, block.WrittenSpan.ToArray());
        }
    }

    /// <summary>Unpacks entries.</summary>
    /// <remarks>They share the block's memory.</remarks>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public static IEnumerable<StoredEntry> Unpack(long first, long count, ReadOnlyMemory<byte> block)
    {
        for (long number = first; number < first + count; number++)
        {
            long tag = (long)ReadNumber(ref block);
            ulong bytes = ReadNumber(ref block);
            ulong secret = ReadNumber(ref block);
            if (bytes > (ulong)block.Length || secret > (ulong)block.Length - bytes)
            {
                throw new InvalidDataException("A block of entries ends too early.");
            }

            yield return new StoredEntry(number, tag, block[..(int)bytes], block.Slice((int)bytes, (int)secret));
            block = block[(int)(bytes + secret)..];
        }

        if (!block.IsEmpty)
        {
            throw new InvalidDataException("A block of entries is too long.");
        }
    }

    private static void WriteNumber(ArrayBufferWriter<byte> block, ulong value)
    {
        const int MaxGroups = 10;
        Span<byte> groups = block.GetSpan(MaxGroups);
        int length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            groups[length++] = (byte)(value | 0x80);
        }

        groups[length++] = (byte)value;
        block.Advance(length);
    }

    private static ulong ReadNumber(ref ReadOnlyMemory<byte> block)
    {
        ulong value = 0;
        for (int i = 0; i < block.Length && i < 10; i++)
        {
            byte group = block.Span[i];
            value |= (ulong)(group & 0x7F) << (7 * i);
            if (group < 0x80)
            {
                block = block[(i + 1)..];
                return value;
            }
        }

        throw new InvalidDataException("A block of entries is cut off.");
    }
}
