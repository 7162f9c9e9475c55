using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>A session's requests for pages of its principal's jobs (§6.6).</summary>
internal sealed class ListingRequests(Session session, SessionServices services)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1_000;

    private static readonly JobStatus[] Statuses =
        [JobStatus.Pending, JobStatus.Running, JobStatus.Success, JobStatus.Error, JobStatus.Cancelled, JobStatus.TimedOut];

    /// <summary>Makes the page that is asked for.</summary>
    /// <exception cref="ArcpException"><c>INVALID_REQUEST</c>: limit, cursor or filter are not what is accepted.</exception>
    public SessionJobs List(MessageId? requestId, SessionListJobs request)
    {
        int limit = request.Limit ?? DefaultLimit;
        if (limit is < 1 or > MaxLimit)
        {
            throw Invalid($"'limit' must be 1 to {MaxLimit}.");
        }

        JobPlace? behind = request.Cursor is { } cursor ? ListingCursor.Decode(cursor, session.Principal, services.CursorKey) : null;
        JobPage page = services.Jobs.Find(session.Principal, behind, limit, ToPredicate(request.Filter));
        return new SessionJobs
        {
            RequestId = requestId,
            Jobs = [.. page.Jobs.Select(ToSummary)],
            NextCursor = page.Next is { } next ? ListingCursor.Encode(next, session.Principal, services.CursorKey) : null,
        };
    }

    private static ArcpException Invalid(string message) => new(ErrorCode.InvalidRequest, $"session.list_jobs: {message}");

    private static Predicate<KnownJob> ToPredicate(JobFilter? filter)
    {
        HashSet<JobStatus> statuses = [.. (filter?.Status ?? []).Select(text => new JobStatus(text))];
        if (statuses.Except(Statuses).Any())
        {
            throw Invalid($"'filter.status' accepts {string.Join(", ", Statuses)}.");
        }

        AgentReference? agent = filter?.Agent is null ? null
            : AgentReference.TryParse(filter.Agent, out AgentReference name) ? name
            : throw Invalid("'filter.agent' must be a name, or name@version.");
        DateTimeOffset? createdAfter = filter?.CreatedAfter;
        return job => (createdAfter is null || job.CreatedAt > createdAfter)
            && (agent is null || (job.Agent.Name == agent.Value.Name && (agent.Value.Version is null || job.Agent.Version == agent.Value.Version)))
            && (statuses.Count == 0 || statuses.Contains(job.Status));
    }

    private JobSummary ToSummary(KnownJob job)
    {
        (JobSpec spec, JobSnapshot now) = job.Describe();
        return new JobSummary
        {
            JobId = spec.Id,
            Agent = session.AgentLabel(spec),
            Status = now.State.Status,
            Lease = spec.Lease,
            ParentJobId = spec.ParentId,
            CreatedAt = spec.CreatedAt,
            TraceId = spec.Trace.Value,
            LastEventSeq = now.LogLength,
        };
    }
}

/// <summary>Where a page ended, sealed for its principal: a client cannot make one up, nor use another principal's.</summary>
internal static class ListingCursor
{
    private const int SealBytes = 16;

    public static string Encode(JobPlace place, Principal principal, byte[] key)
    {
        byte[] text = Encoding.UTF8.GetBytes(FormattableString.Invariant($"{place.CreatedAt.UtcTicks}:{place.JobId.Value}"));
        return Base64Url.EncodeToString([.. Seal(text, principal, key), .. text]);
    }

    /// <exception cref="ArcpException"><c>INVALID_REQUEST</c>: no cursor of ours, or another principal's.</exception>
    public static JobPlace Decode(string cursor, Principal principal, byte[] key)
    {
        byte[] bytes = new byte[Base64Url.GetMaxDecodedLength(cursor.Length)];
        if (Base64Url.DecodeFromChars(cursor, bytes, out _, out int length) is OperationStatus.Done && length > SealBytes
            && CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, SealBytes), Seal(bytes.AsSpan(SealBytes, length - SealBytes), principal, key)))
        {
            string[] parts = Encoding.UTF8.GetString(bytes, SealBytes, length - SealBytes).Split(':', 2);
            return new JobPlace(new DateTimeOffset(long.Parse(parts[0], CultureInfo.InvariantCulture), TimeSpan.Zero), new JobId(parts[1]));
        }

        throw new ArcpException(ErrorCode.InvalidRequest, "session.list_jobs: 'cursor' must be the 'next_cursor' of a page that this principal was given.");
    }

    private static byte[] Seal(ReadOnlySpan<byte> text, Principal principal, byte[] key) =>
        HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{principal.IsAnonymous}:{principal.Name}\n"), .. text])[..SealBytes];
}
