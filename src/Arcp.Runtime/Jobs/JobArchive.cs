using Arcp.Core.Ids;

namespace Arcp.Runtime.Jobs;

/// <summary>Where what is left of jobs that have ended lies side by side, in the order of their ends, in blocks that the collector does not move.</summary>
/// <remarks>
/// Thread-safe. Small jobs are many, are kept for long and are much alike: of most, only what differs from an earlier one is kept, and nothing of it is an object.
/// Records go in the order in which they came, and a block with the last of its records.
/// </remarks>
internal sealed class JobArchive
{
    /// <summary>The largest record that is kept, in bytes.</summary>
    public const int LargestRecord = 8 * 1024;

    private readonly Lock _lock = new();
    private readonly List<ArchiveBlock> _blocks = []; // without gaps in their numbers
    private int _oldest; // where the oldest record begins, in the first block

    /// <summary>Adds a record behind all others.</summary>
    /// <param name="content">At most <see cref="LargestRecord"/> bytes.</param>
    /// <param name="origin">What its job has in common with others; those of one origin are likely to be alike.</param>
    /// <param name="id">What it is found by; null = it is not.</param>
    /// <param name="record">The record.</param>
    public void Add(ReadOnlySpan<byte> content, JobOrigin origin, string? id, out ArchivedRecord record)
    {
        lock (_lock)
        {
            record = default;
            if (_blocks.Count == 0 || !_blocks[^1].TryAdd(content, origin, id, out record))
            {
                _blocks.Add(new ArchiveBlock(_blocks.Count == 0 ? 0 : _blocks[^1].Number + 1));
                _blocks[^1].TryAdd(content, origin, id, out record);
            }
        }
    }

    /// <summary>Finds a record by its id, also for some time after it has gone.</summary>
    public bool TryFind(JobId id, out ArchivedRecord record)
    {
        lock (_lock)
        {
            for (int i = _blocks.Count - 1; i >= 0; i--)
            {
                if (_blocks[i].TryFind(id.Value, candidate => new PackedJob(candidate).Id == id, out record))
                {
                    return true;
                }
            }

            record = default;
            return false;
        }
    }

    /// <summary>The record at a place; it must not have gone.</summary>
    /// <param name="place">See <see cref="ArchivedRecord.Place"/>.</param>
    public ArchivedRecord At(long place)
    {
        lock (_lock)
        {
            return new ArchivedRecord(_blocks[(int)((place / ArchiveBlock.Size) - _blocks[0].Number)], (int)(place % ArchiveBlock.Size));
        }
    }

    /// <summary>The oldest record.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryPeek(out ArchivedRecord record)
    {
        lock (_lock)
        {
            while (_blocks.Count > 1 && _oldest == _blocks[0].Used)
            {
                _blocks.RemoveAt(0);
                _oldest = 0;
            }

            bool isThere = _blocks.Count > 0 && _oldest < _blocks[0].Used;
            record = isThere ? new ArchivedRecord(_blocks[0], _oldest) : default;
            return isThere;
        }
    }

    /// <summary>The oldest record goes; there must be one.</summary>
    public void Take()
    {
        lock (_lock)
        {
            _oldest = new ArchivedRecord(_blocks[0], _oldest).End;
        }
    }
}
