using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary><c>session.error</c> (runtime to client, §12): a request is refused, or the session cannot go on.</summary>
public sealed record SessionError : ArcpMessage
{
    /// <summary>The code.</summary>
    public ErrorCode Code { get; init; }

    /// <summary>What was wrong and what is accepted.</summary>
    public string? Message { get; init; }

    /// <summary>Whether repeating may help; absent = the code's default.</summary>
    public bool? Retryable { get; init; }

    /// <summary>Further facts.</summary>
    public RawJson? Details
    {
        get;
        init => field = Absent.IfNull(value);
    }

    /// <summary>The refused frame's id.</summary>
    public MessageId? RequestId { get; init; }

    /// <summary>The job concerned.</summary>
    public JobId? JobId { get; init; }
}
