using Arcp.AspNetCore.Tests.Support;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>A peer that goes through its part of the plan, life after life of the runtime, and now and then does something else.</summary>
internal sealed class Driver
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(15);

    private readonly string _name;
    private readonly Board _board;
    private readonly Random _random;
    private readonly List<PlannedJob> _plan;
    private readonly Queue<PlannedJob> _unsent;
    private readonly List<DrivenSession> _sessions = [];
    private readonly Func<string, int, DrivenSession> _open;

    public Driver(string name, Board board, int seed, List<PlannedJob> plan, Func<string, int, DrivenSession> open)
    {
        _name = name;
        _board = board;
        _random = new Random(seed);
        _plan = plan;
        _unsent = new Queue<PlannedJob>(plan);
        _open = open;
        OpenAnother();
    }

    /// <summary>Its sessions; the last one is in use, the others are lost.</summary>
    public IReadOnlyList<DrivenSession> Sessions => _sessions;

    public DrivenSession Session => _sessions[^1];

    /// <summary>Reads what the last connection brings.</summary>
    public Task Reading { get; private set; } = Task.CompletedTask;

    /// <summary>Connects, and does this and that until the process is killed.</summary>
    public async Task LiveAsync(Uri endpoint)
    {
        if (!await ConnectAsync(endpoint))
        {
            return;
        }

        foreach (PlannedJob job in Unanswered().Where(_ => _random.Next(10) < 7))
        {
            await Session.SubmitAsync(job);
        }

        while (!Reading.IsCompleted)
        {
            await StepAsync();
            await Task.Delay(LongestPause * _random.NextDouble(), TimeProvider.System);
        }

        await Reading;
    }

    /// <summary>Connects, asks for all that is left, and waits for the answers. Goes on reading.</summary>
    public async Task FinishAsync(Uri endpoint)
    {
        if (!await ConnectAsync(endpoint))
        {
            throw new RoundFailure($"{_name} cannot connect, and nobody has killed the process.");
        }

        // And for all that has a key once more, so that every answer is compared with one from another life.
        PlannedJob[] jobs = [.. _unsent, .. _plan.Where(static job => job is { IsSent: true, Key: not null })];
        _unsent.Clear();
        List<string> requests = [];
        foreach (PlannedJob job in jobs)
        {
            requests.Add(await Session.SubmitAsync(job));
        }

        await WaitAsync(() => requests.TrueForAll(_board.Accepted.ContainsKey), $"{_name} has its answers");
    }

    /// <summary>Waits for something the connection brings; a connection that ends or breaks a rule ends the wait.</summary>
    public async Task WaitAsync(Func<bool> condition, string what)
    {
        await Patience.UntilAsync(() => condition() || Reading.IsCompleted, what);
        if (Reading.IsCompleted)
        {
            await Reading;
        }
    }

    private async Task<bool> ConnectAsync(Uri endpoint)
    {
        while (!await Session.ConnectAsync(endpoint))
        {
            if (!Session.IsLost)
            {
                return false;
            }

            OpenAnother();
        }

        Reading = Session.ReadAsync();
        return true;
    }

    private void OpenAnother() => _sessions.Add(_open($"{_name}{_sessions.Count + 1}", _random.Next()));

    // Only what has a key may be asked for again.
    private List<PlannedJob> Unanswered() => [.. _plan.Where(static job => job is { IsSent: true, JobId: null, Key: not null })];

    private Task StepAsync() => _random.Next(100) switch
    {
        < 35 when _unsent.TryDequeue(out PlannedJob? next) => Session.SubmitAsync(next),
        < 50 when Pick(job => job is { Key: not null, JobId: not null }) is { } job => Session.SubmitAsync(job),
        < 58 when Pick(IsCancellable) is { } job => Session.CancelAsync(job),
        < 82 when Pick(job => job.JobId is not null && job.Submitter != Session) is { } job => Session.SubscribeAsync(job.JobId!),
        < 93 => Session.AckAsync(),
        _ => Task.CompletedTask,
    };

    private bool IsCancellable(PlannedJob job) =>
        job is { JobId: not null, IsCancelAsked: false, HasUncertainSubmitter: false } && job.Submitter == Session && !Session.HasEndOf(job.JobId);

    private PlannedJob? Pick(Func<PlannedJob, bool> condition)
    {
        PlannedJob[] some = [.. _board.Jobs.Where(job => job.Principal == Session.Principal && condition(job)).OrderBy(static job => job.Trace, StringComparer.Ordinal)];
        return some.Length == 0 ? null : some[_random.Next(some.Length)];
    }
}
