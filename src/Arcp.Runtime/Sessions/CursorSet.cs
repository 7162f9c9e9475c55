using System.Diagnostics.CodeAnalysis;
using Arcp.Core.Ids;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>The cursors of a session, and which of them have something to read.</summary>
/// <remarks>Needs the outbox's lock, but for <see cref="MarkReady"/>, which any thread may call.</remarks>
internal sealed class CursorSet
{
    private static readonly Dictionary<JobId, JobCursor> None = [];

    private Dictionary<JobId, JobCursor> _cursors = None;
    private ReadyCursors _ready;

    public int Count => _cursors.Count;

    /// <summary>How many of them were opened by a subscribe.</summary>
    public int Subscriptions { get; private set; }

    /// <summary>Whether no job of the session's own has lost what has to be read of it next. A subscription that has ends by itself, visibly.</summary>
    public bool AreHeld => _cursors.All(static entry => entry.Value.IsSubscription || entry.Value.Job.Feed.Holds(entry.Value));

    public bool Contains(JobId jobId) => _cursors.ContainsKey(jobId);

    public bool TryGet(JobId jobId, [NotNullWhen(true)] out JobCursor? cursor) => _cursors.TryGetValue(jobId, out cursor);

    /// <summary>Adds a cursor and attaches it to its job.</summary>
    /// <param name="cursor">The cursor.</param>
    /// <param name="holdsBack">Whether it slows the job's agent when the session does not keep up.</param>
    /// <returns>The job at that moment.</returns>
    public JobSnapshot Add(JobCursor cursor, bool holdsBack = false)
    {
        if (_cursors == None)
        {
            _cursors = []; // most sessions that only wait never have any
        }

        _cursors.Add(cursor.Job.Spec.Id, cursor);
        Subscriptions += cursor.IsSubscription ? 1 : 0;
        return cursor.Job.Attach(cursor, holdsBack);
    }

    /// <summary>Lets a cursor read that waited for its job's announcement.</summary>
    public void Open(JobId jobId)
    {
        if (_cursors.TryGetValue(jobId, out JobCursor? cursor) && cursor.IsWaiting)
        {
            cursor.IsWaiting = false;
            cursor.OnAppended();
        }
    }

    public void Remove(JobCursor cursor)
    {
        _cursors.Remove(cursor.Job.Spec.Id);
        Subscriptions -= cursor.IsSubscription ? 1 : 0;
        cursor.Job.Detach(cursor);
    }

    public void Clear()
    {
        foreach (JobCursor cursor in _cursors.Values.ToArray())
        {
            Remove(cursor);
        }
    }

    /// <summary>A submitter that is connected slows its agents; one that is away never does.</summary>
    public void HoldBack(bool holdsBack)
    {
        foreach ((_, JobCursor cursor) in _cursors)
        {
            if (!cursor.IsSubscription)
            {
                cursor.Job.Feed.SetHoldsBack(cursor, holdsBack);
            }
        }
    }

    /// <summary>Puts a cursor at the end of those that have something to read.</summary>
    public void MarkReady(JobCursor cursor) => _ready.Add(cursor);

    /// <summary>Takes the next cursor that has something to read; what is appended from now on makes it ready again.</summary>
    public bool TryTakeReady([NotNullWhen(true)] out JobCursor? cursor)
    {
        while (_ready.TryTake(out cursor))
        {
            cursor.ClearReady();
            if (_cursors.TryGetValue(cursor.Job.Spec.Id, out JobCursor? current) && current == cursor && !cursor.IsWaiting)
            {
                return true; // it was not closed since it became ready
            }
        }

        return false;
    }
}
