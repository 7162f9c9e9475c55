using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Arcp.EndToEnd.Tests.Support;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>Compares what the peers of a round were sent with what the runtime says at the end.</summary>
internal sealed class RoundCheck(Board board, IReadOnlyList<Driver> drivers, PlaygroundProcess playground, string ledgerFile)
{
    private const string Interrupted = "the runtime restarted while the job ran";

    private readonly Dictionary<string, List<RecordedFrame>> _logs = [];
    private readonly Dictionary<string, JsonElement> _listed = [];

    public int InterruptedJobs { get; private set; }

    public int CancelledJobs { get; private set; }

    public int SucceededJobs { get; private set; }

    public int SubscriptionsChecked { get; private set; }

    public int ReclaimedCredentials { get; private set; }

    public async Task RunAsync()
    {
        await ReadAllAsync("test-token", "tester");
        await ReadAllAsync("other-token", "other");
        CheckThatJobsExistOnce();
        foreach ((string jobId, List<RecordedFrame> log) in _logs)
        {
            CheckLog(jobId, log);
        }

        foreach (Driver driver in drivers)
        {
            foreach (DrivenSession session in driver.Sessions)
            {
                await CheckSessionAsync(driver, session);
            }
        }

        await CheckCredentialsAsync();
    }

    // What there is, read by somebody who has seen nothing of it before.
    private async Task ReadAllAsync(string token, string principal)
    {
        var reader = new DrivenSession($"reader-{principal}", token, principal, Jobs.AllFeatures, 0, board);
        var driver = new Driver(reader.Name, board, 0, [], (_, _) => reader);
        await driver.FinishAsync(playground.Endpoint!);
        List<JsonElement> jobs = await ListAllAsync(reader);
        using var patience = Round.NewPatience();
        while (jobs.Exists(static job => job.GetProperty("status").GetString() is "pending" or "running"))
        {
            if (patience.IsCancellationRequested)
            {
                throw new RoundFailure($"Jobs do not end: {string.Join('\n', jobs.Where(static job => job.GetProperty("status").GetString() is "pending" or "running"))}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System);
            jobs = await ListAllAsync(reader);
        }

        foreach (JsonElement job in jobs)
        {
            string jobId = job.GetProperty("job_id").GetString()!;
            _listed.Add(jobId, job);
            await reader.SubscribeAsync(jobId);
        }

        await driver.WaitAsync(() => _listed.Keys.All(id => !reader.Subscriptions.ContainsKey(id) || reader.HasEndOf(id)), "every job's history has come");
        foreach (IGrouping<string, RecordedFrame> log in reader.Frames.Where(static frame => frame.JobId is not null).GroupBy(static frame => frame.JobId!))
        {
            _logs.Add(log.Key, [.. log.Where(static frame => frame.Phase != "back_pressure")]);
        }
    }

    private static async Task<List<JsonElement>> ListAllAsync(DrivenSession reader)
    {
        List<JsonElement> jobs = [];
        string? cursor = null;
        do
        {
            JsonElement page = await reader.ListAsync(cursor);
            jobs.AddRange(page.GetProperty("jobs").EnumerateArray());
            cursor = RecordedFrame.Member(page, "next_cursor");
        }
        while (cursor is not null);
        return jobs;
    }

    private void CheckThatJobsExistOnce()
    {
        foreach (PlannedJob job in board.Jobs)
        {
            string[] made = [.. _listed.Values.Where(each => each.GetProperty("trace_id").GetString() == job.Trace && RecordedFrame.Member(each, "parent_job_id") is null)
                .Select(static each => each.GetProperty("job_id").GetString()!)];
            Require(made.Length <= 1, $"The submit of {job.Agent} (key {job.Key}) has made {made.Length} jobs: {string.Join(", ", made)}");
            Require(job.Key is null || job.JobId is not null, $"Key {job.Key} was never accepted.");
            Require(job.JobId is null || made.SequenceEqual([job.JobId]), $"Job {job.JobId} was accepted (key {job.Key}); listed is {string.Join(", ", made)}.");
        }

        foreach ((string child, string parent) in board.Children)
        {
            Require(_listed.TryGetValue(child, out JsonElement listed) && RecordedFrame.Member(listed, "parent_job_id") == parent, $"Child {child} was announced by {parent} and is not listed as its child.");
        }

        HashSet<string> traces = [.. board.Jobs.Select(static job => job.Trace)];
        Require(_listed.Values.All(job => traces.Contains(job.GetProperty("trace_id").GetString()!)), "A job is listed that nobody asked for.");
    }

    private void CheckLog(string jobId, List<RecordedFrame> log)
    {
        string status = _listed[jobId].GetProperty("status").GetString()!;
        Require(log.Count == _listed[jobId].GetProperty("last_event_seq").GetInt64(), $"Job {jobId} is listed with {_listed[jobId].GetProperty("last_event_seq")} entries; its history has {log.Count}.");
        Require(log.Count(static frame => frame.IsTerminal) == 1 && log[^1].IsTerminal, $"Job {jobId} has not exactly one end: {Texts(log)}");
        Require(log.Count(static frame => frame.Phase == "running") <= 1, $"Job {jobId} ran more than once: {Texts(log)}");
        Require(log.Select(static frame => frame.Id).Distinct().Count() == log.Count, $"Job {jobId} has an event twice.");
        string[] ticks = [.. log.Where(static frame => frame.Kind == "log").Select(static frame => frame.Body.GetProperty("message").GetString()!).Where(static text => text.StartsWith("tick", StringComparison.Ordinal))];
        Require(ticks.SequenceEqual(Enumerable.Range(1, ticks.Length).Select(static i => $"tick {i}")), $"Job {jobId} does not count right: {string.Join(',', ticks)}");
        PlannedJob? planned = board.Jobs.FirstOrDefault(job => job.JobId == jobId);
        RecordedFrame end = log[^1];
        if (end.Type == "job.result")
        {
            Require(status == "success", $"Job {jobId} has a result, and is listed as {status}.");
            SucceededJobs++;
            return;
        }

        if (RecordedFrame.Member(end.Payload, "code") == "CANCELLED")
        {
            Require(status == "cancelled" && (planned is null || planned.IsCancelAsked), $"Job {jobId} was cancelled, and nobody asked for it: {end.Text}");
            CancelledJobs++;
            return;
        }

        Require(
            status == "error" && RecordedFrame.Member(end.Payload, "code") == "INTERNAL_ERROR" && end.Payload.GetProperty("retryable").GetBoolean()
                && RecordedFrame.Member(end.Payload, "message") == Interrupted && RecordedFrame.Member(end.Payload, "final_status") == "error",
            $"Job {jobId} ({status}) ended in another way than it may: {end.Text}");
        InterruptedJobs++;
    }

    private async Task CheckSessionAsync(Driver driver, DrivenSession session)
    {
        bool isAlive = session == driver.Session;
        if (isAlive)
        {
            string[] due = [.. ExpectedIn(session)];
            await driver.WaitAsync(() => Array.TrueForAll(due, session.HasEndOf), $"{session.Name} has the end of each of its jobs: {string.Join(", ", due.Where(id => !session.HasEndOf(id)))}");
        }

        IReadOnlyList<RecordedFrame> frames = session.Frames;
        foreach (IGrouping<string, RecordedFrame> seen in frames.Where(static frame => frame.JobId is not null && frame.Phase != "back_pressure").GroupBy(static frame => frame.JobId!))
        {
            RecordedFrame[] expected = [.. _logs.GetValueOrDefault(seen.Key, []).Where(frame => frame.Kind != "progress" || session.Features.Contains("progress"))];
            RecordedFrame[] got = [.. seen];
            Require(got.Length <= expected.Length, $"{session.Name} was sent {got.Length} frames of job {seen.Key}, which has {expected.Length}: {Texts(got)}");
            Require(!isAlive || got.Length == expected.Length, $"{session.Name} was sent {got.Length} frames of {expected.Length} of job {seen.Key}: {Texts(got)}");
            for (int i = 0; i < got.Length; i++)
            {
                // The value of a rotated credential is for those who asked for credentials.
                bool isSame = got[i].Phase == "credential_rotated" && !session.Features.Contains("provisioned_credentials") ? got[i].Id == expected[i].Id : got[i].IsSameAs(expected[i]);
                Require(isSame, $"{session.Name} was sent something else of job {seen.Key} than its log has:\n{got[i].Text}\n{expected[i].Text}");
            }

            SubscriptionsChecked += session.Subscriptions.ContainsKey(seen.Key) ? 1 : 0;
            if (board.Children.TryGetValue(seen.Key, out string? parent) && !session.Subscriptions.ContainsKey(seen.Key))
            {
                RecordedFrame? announcement = frames.FirstOrDefault(frame => frame.Kind == "delegate" && frame.JobId == parent && frame.Body.GetProperty("child_job_id").GetString() == seen.Key);
                Require(announcement?.Seq < got[0].Seq, $"{session.Name} was sent frames of child {seen.Key} before its announcement.");
            }
        }
    }

    private IEnumerable<string> ExpectedIn(DrivenSession session)
    {
        string[] own = [.. board.Jobs.Where(job => job.JobId is not null && job.Submitter == session && !job.HasUncertainSubmitter).Select(static job => job.JobId!)];
        return own.Concat(board.Children.Where(child => own.Contains(child.Value)).Select(static child => child.Key)).Concat(session.Subscriptions.Where(static each => each.Value).Select(static each => each.Key));
    }

    private async Task CheckCredentialsAsync()
    {
        using HttpClient http = playground.OpenHttp();
        HashSet<string> ids = [.. board.CredentialValues.Values];
        using var patience = Round.NewPatience();
        string text;
        do
        {
            Require(!patience.IsCancellationRequested, "Credentials are not revoked.");
            text = await http.GetStringAsync(new Uri("debug/credentials", UriKind.Relative));
        }
        while (!AreRevoked(text, ids, out string? _));

        // By the runtime, not by the provider that found it lying about: somebody has seen each of them.
        string[][] lines = [.. (await File.ReadAllLinesAsync(ledgerFile)).Select(static line => line.Split(' '))];
        HashSet<string> revoked = [.. lines.Where(static line => line[0] == "revoked").Select(static line => line[1])];
        Dictionary<string, string> issued = lines.Where(static line => line[0] == "issued").ToDictionary(static line => line[3], static line => line[1]);
        ReclaimedCredentials = lines.Count(static line => line[0] == "reclaimed");
        foreach ((string value, string id) in board.CredentialValues)
        {
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)));
            Require(issued.TryGetValue(hash, out string? key) && revoked.Contains(key), $"A value of credential {id} was seen and never revoked by the runtime ({hash}).");
        }
    }

    private static bool AreRevoked(string text, HashSet<string> ids, out string? missing)
    {
        using var json = JsonDocument.Parse(text);
        JsonElement[] all = [.. json.RootElement.GetProperty("credentials").EnumerateArray()];
        missing = all.Where(static each => !each.GetProperty("revoked").GetBoolean() || each.GetProperty("issued_values").GetInt32() != each.GetProperty("revoked_values").GetInt32())
            .Select(static each => each.GetRawText()).Concat(ids.Except(all.Select(static each => each.GetProperty("id").GetString()!))).FirstOrDefault();
        return missing is null;
    }

    private static string Texts(IEnumerable<RecordedFrame> frames) => string.Join('\n', frames.Take(3).Select(static frame => frame.Text)) + "\n…\n" + string.Join('\n', frames.TakeLast(3).Select(static frame => frame.Text));

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new RoundFailure(otherwise);
        }
    }
}
