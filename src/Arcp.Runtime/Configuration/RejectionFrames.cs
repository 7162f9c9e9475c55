namespace Arcp.Runtime.Configuration;

/// <summary>How a refused submit, cancel or subscribe is answered (§12). Clients in the field read the one or the other.</summary>
public enum RejectionFrames
{
    /// <summary>A <c>session.error</c> and then a <c>job.error</c> without a job. The default.</summary>
    Both,

    /// <summary>Only the <c>session.error</c>.</summary>
    SessionOnly,

    /// <summary>Only the <c>job.error</c>.</summary>
    JobOnly,
}
