using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>How far a session has read a job's log. Live delivery, resume and history are all: move this.</summary>
internal sealed class JobCursor(Job job, SessionOutbox outbox, bool isSubscription) : JobReader
{
    private int _isReady;

    public Job Job { get; } = job;

    /// <summary>Whether it was opened by a subscribe, and not by the submit.</summary>
    public bool IsSubscription { get; } = isSubscription;

    /// <summary>Whether it waits until the session has been sent the announcement of the job (§10). Needs the outbox's lock.</summary>
    public bool IsWaiting { get; set; }

    /// <inheritdoc/>
    public override void OnAppended()
    {
        // A cursor that is ready is read after it was cleared, which takes the job's lock after this append: then a look is enough.
        if (Volatile.Read(ref _isReady) == 0 && Interlocked.Exchange(ref _isReady, 1) == 0)
        {
            outbox.OnReady(this);
        }
    }

    /// <inheritdoc/>
    public override void OnStalled() => outbox.OnStalled();

    /// <summary>To be called before reading: what is appended from now on makes the cursor ready again.</summary>
    public void ClearReady() => Interlocked.Exchange(ref _isReady, 0);
}
