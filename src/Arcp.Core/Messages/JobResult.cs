using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary><c>job.result</c> (runtime to client, §8.4): the job succeeded. A terminal frame.</summary>
public sealed record JobResult : ArcpMessage
{
    /// <summary>Always <c>success</c>.</summary>
    public JobStatus? FinalStatus { get; init; }

    /// <summary>The result, when it comes inline; a null result is the JSON value null.</summary>
    public RawJson? Result { get; init; }

    /// <summary>Another name for <see cref="Result"/> that some runtimes use.</summary>
    public RawJson? Output { get; init; }

    /// <summary>The streamed result, when it came in chunks.</summary>
    public ResultId? ResultId { get; init; }

    /// <summary>The size of the streamed result in decoded bytes.</summary>
    public long? ResultSize { get; init; }

    /// <summary>A line for people.</summary>
    public string? Summary { get; init; }
}
