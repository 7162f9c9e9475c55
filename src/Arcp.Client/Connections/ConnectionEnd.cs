namespace Arcp.Client.Connections;

/// <summary>Why a connection is over.</summary>
/// <param name="Message">A sentence for people.</param>
/// <param name="Cause">The error behind it, when there is one.</param>
/// <param name="IsOrderly">Whether the peer said goodbye, so that our side may still be closed in order.</param>
internal sealed record ConnectionEnd(string Message, Exception? Cause = null, bool IsOrderly = false)
{
    /// <summary>Whether another connection would end in the same way.</summary>
    public bool IsFinal { get; init; }

    /// <summary>Whether the session cannot be resumed, so that only a new one helps.</summary>
    public bool CannotResume { get; init; }
}
