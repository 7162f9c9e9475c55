namespace Arcp.Runtime.Jobs;

/// <summary>Takes entries out of a <see cref="JobLog"/>. Called under the job's lock: copy and return.</summary>
internal interface ILogSink
{
    /// <summary>Takes an entry.</summary>
    /// <param name="number">Its number in the job's log, from 1.</param>
    /// <param name="entry">The entry.</param>
    /// <returns>Whether there is room for more.</returns>
    bool Accept(long number, in LogEntry entry);
}
