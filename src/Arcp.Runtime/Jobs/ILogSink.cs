namespace Arcp.Runtime.Jobs;

/// <summary>Takes entries out of a <see cref="JobLog"/>. Called under the job's lock: copy and return.</summary>
internal interface ILogSink
{
    /// <summary>Takes an entry.</summary>
    /// <param name="number">Its number in the job's log, from 1.</param>
    /// <param name="entry">The entry.</param>
    SinkAnswer Accept(long number, in LogEntry entry);
}

/// <summary>What became of an entry that was offered to a sink.</summary>
internal enum SinkAnswer
{
    /// <summary>It was taken, and there is room for more.</summary>
    More,

    /// <summary>It was taken, and there is no room for more.</summary>
    Full,

    /// <summary>It was not taken and has to be offered again.</summary>
    NotTaken,
}
