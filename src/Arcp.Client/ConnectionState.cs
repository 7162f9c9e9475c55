namespace Arcp.Client;

/// <summary>Where a client's connection stands, as <see cref="ArcpClient.State"/> and <see cref="ArcpClient.States"/> tell it.</summary>
/// <remarks>Immutable.</remarks>
public sealed record ConnectionState
{
    /// <summary>The state.</summary>
    public required ConnectionStatus Status { get; init; }

    /// <summary>A sentence on how it came to this; null = nothing has gone wrong.</summary>
    public string? Reason { get; init; }

    /// <summary>The error behind it, when there is one: what the runtime said as <see cref="Core.ArcpException"/>, or the transport's.</summary>
    public Exception? Cause { get; init; }

    /// <summary>While reconnecting: the attempt that is under way or waited for, from 1.</summary>
    public int Attempt { get; init; }

    /// <summary>
    /// On <see cref="ConnectionStatus.Connected"/>: whether a new session had to be opened because the old one could not be resumed (§6.3).
    /// Handles go on by subscriptions then, jobs of the old session can no longer be cancelled from here (§7.4), and
    /// submits without an idempotency key that were not answered have failed.
    /// </summary>
    public bool IsNewSession { get; init; }

    /// <summary>
    /// On <see cref="ConnectionStatus.Connected"/>: whether some handle has missed events in a new session, or could not go on at all; <see cref="JobView.MayMissEvents"/> tells which.
    /// False = every handle has the events of its job without a gap.
    /// </summary>
    /// <remarks>
    /// Can be true without <see cref="IsNewSession"/>, when the session is not new but resumed: a handle that the new session had not subscribed to yet when its connection was lost is restored after the resume.
    /// </remarks>
    public bool MayMissEvents { get; init; }

    /// <summary>Whether no other state follows.</summary>
    public bool IsFinal => Status is ConnectionStatus.Closed or ConnectionStatus.Failed;
}

/// <summary>The states of a client's connection.</summary>
public enum ConnectionStatus
{
    /// <summary>There is a connection, and handles receive their events.</summary>
    Connected,

    /// <summary>The connection is lost and the client is about to make another. Requests wait.</summary>
    Reconnecting,

    /// <summary>The application has closed the client.</summary>
    Closed,

    /// <summary>The connection is lost and the client has given up, or may not make another.</summary>
    Failed,
}
