using System.Diagnostics.CodeAnalysis;

namespace Arcp.Runtime.Sessions;

/// <summary>The cursors of a session that have something to read, in the order in which they got it. A cursor is in it once at most, so it is the list's node itself.</summary>
/// <remarks>Any thread may add; taking needs the outbox's lock.</remarks>
internal struct ReadyCursors
{
    private JobCursor? _added; // the newest first
    private JobCursor? _turned; // the oldest first

    /// <summary>Puts a cursor behind all others.</summary>
    public void Add(JobCursor cursor)
    {
        JobCursor? newest;
        do
        {
            newest = Volatile.Read(ref _added);
            cursor.Next = newest;
        }
        while (Interlocked.CompareExchange(ref _added, cursor, newest) != newest);
    }

    /// <summary>Takes the first cursor; from now on it may be added again.</summary>
    public bool TryTake([NotNullWhen(true)] out JobCursor? cursor)
    {
        if (_turned is null)
        {
            Turn();
        }

        cursor = _turned;
        if (cursor is null)
        {
            return false;
        }

        _turned = cursor.Next;
        cursor.Next = null;
        return true;
    }

    private void Turn()
    {
        JobCursor? next = Interlocked.Exchange(ref _added, null);
        while (next is { } cursor)
        {
            next = cursor.Next;
            cursor.Next = _turned;
            _turned = cursor;
        }
    }
}
