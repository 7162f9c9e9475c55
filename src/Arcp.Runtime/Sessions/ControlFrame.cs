namespace Arcp.Runtime.Sessions;

/// <summary>A frame without a number, ready to be sent.</summary>
/// <param name="Bytes">The whole frame.</param>
/// <param name="Kept">Until when it is kept to be sent again on a next connection.</param>
internal readonly record struct ControlFrame(ReadOnlyMemory<byte> Bytes, KeptUntil Kept);

/// <summary>Until when a frame without a number is kept.</summary>
internal enum KeptUntil
{
    /// <summary>It is for one connection and goes with it.</summary>
    Disconnect,

    /// <summary>Until it has been sent: other answers to submits.</summary>
    Sent,

    /// <summary>Until a later number shows that it was received: acceptances of new jobs, whose events must not come before them (§7.1).</summary>
    Received,
}
