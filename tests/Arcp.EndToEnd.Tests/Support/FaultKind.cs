namespace Arcp.EndToEnd.Tests.Support;

/// <summary>What a <see cref="ChaosProxy"/> does to a connection.</summary>
internal enum FaultKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Both ends are closed.</summary>
    Cut,

    /// <summary>Both ends are reset.</summary>
    Reset,

    /// <summary>One direction waits, then goes on.</summary>
    Stall,

    /// <summary>One direction is not taken any more, so that its sender may have to wait, and nobody is told.</summary>
    Clog,

    /// <summary>What is sent in one direction is swallowed, and nobody is told.</summary>
    HalfOpen,

    /// <summary>What is sent in both directions is swallowed, and nobody is told.</summary>
    Vanish,
}
