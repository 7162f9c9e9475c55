using System.Collections.Concurrent;
using System.Text.Json;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>What the sessions of a round know together.</summary>
internal sealed class Board
{
    private int _resent;
    private int _resumes;
    private int _repeatedAnswers;
    private int _lostSessions;

    public ConcurrentBag<PlannedJob> Jobs { get; } = [];

    /// <summary>What was asked for by a request, over all connections.</summary>
    public ConcurrentDictionary<string, PlannedJob> Submits { get; } = new();

    /// <summary>The requests that were accepted.</summary>
    public ConcurrentDictionary<string, string> Accepted { get; } = new();

    /// <summary>Children, and the parents that announced them.</summary>
    public ConcurrentDictionary<string, string> Children { get; } = new();

    /// <summary>Every value that was seen of a credential, and its credential.</summary>
    public ConcurrentDictionary<string, string> CredentialValues { get; } = new();

    public int Resent => _resent;

    public int Resumes => _resumes;

    public int RepeatedAnswers => _repeatedAnswers;

    public int LostSessions => _lostSessions;

    /// <summary>Set before the process is killed: from then on connections may end.</summary>
    public volatile bool IsKilled;

    public void NoteResent() => Interlocked.Increment(ref _resent);

    public void NoteResume() => Interlocked.Increment(ref _resumes);

    public void NoteLostSession() => Interlocked.Increment(ref _lostSessions);

    public void NoteAcceptance(RecordedFrame frame)
    {
        string jobId = frame.JobId ?? throw new RoundFailure($"An acceptance without a job: {frame.Text}");
        PlannedJob job = (frame.RequestId is { } request ? Submits.GetValueOrDefault(request) : null)
            ?? throw new RoundFailure($"An acceptance that answers no submit: {frame.Text}");
        if (job.JobId is not null)
        {
            Interlocked.Increment(ref _repeatedAnswers);
        }

        job.Accept(jobId, frame.Payload.GetRawText());
        Accepted[frame.RequestId!] = jobId;
        if (frame.Payload.TryGetProperty("credentials", out JsonElement credentials))
        {
            foreach (JsonElement credential in credentials.EnumerateArray())
            {
                CredentialValues[credential.GetProperty("value").GetString()!] = credential.GetProperty("id").GetString()!;
            }
        }
    }

    public void NoteEvent(RecordedFrame frame)
    {
        if (frame.Kind == "delegate")
        {
            Children[frame.Body.GetProperty("child_job_id").GetString()!] = frame.JobId!;
        }
        else if (frame.Phase == "credential_rotated" && RecordedFrame.Member(frame.Body, "value") is { } value)
        {
            CredentialValues[value] = frame.Body.GetProperty("id").GetString()!;
        }
    }
}
