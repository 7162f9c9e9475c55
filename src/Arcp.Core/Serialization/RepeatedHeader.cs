using Arcp.Core.Ids;

namespace Arcp.Core.Serialization;

/// <summary>What the last frame of a connection had in its header: the next one has mostly the same session, job and trace, and then needs no new objects for them.</summary>
/// <remarks>Not thread-safe: one for each loop that reads frames. Which frames were read with it makes no difference to what is read.</remarks>
public sealed class RepeatedHeader
{
    internal SessionId? SessionId { get; private set; }

    internal JobId? JobId { get; private set; }

    internal TraceContext? Trace { get; private set; }

    /// <summary>Remembers a header that was read; what it does not have stays as it was.</summary>
    internal void Take(in FrameHeader header)
    {
        SessionId = header.SessionId ?? SessionId;
        JobId = header.JobId ?? JobId;
        Trace = header.Trace ?? Trace;
    }
}
