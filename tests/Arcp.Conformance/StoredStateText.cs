using System.Globalization;
using System.Security.Cryptography;
using Arcp.Runtime.Storage;

namespace Arcp.Conformance;

/// <summary>Stored records as lines of text, in one order and with all their members, so that two states are equal when their lines are and a difference can be read.</summary>
internal static class StoredStateText
{
    public static void AssertEqual(StoredState expected, StoredState actual) => Xunit.Assert.Equal(Of(expected), Of(actual));

    public static string[] Of(StoredState state)
    {
        string[] lines =
        [
            .. state.Jobs.Select(Of),
            .. state.Sessions.SelectMany(Of),
            .. state.Answers.Select(Of),
            .. state.Credentials.Select(Of),
            state.ListingKey is { } key ? $"listing key {Of(key)}" : "no listing key",
        ];
        Array.Sort(lines, string.CompareOrdinal);
        return lines;
    }

    public static string Of(StoredEntry entry) => $"entry {entry.Number} tag {entry.Tag} bytes {Of(entry.Bytes)} secret {Of(entry.Secret)}";

    private static string Of(StoredJob job) => string.Join(
        " | ",
        $"job {job.Id}",
        job.Principal,
        job.SubmittedBy,
        job.AgentName,
        job.AgentVersion,
        job.Lease,
        Of(job.LeaseExpiresAt),
        job.Trace,
        Of(job.CreatedAt),
        job.ParentId?.Value ?? "null",
        job.DelegationDepth,
        Of(job.Acceptance),
        job.IsAcceptanceSecret,
        job.AnnouncedAt?.ToString(CultureInfo.InvariantCulture) ?? "null",
        job.Remaining is { } remaining
            ? string.Join(", ", remaining.OrderBy(static amount => amount.Key, StringComparer.Ordinal).Select(static amount => string.Create(CultureInfo.InvariantCulture, $"{amount.Key}={amount.Value}")))
            : "null",
        job.LastEntry,
        job.Status?.Value ?? "null",
        Of(job.EndedAt),
        job.IsForgotten);

    private static IEnumerable<string> Of(StoredSession session) =>
    [
        $"session {session.Id} | {session.Principal} | {session.Features} | {Of(session.TokenHash)} | {Of(session.DetachedAt)} | {session.LastSeq} | {session.Floor}",
        .. session.Cursors.Select(cursor => $"session {session.Id} cursor {cursor}"),

        // The order of the frames is a part of the state, so their place is a part of the line.
        .. session.Sent.Select((frames, i) =>
            $"session {session.Id} sent [{i:D6}] {frames.FirstSeq} +{frames.Count} {frames.JobId} {frames.FirstEntry} {frames.Size} {Of(frames.OwnTail)}"),
    ];

    private static string Of(StoredAnswer answer) =>
        $"answer {answer.Principal} | {answer.Key} | {Of(answer.Fingerprint)} | {answer.JobId} | {answer.Trace} | {Of(answer.Payload)} | {answer.IsSecret} | {Of(answer.ExpiresAt)}";

    private static string Of(StoredCredential credential) =>
        $"credential {credential.Key} | {credential.Id} | {credential.JobId} | {Of(credential.Value)} | {credential.Endpoint} | {credential.ProviderKey ?? "null"}";

    private static string Of(DateTimeOffset? time) => time?.UtcTicks.ToString(CultureInfo.InvariantCulture) ?? "null";

    private static string Of(ReadOnlyMemory<byte> bytes) =>
        bytes.Length <= 40 ? Convert.ToHexString(bytes.Span) : $"{bytes.Length} bytes {Convert.ToHexString(SHA256.HashData(bytes.Span))}";
}
