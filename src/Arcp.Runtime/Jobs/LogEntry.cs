using Arcp.Core;

namespace Arcp.Runtime.Jobs;

/// <summary>What an entry of a job's log is, as far as those who send it have to know.</summary>
internal enum EntryKind : byte
{
    /// <summary>An event.</summary>
    Event,

    /// <summary>The event that announces a child job (§10): whoever reads the child may do so from here on.</summary>
    ChildAnnounced,

    /// <summary>The terminal frame, the last entry.</summary>
    Terminal,
}

/// <summary>One entry of a job's log: the bytes that all sessions share.</summary>
/// <param name="Slab">Where the bytes are.</param>
/// <param name="Offset">Where they begin.</param>
/// <param name="Length">How many there are.</param>
/// <param name="PublicLength">When the entry holds a secret: how many bytes without it follow, for all but the job's principal; else 0.</param>
/// <param name="Required">The feature a session needs to receive it (§6.2).</param>
/// <param name="Kind">What it is.</param>
internal readonly record struct LogEntry(byte[] Slab, int Offset, int Length, int PublicLength, Features Required, EntryKind Kind)
{
    /// <summary>All bytes held for the entry.</summary>
    public int Size => Length + PublicLength;

    /// <summary>The frame's tail without a secret.</summary>
    public ReadOnlyMemory<byte> PublicTail => Slab.AsMemory(PublicOffset, PublicSize);

    /// <summary>The frame's tail.</summary>
    /// <param name="isOwner">Whether it is for the job's principal, who alone is sent secrets (§9.8).</param>
    public ReadOnlySpan<byte> TailFor(bool isOwner) =>
        isOwner ? Slab.AsSpan(Offset, Length) : Slab.AsSpan(PublicOffset, PublicSize);

    private int PublicOffset => PublicLength == 0 ? Offset : Offset + Length;

    private int PublicSize => PublicLength == 0 ? Length : PublicLength;
}

/// <summary>An entry that is to be appended.</summary>
internal readonly ref struct NewEntry
{
    /// <summary>Its bytes, followed by those of its public form when there is one.</summary>
    public required ReadOnlySpan<byte> Bytes { get; init; }

    /// <summary>How many of the bytes are the public form; 0 = there is only one form.</summary>
    public int PublicLength { get; init; }

    /// <summary>The bytes with the secret, encrypted for the runtime's store; null = there is no secret or no store.</summary>
    public byte[]? Sealed { get; init; }

    /// <summary>The feature a session needs to receive it.</summary>
    public Features Required { get; init; }

    /// <summary>What it is.</summary>
    public EntryKind Kind { get; init; }
}
