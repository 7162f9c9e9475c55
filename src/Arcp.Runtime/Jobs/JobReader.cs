namespace Arcp.Runtime.Jobs;

/// <summary>Somebody who reads a job's log at his own pace and wants to hear when it has grown. The job knows nothing else of him.</summary>
internal abstract class JobReader
{
    /// <summary>The log has grown. Called outside the job's lock, by any thread; must return at once and must not throw.</summary>
    public abstract void OnAppended();
}
