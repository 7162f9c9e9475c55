using System.Buffers.Binary;

namespace Arcp.Runtime.Jobs;

/// <summary>A record in the archive. It never changes.</summary>
/// <remarks>It is kept whole, or as what makes it differ from another record of the same block that is kept whole, its model.</remarks>
/// <param name="Block">Where it lies.</param>
/// <param name="Offset">Where it begins there.</param>
internal readonly record struct ArchivedRecord(ArchiveBlock Block, int Offset)
{
    // In front of what is kept: the record's length, how many bytes are kept, where its model begins (its own beginning when it is kept whole), its origin, its id's hash,
    // and where the record before it lies whose hash is like this one, + 1.
    private const int SizeAt = 2;
    private const int ModelAt = 4;
    private const int OriginAt = 8;
    private const int HashAt = 12;
    private const int PreviousAt = 16;
    private const int HeadSize = 20;

    /// <summary>How many bytes the record has.</summary>
    public int Length => BinaryPrimitives.ReadUInt16LittleEndian(Block.Bytes[Offset..]);

    public JobOrigin Origin => Block.OriginOf(ReadInt32(OriginAt));

    /// <summary>Of the id that it was added with.</summary>
    public int Hash => ReadInt32(HashAt);

    /// <summary>Where another record of its block lies whose hash is like this one, + 1; 0 = there is none.</summary>
    public int Previous => ReadInt32(PreviousAt);

    /// <summary>Where the next record of the block begins.</summary>
    public int End => Offset + HeadSize + Kept;

    /// <summary>Where it lies, as a number.</summary>
    public long Place => (Block.Number * ArchiveBlock.Size) + Offset;

    private int Kept => BinaryPrimitives.ReadUInt16LittleEndian(Block.Bytes[(Offset + SizeAt)..]);

    /// <summary>The most room that a record of a length may take.</summary>
    public static int MaxSize(int length) => HeadSize + Difference.MaxSize(length);

    /// <summary>Copies the record, as far as there is room for it.</summary>
    public void CopyTo(Span<byte> destination)
    {
        destination = destination[..Math.Min(destination.Length, Length)];
        ReadOnlySpan<byte> kept = Block.Bytes.Slice(Offset + HeadSize, Kept);
        int model = ReadInt32(ModelAt);
        if (model == Offset + HeadSize)
        {
            kept[..destination.Length].CopyTo(destination);
        }
        else
        {
            Difference.Apply(kept, Block.Bytes[model..], destination);
        }
    }

    /// <summary>Writes a record, where <see cref="MaxSize"/> bytes are free.</summary>
    /// <param name="block">Where to.</param>
    /// <param name="offset">Where it begins there.</param>
    /// <param name="content">The record.</param>
    /// <param name="model">A record of the block that is kept whole, length 0 = none; this one from now on, when it is not much like it.</param>
    /// <param name="origin">See <see cref="Origin"/>.</param>
    /// <param name="hash">See <see cref="Hash"/>.</param>
    /// <param name="previous">See <see cref="Previous"/>.</param>
    /// <returns>How many bytes it takes.</returns>
    public static int Write(Span<byte> block, int offset, ReadOnlySpan<byte> content, ref (int Start, int Length) model, int origin, int hash, int previous)
    {
        int start = offset + HeadSize;
        Span<byte> kept = block[start..];
        int size = Difference.Write(content, block.Slice(model.Start, model.Length), kept);
        if (size > content.Length / 4 * 3)
        {
            content.CopyTo(kept);
            size = content.Length;
            model = (start, size);
        }

        Span<byte> head = block.Slice(offset, HeadSize);
        BinaryPrimitives.WriteUInt16LittleEndian(head, (ushort)content.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(head[SizeAt..], (ushort)size);
        BinaryPrimitives.WriteInt32LittleEndian(head[ModelAt..], model.Start);
        BinaryPrimitives.WriteInt32LittleEndian(head[OriginAt..], origin);
        BinaryPrimitives.WriteInt32LittleEndian(head[HashAt..], hash);
        BinaryPrimitives.WriteInt32LittleEndian(head[PreviousAt..], previous);
        return HeadSize + size;
    }

    private int ReadInt32(int at) => BinaryPrimitives.ReadInt32LittleEndian(Block.Bytes[(Offset + at)..]);
}
