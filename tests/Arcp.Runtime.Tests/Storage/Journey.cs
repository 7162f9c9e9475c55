using System.Text.Json;
using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>A client's way through a runtime, with one accident at one commit. Everything that it was ever sent is remembered and compared.</summary>
internal sealed class Journey : IAsyncDisposable
{
    private readonly int _commit;
    private readonly JourneyTests.Accident _accident;
    private readonly DurableHost _durable;
    private readonly TaskCompletionSource _death = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, string> _acceptedPayloads = [];
    private int _commits;
    private int _runs;

    public Journey(int commit, JourneyTests.Accident accident)
    {
        _commit = commit;
        _accident = accident;
        _durable = new DurableHost(builder =>
        {
            builder.Options.ShutdownGrace = TimeSpan.FromMilliseconds(10);
            builder.Options.Storage.RetryBackoff = TimeSpan.FromMilliseconds(1);
            builder.Options.Storage.CommitTimeout = TimeSpan.FromSeconds(2);
            builder.Options.MaxLogEventsPerJob = 8; // most of the history is in the store alone
            builder
                .AddAgent("once", "1", (job, _) =>
                {
                    Interlocked.Increment(ref _runs);
                    return Task.FromResult<RawJson?>(job.Input);
                })
                .AddAgent("parent", "1", async (job, cancellationToken) =>
                {
                    DelegatedJob child = await job.DelegateAsync("echo", RawJson.Parse("1"));
                    return await child.GetResultAsync(cancellationToken);
                });
        });
    }

    private bool Dies => _accident is JourneyTests.Accident.DiesBefore or JourneyTests.Accident.DiesAfter;

    /// <summary>Travels, and checks.</summary>
    /// <returns>Whether there were so many commits that the accident happened.</returns>
    public async Task<bool> RunAsync()
    {
        await _durable.StartAsync(store =>
        {
            store.BeforeCommit = _ => HappenAsync(_accident is JourneyTests.Accident.FailsBefore or JourneyTests.Accident.DiesBefore, ref _commits);
            store.AfterCommit = _ => HappenAsync(_accident is JourneyTests.Accident.FailsAfter or JourneyTests.Accident.DiesAfter, ref _commits);
        });
        var traveller = new Traveller(_death.Task);
        bool hasDied = false;
        try
        {
            await TravelAsync(traveller);
        }
        catch (ProcessDiedException)
        {
            hasDied = true;
            await _durable.RestartAsync();
            await traveller.ReconnectAsync(_durable.Host);
            await TravelAsync(traveller);
        }

        _durable.Store.BeforeCommit = null;
        _durable.Store.AfterCommit = null;
        bool hasHappened = _commits >= _commit;
        if (Dies && hasHappened && !hasDied)
        {
            await _durable.RestartAsync(); // it died at something that nobody waited for
            await traveller.ReconnectAsync(_durable.Host);
        }

        await CheckAsync(traveller);
        await traveller.DisposeAsync();

        // What was shown is there after the next restart as well.
        await _durable.RestartAsync();
        await traveller.ReconnectAsync(_durable.Host);
        await CheckAsync(traveller);
        await traveller.DisposeAsync();
        return hasHappened;
    }

    public ValueTask DisposeAsync() => _durable.DisposeAsync();

    private Task HappenAsync(bool isHere, ref int commits)
    {
        if (!isHere || ++commits != _commit)
        {
            return Task.CompletedTask;
        }

        if (!Dies)
        {
            throw new IOException("the disk is full");
        }

        _death.TrySetResult();
        return new TaskCompletionSource().Task; // what runs on knows nothing of its death
    }

    // Every step can be taken again: keys make submits repeatable, and the rest is.
    private async Task TravelAsync(Traveller traveller)
    {
        await traveller.ConnectAsync(_durable.Host);
        string counted = await SubmitAsync(traveller, "count", new { n = 20 }, "k-count");
        string waiting = await SubmitAsync(traveller, "wait", null, "k-wait");
        await traveller.SendAsync("session.ack", new { last_processed_seq = 2 });
        string parent = await SubmitAsync(traveller, "parent", null, "k-parent");
        await traveller.UntilAsync(() => traveller.HasEnded(counted));
        await traveller.SendAsync("job.cancel", new { job_id = waiting });
        await traveller.UntilAsync(() => traveller.HasEnded(waiting) && traveller.HasEnded(parent));
        await SubmitAsync(traveller, "once", 1, "k-once");
        string once = await SubmitAsync(traveller, "once", 1, "k-once");
        await traveller.UntilAsync(() => traveller.HasEnded(once));
        _runs.Should().BeLessThanOrEqualTo(1);
    }

    // A refusal while the store fails, or a death before the answer: asked again with its key it is one job.
    private async Task<string> SubmitAsync(Traveller traveller, string agent, object? input, string key)
    {
        while (true)
        {
            string request = await traveller.SendAsync("job.submit", new { agent, input, idempotency_key = key, lease_request = new Dictionary<string, string[]> { ["agent.delegate"] = ["*"] } });
            WireFrame answer = await traveller.AnswerToAsync(request);
            if (answer.Type == "job.accepted")
            {
                string payload = PayloadOf(answer);
                _acceptedPayloads.TryAdd(key, payload);
                _acceptedPayloads[key].Should().Be(payload, "one key, one answer");
                return answer.JobId!;
            }

            (answer.Code, (bool)answer.Payload["retryable"]!).Should().Be(("INTERNAL_ERROR", true));
        }
    }

    private async Task CheckAsync(Traveller traveller)
    {
        string[] jobs = [.. traveller.Jobs];
        traveller.CheckNumbers();
        foreach (string jobId in jobs)
        {
            List<WireFrame> live = traveller.FramesOf(jobId);
            live.Should().ContainSingle(frame => frame.IsTerminal).Which.Should().BeSameAs(live[^1]);
            await using WireClient other = await _durable.Host.OpenAsync();
            await other.SendAsync("job.subscribe", new { job_id = jobId, history = true });
            await other.ExpectAsync("job.subscribed");
            List<WireFrame> history = await other.ReadJobAsync(jobId);
            history.Select(frame => frame.Id).Should().Equal(live.Select(frame => frame.Id), "commit {0}, {1}: every session sees the same of {2}", _commit, _accident, jobId);
        }
    }

    private static string PayloadOf(WireFrame frame)
    {
        using JsonDocument document = JsonDocument.Parse(frame.Text);
        return document.RootElement.GetProperty("payload").GetRawText();
    }
}
