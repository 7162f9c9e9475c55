namespace Arcp.Client.Collections;

/// <summary>A set that forgets its oldest members beyond a capacity. Not thread-safe.</summary>
internal sealed class BoundedSet<T>(int capacity)
    where T : notnull
{
    private readonly Queue<T> _order = new();
    private readonly HashSet<T> _members = [];

    public bool Contains(T member) => _members.Contains(member);

    public void Add(T member)
    {
        if (!_members.Add(member))
        {
            return;
        }

        _order.Enqueue(member);
        if (_order.Count > capacity)
        {
            _members.Remove(_order.Dequeue());
        }
    }
}
