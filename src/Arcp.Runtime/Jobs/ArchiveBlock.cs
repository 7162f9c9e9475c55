using System.Buffers.Binary;
using System.Text;

namespace Arcp.Runtime.Jobs;

/// <summary>A block of the archive: records one behind the other, the origins they refer to, and what it takes to find a record by its id.</summary>
/// <remarks>Adding and finding need the archive's lock; a record never changes, and may be read without.</remarks>
/// <param name="number">The number of the block; they count up.</param>
internal sealed class ArchiveBlock(long number)
{
    /// <summary>How many bytes of records it has room for.</summary>
    public const int Size = 256 * 1024;

    /// <summary>How many kinds of records are told apart; a power of two. Two that fall together take turns to be kept whole.</summary>
    private const int Kinds = 8;

    /// <summary>A power of two.</summary>
    private const int Chains = 256;

    /// <summary>How much of an id tells which blocks may have it: a ULID's time stands there, so that they are few.</summary>
    private const int PrefixLength = 16;

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Size);
    private readonly (int Start, int Length)[] _models = new (int Start, int Length)[Kinds];
    private readonly int[] _chains = new int[Chains]; // where the record lies that was added last, + 1
    private readonly List<JobOrigin> _origins = [];
    private readonly Dictionary<JobOrigin, int> _originNumbers = new(ReferenceEqualityComparer.Instance);
    private UInt128 _lowest = UInt128.MaxValue;
    private UInt128 _highest;

    public long Number => number;

    /// <summary>How many bytes are taken.</summary>
    public int Used { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes;

    public JobOrigin OriginOf(int originNumber) => _origins[originNumber];

    /// <summary>Adds a record.</summary>
    /// <returns>False, and nothing happens, when there is no room for it.</returns>
    /// <inheritdoc cref="JobArchive.Add"/>
    public bool TryAdd(ReadOnlySpan<byte> content, JobOrigin origin, string? id, out ArchivedRecord record)
    {
        record = new ArchivedRecord(this, Used);
        if (ArchivedRecord.MaxSize(content.Length) > Size - Used)
        {
            return false;
        }

        int originNumber = NumberOf(origin);
        int hash = id is null ? 0 : string.GetHashCode(id);
        int previous = id is null ? 0 : Link(id, hash);
        ref (int Start, int Length) model = ref _models[originNumber & (Kinds - 1)];
        Used += ArchivedRecord.Write(_bytes, Used, content, ref model, originNumber, hash, previous);
        return true;
    }

    /// <summary>Finds a record by the id that it was added with.</summary>
    /// <param name="id">The id.</param>
    /// <param name="isIt">Whether a record has this id, and not one with the same hash.</param>
    /// <param name="record">The record.</param>
    public bool TryFind(string id, Predicate<ArchivedRecord> isIt, out ArchivedRecord record)
    {
        record = default;
        UInt128 prefix = PrefixOf(id);
        if (prefix < _lowest || prefix > _highest)
        {
            return false;
        }

        int hash = string.GetHashCode(id);
        for (int next = _chains[hash & (Chains - 1)]; next != 0; next = record.Previous)
        {
            record = new ArchivedRecord(this, next - 1);
            if (record.Hash == hash && isIt(record))
            {
                return true;
            }
        }

        return false;
    }

    private int Link(string id, int hash)
    {
        UInt128 prefix = PrefixOf(id);
        _lowest = UInt128.Min(_lowest, prefix);
        _highest = UInt128.Max(_highest, prefix);
        ref int chain = ref _chains[hash & (Chains - 1)];
        int previous = chain;
        chain = Used + 1;
        return previous;
    }

    private int NumberOf(JobOrigin origin)
    {
        if (!_originNumbers.TryGetValue(origin, out int known))
        {
            known = _origins.Count;
            _origins.Add(origin);
            _originNumbers.Add(origin, known);
        }

        return known;
    }

    private static UInt128 PrefixOf(string id)
    {
        Span<byte> prefix = stackalloc byte[PrefixLength];
        prefix.Clear();
        Encoding.UTF8.TryGetBytes(id, prefix, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(prefix);
    }
}
