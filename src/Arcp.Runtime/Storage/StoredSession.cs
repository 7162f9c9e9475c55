using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>A session as a store keeps it (§6.3).</summary>
public sealed record StoredSession
{
    /// <summary>Its id.</summary>
    public required SessionId Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required StoredPrincipal Principal { get; init; }

    /// <summary>What was negotiated, as a bit set.</summary>
    public required int Features { get; init; }

    /// <summary>The SHA-256 of its resume token.</summary>
    public required ReadOnlyMemory<byte> TokenHash { get; init; }

    /// <summary>Since when it has had no connection; null = it had one when the store was last written.</summary>
    public DateTimeOffset? DetachedAt { get; init; }

    /// <summary>The highest number sent; 0 = none.</summary>
    public long LastSeq { get; init; }

    /// <summary>The highest number that can no longer be asked for.</summary>
    public long Floor { get; init; }

    /// <summary>What the numbers above the floor stand for, in their order, with nothing missing, in the runs they were committed in. The first may reach below the floor.</summary>
    public IReadOnlyList<StoredFrames> Sent { get; init; } = [];

    /// <summary>The jobs it reads.</summary>
    public IReadOnlyList<StoredCursor> Cursors { get; init; } = [];
}

/// <summary>Frames of a session with neighbouring numbers that stand for neighbouring entries of one job's log.</summary>
/// <param name="FirstSeq">The number of the first.</param>
/// <param name="Count">How many; at least 1.</param>
/// <param name="JobId">The job.</param>
/// <param name="FirstEntry">The entry that the first stands for; 0 = one frame that stands in no log.</param>
/// <param name="Size">Their bytes.</param>
/// <param name="OwnTail">The bytes of a frame that stands in no log; else empty.</param>
public readonly record struct StoredFrames(long FirstSeq, long Count, JobId JobId, long FirstEntry, long Size, ReadOnlyMemory<byte> OwnTail);

/// <summary>A session's cursor on a job.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Position">The number of the last entry that was sent, or is not wanted.</param>
/// <param name="IsSubscription">Whether a subscribe opened it, and not the submit.</param>
public readonly record struct StoredCursor(JobId JobId, long Position, bool IsSubscription);
