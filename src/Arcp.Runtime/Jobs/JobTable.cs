using System.Diagnostics.CodeAnalysis;

namespace Arcp.Runtime.Jobs;

/// <summary>All jobs by their numbers, which count up: while they are at work as objects, and when they have ended as places in the archive.</summary>
/// <remarks>Thread-safe. Calls nobody but the archive with its lock held.</remarks>
internal sealed class JobTable(JobEnvironment environment)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, Page> _pages = [];
    private Page? _last;
    private long _next = 1; // 0 is no job's number
    private int _count;

    /// <summary>How many there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The numbers of all there are.</summary>
    public long[] Numbers
    {
        get
        {
            lock (_lock)
            {
                return [.. _pages.Keys.SelectMany(page => Enumerable.Range(0, Page.Size).Select(index => (page * Page.Size) + index)).Where(number => TryLocateNeedsLock(number, out _, out _))];
            }
        }
    }

    /// <summary>Adds a job.</summary>
    /// <returns>Its number.</returns>
    public long Add(Job job)
    {
        lock (_lock)
        {
            int index = (int)(_next % Page.Size);
            if (_last is null || index == 0)
            {
                RemoveIfEmptyNeedsLock(_next - 1);
                _pages.Add(_next / Page.Size, _last = new Page());
            }

            _last.Jobs[index] = job;
            _last.Count++;
            _count++;
            return _next++;
        }
    }

    /// <summary>From now on a job is what lies in the archive.</summary>
    /// <returns>False, and nothing happens, when it is not among them any more.</returns>
    public bool Pack(long number, ArchivedRecord record)
    {
        lock (_lock)
        {
            if (!TryLocateNeedsLock(number, out Page? page, out int index))
            {
                return false;
            }

            page.Jobs[index] = null;
            page.Places[index] = record.Place + 1;
            return true;
        }
    }

    /// <summary>Removes a job.</summary>
    /// <returns>False, and nothing happens, when it is not among them any more.</returns>
    public bool Remove(long number)
    {
        lock (_lock)
        {
            if (!TryLocateNeedsLock(number, out Page? page, out int index))
            {
                return false;
            }

            page.Jobs[index] = null;
            page.Places[index] = 0;
            _count--;
            page.Count--;
            if (page != _last)
            {
                RemoveIfEmptyNeedsLock(number);
            }

            return true;
        }
    }

    /// <summary>A job; null when it is not among them any more.</summary>
    public KnownJob? Find(long number)
    {
        lock (_lock)
        {
            return FindNeedsLock(number);
        }
    }

    private KnownJob? FindNeedsLock(long number) => !TryLocateNeedsLock(number, out Page? page, out int index) ? null
        : page.Jobs[index]?.Known ?? new KnownJob(environment, new PackedJob(environment.Archive.At(page.Places[index] - 1)));

    private bool TryLocateNeedsLock(long number, [NotNullWhen(true)] out Page? page, out int index)
    {
        index = (int)(number % Page.Size);
        return _pages.TryGetValue(number / Page.Size, out page) && (page.Jobs[index] is not null || page.Places[index] != 0);
    }

    private void RemoveIfEmptyNeedsLock(long number)
    {
        if (_pages.TryGetValue(number / Page.Size, out Page? page) && page.Count == 0)
        {
            _pages.Remove(number / Page.Size);
        }
    }

    /// <summary>Neighbouring numbers.</summary>
    private sealed class Page
    {
        public const int Size = 512;

        public Job?[] Jobs { get; } = new Job?[Size];

        /// <summary>Places in the archive, + 1; 0 = none.</summary>
        public long[] Places { get; } = new long[Size];

        /// <summary>How many of the numbers are there.</summary>
        public int Count { get; set; }
    }
}
