namespace Arcp.Client.Jobs;

/// <summary>The child jobs of all generations that are followed because a handle of their forebear is open (§10). Bounded in number and memory. Not thread-safe: the dispatcher's lock guards it.</summary>
/// <param name="capacity">How many jobs.</param>
/// <param name="maxBytes">How many bytes of events are kept of all of them together.</param>
internal sealed class JobFamily(int capacity, long maxBytes)
{
    private readonly List<(JobTracker Parent, JobTracker Child)> _members = [];

    /// <summary>What the events of all members take.</summary>
    public SharedMemory Memory { get; } = new(maxBytes);

    public bool IsFull => _members.Count >= capacity;

    /// <summary>The oldest member that can be let go: it has ended, nobody looks at it, and it has no children that are followed.</summary>
    public JobTracker? Oldest =>
        _members.FirstOrDefault(member => member.Child is { Ended.IsCompleted: true, Handles: 1 } && !_members.Exists(other => other.Parent == member.Child)).Child;

    public void Add(JobTracker parent, JobTracker child)
    {
        child.Handles++;
        _members.Add((parent, child));
    }

    /// <summary>Removes a member because it is let go.</summary>
    public void Remove(JobTracker child) => _members.RemoveAll(member => member.Child == child);

    /// <summary>Removes all members that were followed because of a job.</summary>
    public IReadOnlyList<JobTracker> RemoveChildrenOf(JobTracker parent)
    {
        JobTracker[] children = [.. _members.Where(member => member.Parent == parent).Select(member => member.Child)];
        _members.RemoveAll(member => member.Parent == parent);
        return children;
    }
}
