using Arcp.Core;
using Arcp.Core.Messages;

namespace Arcp.Client;

/// <summary>Which jobs a listing has (§6.6); all given conditions must hold.</summary>
public sealed record JobListFilter
{
    /// <summary>Any of these states; null or empty = all.</summary>
    public IReadOnlyList<JobStatus>? Statuses { get; init; }

    /// <summary><c>name@version</c>, or a bare name for all its versions; null = all.</summary>
    public string? Agent { get; init; }

    /// <summary>Only jobs that were created after this moment.</summary>
    public DateTimeOffset? CreatedAfter { get; init; }

    /// <summary>How many jobs are asked for at a time; 1 to 1,000, null = as many as the runtime likes. It does not change what the listing has.</summary>
    public int? PageSize { get; init; }

    internal SessionListJobs ToMessage()
    {
        if (PageSize is { } size)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(size, 1, nameof(PageSize));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 1000, nameof(PageSize));
        }

        bool hasStatuses = Statuses is { Count: > 0 };
        return new SessionListJobs
        {
            Limit = PageSize,
            Filter = !hasStatuses && Agent is null && CreatedAfter is null ? null : new JobFilter
            {
                Status = hasStatuses ? [.. Statuses!.Select(status => status.Value)] : null,
                Agent = Agent,
                CreatedAfter = CreatedAfter,
            },
        };
    }
}
