using Arcp.Core;

namespace Arcp.Client.Jobs;

/// <summary>What came of a job, as far as its result goes.</summary>
internal sealed record JobEnding
{
    /// <summary>Makes the error that each waiter gets for itself; null = success.</summary>
    public Func<Exception>? Failure { get; init; }

    /// <summary>The inline result.</summary>
    public RawJson? Inline { get; init; }

    /// <summary>The streamed result.</summary>
    public ReadOnlyMemory<byte>? Streamed { get; init; }

    /// <summary>Whether the streamed result is text.</summary>
    public bool IsText { get; init; }

    /// <summary>A line for people.</summary>
    public string? Summary { get; init; }
}
