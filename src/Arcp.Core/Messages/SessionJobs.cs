using System.Text.Json.Serialization;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Core.Messages;

/// <summary><c>session.jobs</c> (runtime to client, §6.6): a page of a listing.</summary>
public sealed record SessionJobs : ArcpMessage
{
    /// <summary>The listing request's id.</summary>
    public MessageId? RequestId { get; init; }

    /// <summary>The jobs, newest last.</summary>
    public IReadOnlyList<JobSummary>? Jobs
    {
        get;
        init => field = Absent.IfNull(value);
    }

    /// <summary>Asks for the page behind this one; null = this was the last.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? NextCursor { get; init; }
}

/// <summary>A job in a listing.</summary>
public sealed record JobSummary
{
    /// <summary>The job.</summary>
    public required JobId JobId { get; init; }

    /// <summary>Its agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Its state.</summary>
    public JobStatus? Status { get; init; }

    /// <summary>Its lease.</summary>
    public Lease? Lease { get; init; }

    /// <summary>Its parent, when it has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JobId? ParentJobId { get; init; }

    /// <summary>When it was accepted.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Its trace.</summary>
    public string? TraceId { get; init; }

    /// <summary>How many events its log has had (§8.3).</summary>
    public long? LastEventSeq { get; init; }
}
