using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Client.Requests;

/// <summary>A frame that refuses a request, in any of its forms (§12).</summary>
/// <param name="Form">Whether it is a <c>session.error</c> or a <c>job.error</c>.</param>
/// <param name="Code">The code.</param>
internal readonly record struct Refusal(RefusalForm Form, ErrorCode Code)
{
    /// <summary>The refused request by <c>request_id</c> or <c>reply_to</c>.</summary>
    public MessageId? RequestId { get; init; }

    /// <summary>The frame's own id: on a <c>job.error</c> it may be the refused request's.</summary>
    public MessageId? EnvelopeId { get; init; }

    public TraceContext? Trace { get; init; }

    public JobId? JobId { get; init; }

    /// <summary>Which requests it may refuse without naming one.</summary>
    public RefusalScope Scope { get; init; }
}

/// <summary>The two frames that refuse. Many runtimes send both for one request.</summary>
internal enum RefusalForm
{
    SessionError,
    JobError,
}

/// <summary>Which requests a refusal may mean that names none.</summary>
internal enum RefusalScope
{
    Any,
    Submits,
    SubmitsWithKey,
    None,
}
