namespace Arcp.Runtime.Jobs;

/// <summary>Who keeps count of jobs.</summary>
internal interface IJobOwner
{
    /// <summary>A job is about to end, once. Called under the job's lock, before anybody can see the end: count, and call nobody.</summary>
    void OnEnding(Job job);

    /// <summary>A job's end is decided, once; what was lent to it has to be taken back before the end is shown by <see cref="JobSignal.TakenBack"/>. Called outside its lock; must return at once.</summary>
    void OnSettling(Job job);

    /// <summary>A job has ended, once. Called outside its lock.</summary>
    void OnEnded(Job job);
}
