namespace Arcp.Runtime.Sessions;

/// <summary>A frame without a number, ready to be sent.</summary>
/// <param name="Bytes">The whole frame.</param>
/// <param name="OutlivesConnection">Whether it is sent on the next connection when this one ends before it was sent: the answers to submits are.</param>
internal readonly record struct ControlFrame(ReadOnlyMemory<byte> Bytes, bool OutlivesConnection)
{
    /// <summary>Whether it comes again until a later number shows that it was received: the acceptances of new jobs, which no frame of the job may precede (§7.1).</summary>
    public bool UntilReceived { get; init; }

    /// <summary>Whether all that it shows is committed already, or it shows nothing that has to be: then it waits for no commit.</summary>
    public bool IsCommitted { get; init; }

    /// <summary>Whether no event comes behind it.</summary>
    public bool IsLast { get; init; }
}
