namespace Arcp.Runtime.Jobs;

/// <summary>Who keeps count of jobs.</summary>
internal interface IJobOwner
{
    /// <summary>A job is about to end, once. Called under the job's lock, before anybody can see the end: count, and call nobody.</summary>
    void OnEnding(Job job);

    /// <summary>A job has ended, once. Called outside its lock.</summary>
    void OnEnded(Job job);
}
