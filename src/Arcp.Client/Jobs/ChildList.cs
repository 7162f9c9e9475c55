using Arcp.Core.Events;
using Arcp.Core.Ids;

namespace Arcp.Client.Jobs;

/// <summary>The child jobs that a job has announced (§10), in that order. Bounded: beyond the capacity the oldest are forgotten.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ChildList(int capacity)
{
    private readonly Lock _gate = new();
    private readonly OrderedDictionary<JobId, DelegateEvent> _children = [];

    /// <summary>The children so far.</summary>
    public IReadOnlyList<DelegateEvent> ToList()
    {
        lock (_gate)
        {
            return [.. _children.Values];
        }
    }

    public DelegateEvent? Find(JobId childId)
    {
        lock (_gate)
        {
            return _children.GetValueOrDefault(childId);
        }
    }

    /// <summary>Takes a child; announced again, it stays where it is and what is said last of it counts.</summary>
    public void Add(DelegateEvent child)
    {
        lock (_gate)
        {
            _children[child.ChildJobId] = child;
            if (_children.Count > capacity)
            {
                _children.RemoveAt(0);
            }
        }
    }
}
