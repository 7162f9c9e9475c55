namespace Arcp.Core.Messages;

/// <summary><c>session.list_jobs</c> (client to runtime, §6.6): asks for a page of the principal's jobs.</summary>
public sealed record SessionListJobs : ArcpMessage
{
    /// <summary>Which jobs; absent = all.</summary>
    public JobFilter? Filter { get; init; }

    /// <summary>Jobs per page: 1 to 1000, default 100.</summary>
    public int? Limit { get; init; }

    /// <summary>The <c>next_cursor</c> of the page before.</summary>
    public string? Cursor { get; init; }
}

/// <summary>Selects jobs in a listing; all given conditions must hold.</summary>
public sealed record JobFilter
{
    /// <summary>Any of these states; absent or empty = all.</summary>
    public IReadOnlyList<string>? Status { get; init; }

    /// <summary><c>name@version</c>, or a bare name for all its versions.</summary>
    public string? Agent { get; init; }

    /// <summary>Only jobs created after this moment.</summary>
    public DateTimeOffset? CreatedAfter { get; init; }
}
