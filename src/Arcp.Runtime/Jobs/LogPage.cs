using Arcp.Core.Ids;

namespace Arcp.Runtime.Jobs;

/// <summary>A part of a job's log, read from the runtime's store because memory no longer holds it.</summary>
/// <param name="jobId">The job.</param>
/// <param name="first">The number of the first entry.</param>
/// <param name="entries">The entries.</param>
internal sealed class LogPage(JobId jobId, long first, LogEntry[] entries)
{
    /// <summary>Whether the entry behind a position is here.</summary>
    public bool Continues(JobId wanted, long position) => jobId == wanted && position + 1 >= first && position + 1 < first + entries.Length;

    /// <summary>Hands entries to a sink; see <see cref="JobLog.Read"/>.</summary>
    /// <param name="position">The number of the last entry that was read, which the page continues; moved on.</param>
    /// <param name="sink">Takes them until it is full.</param>
    public void Read<TSink>(ref long position, ref TSink sink)
        where TSink : struct, ILogSink
    {
        SinkAnswer answer = SinkAnswer.More;
        while (answer is SinkAnswer.More && position + 1 < first + entries.Length)
        {
            answer = sink.Accept(position + 1, entries[position + 1 - first]);
            position += answer is SinkAnswer.NotTaken ? 0 : 1;
        }
    }
}
