using System.Globalization;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Client.Tests.Model;

/// <summary>One random course of events: a client, the model of a runtime, a bad connection between them, and what the application must have seen in the end.</summary>
internal sealed class Schedule
{
    private const int Keys = 4;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private readonly Random _random;
    private readonly ManualClock _clock = new();
    private readonly ArcpClientOptions _options;
    private readonly ModelFaults _faults;
    private readonly ModelRuntime _runtime;
    private readonly List<Task> _waiters = [];
    private readonly List<Action> _checks = [];
    private readonly List<JobView> _views = [];
    private readonly HashSet<JobView> _disposed = [];
    private readonly HashSet<string> _released = [];
    private readonly Dictionary<string, int> _subscriptions = [];
    private readonly TaskCompletionSource _lateReaders = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ArcpClient _client = null!;
    private bool _isClosing;
    private int _submits = Keys;
    private int _foreign;

    public Schedule(int seed)
    {
        _random = new Random(seed);
        _options = ScriptedNetwork.Options(_clock);
        _options.MaxEventsPerJob = _random.Next(3) == 0 ? 5 : 1000;
        _faults = new ModelFaults(new Random(seed + 1), share: _random.Next(4) * 5);
        _runtime = new ModelRuntime(_faults);
    }

    /// <summary>How many views had all events that they were meant to have.</summary>
    public int Complete { get; private set; }

    /// <summary>How many handles there were.</summary>
    public int Views => _views.Count;

    /// <summary>What has happened.</summary>
    public string Story => _runtime.Story;

    public async Task RunAsync()
    {
        _client = await ArcpClient.ConnectAsync(_runtime.DialAsync, _options).Soon();
        Begin("states", async () => await _client.States.LastAsync(), last => last.IsFinal.Should().BeTrue(), _ => false);
        _faults.IsOn = true;
        for (int i = _random.Next(20, 60); i > 0; i--)
        {
            Act();
            for (int j = _random.Next(40); j > 0; j--)
            {
                await Task.Yield();
            }

            _clock.Advance(_random.Next(100) == 0 ? TimeSpan.FromSeconds(61) : Step * _random.Next(2));
        }

        // The weather clears up. Behind this everything has to come to its end.
        _faults.IsOn = false;
        _runtime.IsDown = false;
        _lateReaders.SetResult();
        _runtime.Cut();
        await SettleAsync(exceptStates: true);
        Task closing = _client.CloseAsync();
        _isClosing = true;
        lock (_gate)
        {
            _waiters.Add(closing);
        }

        await SettleAsync(exceptStates: false);
        _checks.ForEach(check => check());
        foreach (JobView view in _views)
        {
            await view.DisposeAsync();
        }

        _client.Counts.Should().Be((0, 0));
        _runtime.Cut();
        await _runtime.EndAsync().Soon();
    }

    private bool IsOver => _isClosing || _client.State.IsFinal;

    private void Act()
    {
        switch (_random.Next(100))
        {
            case < 12:
                Submit(++_submits, key: null);
                break;
            case < 22:
                int key = _random.Next(Keys);
                Submit(key, $"key {key}");
                break;
            case < 24:
                Begin("refused submit", () => _client.SubmitAsync("refused", RawJson.Parse("-1")), _ => Assert.Fail("accepted"), e => e is ArcpException { Code.Value: "AGENT_NOT_AVAILABLE" } or ArcpConnectionException or TimeoutException);
                break;
            case < 25:
                _runtime.AddForeignJob(--_foreign);
                break;
            case < 26:
                Abandon();
                break;
            case < 52 when RandomJob() is { End: null } job:
                int events = _random.Next(1, 4);
                _runtime.Change(job, it => it.Length += events);
                break;
            case < 60 when RandomJob() is { End: null } job:
                JobEnd end = (JobEnd)_random.Next(2);
                _runtime.Change(job, it => it.End = end);
                break;
            case < 66 when RandomView() is JobHandle handle:
                Cancel(handle);
                break;
            case < 74 when RandomJob() is { } job:
                Subscribe(job);
                break;
            case < 78:
                List();
                break;
            case < 84 when RandomView() is { } view:
                Dispose(view);
                break;
            case < 90:
                _runtime.Cut();
                break;
            case < 92:
                _runtime.Forget();
                break;
            case < 94 when RandomJob() is { } job:
                _runtime.Evict(job);
                break;
            case < 97:
                _runtime.IsDown = !_runtime.IsDown;
                break;
            case < 98:
                _runtime.Say("session.error", """{"code":"HEARTBEAT_LOST","message":"m"}""");
                break;
            case 98 when _random.Next(3) == 0:
                _runtime.Say("session.error", """{"code":"UNAUTHENTICATED","message":"m"}""");
                break;
            case 99 when _random.Next(3) == 0:
                _isClosing = true;
                Begin("close", () => Returning(_client.CloseAsync()), _ => { }, _ => false);
                break;
        }
    }

    private void Submit(int input, string? key)
    {
        Begin(
            $"submit {input}",
            async () => Watch(await _client.SubmitAsync("echo", RawJson.Parse($"{input}"), options: new() { IdempotencyKey = key }), after: 0),
            view => JobOf(view).Input.Should().Be(input),
            e => e switch
            {
                ArcpConnectionException { IsOutcomeUnknown: false } => IsOver && (key is not null || !_runtime.HasReceived(input)),
                ArcpConnectionException => IsOver || key is null,
                _ => e is TimeoutException,
            });
        _checks.Add(() => _runtime.JobsOf(input).Should().BeLessThanOrEqualTo(1, "no submit runs twice"));
    }

    private void Abandon()
    {
        var cancel = new CancellationTokenSource();
        Begin(
            "abandoned submit",
            async () => Watch(await _client.SubmitAsync("echo", RawJson.Parse($"{++_submits}"), cancellationToken: cancel.Token), after: 0),
            _ => { },
            e => e is OperationCanceledException or ArcpConnectionException or TimeoutException);
        cancel.Cancel();
    }

    private void Subscribe(ModelJob job)
    {
        _subscriptions[job.Id] = _subscriptions.GetValueOrDefault(job.Id) + 1;
        int? after = _random.Next(3) == 0 ? null : _random.Next(job.Length + 1);
        Begin(
            $"subscription to {job.Id}",
            async () => Watch(await _client.SubscribeAsync(new JobId(job.Id), new() { FromEventSeq = after }), after),
            view => view.Id.Value.Should().Be(job.Id),
            e => e is TimeoutException || (e is ArcpConnectionException && IsOver) || (e is ArcpException { Code.Value: "INVALID_REQUEST" } && job.Evicted > after));
    }

    private void Cancel(JobHandle handle)
    {
        ModelJob job = JobOf(handle);
        Begin(
            $"cancel of {job.Id}",
            () => handle.CancelAsync(),
            status => status.Value.Should().Be(job.Status),
            e => IsEndOf(handle, e) || (e is ArcpException { Code.Value: "PERMISSION_DENIED" } && _client.SessionId.Value != job.Submitter),
            isRequest: false);
    }

    private void List()
    {
        string[] before = [.. _runtime.Jobs.Select(job => job.Id)];
        Begin(
            "listing",
            async () => await _client.ListJobsAsync().Select(job => job.JobId.Value).ToListAsync(),
            listed =>
            {
                listed.Should().BeSubsetOf(_runtime.Jobs.Select(job => job.Id)).And.OnlyHaveUniqueItems();
                before.Should().BeSubsetOf(listed);
            },
            e => e is TimeoutException || (e is ArcpConnectionException && IsOver));
    }

    private void Dispose(JobView view)
    {
        lock (_gate)
        {
            _disposed.Add(view);
            _released.Add(view.Id.Value);
        }

        Begin("dispose", () => Returning(view.DisposeAsync().AsTask()), _ => { }, _ => false);
    }

    // Every handle is read for its events and its result; some readers come late.
    private JobView Watch(JobView view, int? after)
    {
        ModelJob job = JobOf(view);
        bool isLate;
        lock (_gate)
        {
            isLate = _random.Next(3) == 0;
            _views.Add(view);
        }

        List<int> seen = [];
        Begin(
            $"events of {job.Id}",
            async () =>
            {
                await (isLate ? _lateReaders.Task : Task.CompletedTask);
                await foreach (JobEvent entry in view.Events)
                {
                    seen.Add(int.Parse(((LogEvent)entry.Body).Message, CultureInfo.InvariantCulture));
                }

                return seen;
            },
            _ =>
            {
                if (!view.MayMissEvents)
                {
                    seen.LastOrDefault(after ?? job.Length).Should().Be(job.Length, $"{job.Id} has ended and so has its stream");
                    Complete++;
                }
            },
            e => IsEndOf(view, e) || (e is EventsDroppedException && job.Length - (view.MayMissEvents ? 0 : after ?? 0) > _options.MaxEventsPerJob),
            isRequest: false);
        Later(() =>
        {
            seen.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems($"each event of {job.Id} comes once");
            if (!view.MayMissEvents && seen.Count > 0)
            {
                seen.Should().Equal(Enumerable.Range(after + 1 ?? seen[0], seen.Count), $"no event of {job.Id} is left out without a word");
            }

            view.MayMissEvents.Should().Be(view.MayMissEvents && (after is null || !IsCertain(view, job)), $"nothing can be missing of {job.Id}");
        });
        Begin(
            $"result of {job.Id}",
            () => view.GetResultAsync<int>(),
            result => (result, job.End).Should().Be((job.Input, JobEnd.Success)),
            e => IsEndOf(view, e) || (e is ArcpException { Code.Value: var code } && code == (job.End switch { JobEnd.Failure => "BUDGET_EXHAUSTED", JobEnd.Cancelled => "CANCELLED", _ => null })),
            isRequest: false);
        return view;

        void Later(Action check)
        {
            lock (_gate)
            {
                _checks.Add(check);
            }
        }
    }

    // A request fails in time, a view when the client is over or the view disposed, or when its new session does not answer.
    private bool IsEndOf(JobView view, Exception error) => error switch
    {
        ObjectDisposedException => _disposed.Contains(view),
        ArcpConnectionException => IsOver,
        _ => error is TimeoutException,
    };

    // §7.6: what a session was sent already is not sent again, and views of one job share what the first one has. So a view may miss events, and
    // says so, only if somebody let the job go before (a submit without an answer among them), another way of following the job met this one, or its
    // history is gone.
    private bool IsCertain(JobView view, ModelJob job)
    {
        int subscriptions = _subscriptions.GetValueOrDefault(job.Id);
        bool isKeyed = job.Input is >= 0 and < Keys;
        return job.Evicted == 0 && !isKeyed && !_released.Contains(job.Id) && (view is JobHandle ? subscriptions == 0 : job.Input < 0 && subscriptions == 1);
    }

    private void Begin<T>(string what, Func<Task<T>> act, Action<T> check, Func<Exception, bool> mayFail, bool isRequest = true)
    {
        long start = _clock.GetTimestamp();
        Task waiter = RunAsync();
        lock (_gate)
        {
            _waiters.Add(waiter);
        }

        async Task RunAsync()
        {
            Action verdict;
            _runtime.Tell($"{what} begins");
            try
            {
                T value = await act();
                _runtime.Tell($"{what} has ended");
                verdict = () => check(value);
            }
            catch (Exception e)
            {
                _runtime.Tell($"{what} has failed: {e.Message}");
                bool isEarly = e is TimeoutException && isRequest && _clock.GetElapsedTime(start) < _options.RequestTimeout;
                verdict = () => (mayFail(e) && !isEarly).Should().BeTrue($"{what} must not end like this: {e}");
            }

            lock (_gate)
            {
                _checks.Add(verdict);
            }
        }
    }

    // Time goes on only when nothing else does; and within the longest wait that there is, all has to be over. On a busy machine time may run ahead of
    // threads that do not get their turn, so a hang is only what is left when they had a minute of the machine's time as well.
    private async Task SettleAsync(bool exceptStates)
    {
        TimeSpan spent = TimeSpan.Zero;
        long start = TimeProvider.System.GetTimestamp();
        while (Open(exceptStates) > 0)
        {
            int traffic;
            int open;
            do
            {
                (traffic, open) = (_runtime.Traffic, Open(exceptStates));
                foreach (ModelJob job in _runtime.Jobs)
                {
                    _runtime.Change(job, it => it.End = JobEnd.Success);
                }

                for (int i = 0; i < 50; i++)
                {
                    await Task.Yield();
                }
            }
            while (traffic != _runtime.Traffic || open != Open(exceptStates) || ThreadPool.PendingWorkItemCount > 0);
            _clock.Advance(Step);
            spent += Step;
            (spent > TimeSpan.FromHours(1) && TimeProvider.System.GetElapsedTime(start) > TimeSpan.FromMinutes(1)).Should().BeFalse("nothing hangs");
        }
    }

    private int Open(bool exceptStates)
    {
        lock (_gate)
        {
            return _waiters.Skip(exceptStates ? 1 : 0).Count(waiter => !waiter.IsCompleted);
        }
    }

    private static async Task<bool> Returning(Task task)
    {
        await task;
        return true;
    }

    private ModelJob JobOf(JobView view) => _runtime.Jobs.Single(job => job.Id == view.Id.Value);

    private ModelJob? RandomJob() => _runtime.Jobs is { Count: > 0 } jobs ? jobs[_random.Next(jobs.Count)] : null;

    private JobView? RandomView()
    {
        lock (_gate)
        {
            return _views.Count > 0 ? _views[_random.Next(_views.Count)] : null;
        }
    }
}
