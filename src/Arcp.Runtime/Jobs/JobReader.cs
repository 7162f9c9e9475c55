namespace Arcp.Runtime.Jobs;

/// <summary>Somebody who reads a job's log at his own pace. The job knows nothing else of him.</summary>
internal abstract class JobReader
{
    /// <summary>The number of the last entry read. Needs the job's lock once the reader is attached.</summary>
    public long Position { get; set; }

    /// <summary>What was read for him from the runtime's store. Needs the job's lock.</summary>
    public LogPage? Page { get; set; }

    /// <summary>The log has grown. Called outside the job's lock, by any thread; must return at once and must not throw.</summary>
    public abstract void OnAppended();

    /// <summary>The reader has held the agent back for too long and no longer does. Called like <see cref="OnAppended"/>.</summary>
    public abstract void OnStalled();
}
