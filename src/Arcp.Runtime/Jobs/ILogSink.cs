using Arcp.Core;

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

/// <summary>One entry of a job's log: the bytes that all sessions share.</summary>
/// <param name="Slab">Where the bytes are.</param>
/// <param name="Offset">Where they begin.</param>
/// <param name="Length">How many there are.</param>
/// <param name="Required">The feature a session needs to receive it (§6.2).</param>
/// <param name="IsTerminal">Whether it is the job's last.</param>
internal readonly record struct LogEntry(byte[] Slab, int Offset, int Length, Features Required, bool IsTerminal)
{
    public ReadOnlySpan<byte> Tail => Slab.AsSpan(Offset, Length);
}
