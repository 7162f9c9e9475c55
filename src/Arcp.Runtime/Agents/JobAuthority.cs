using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Leases;

namespace Arcp.Runtime.Agents;

/// <summary>What a running job may do and spend, and what follows when it may not.</summary>
/// <remarks>A part of its <see cref="JobContext"/>, and of what that makes: all copies are the same authority.</remarks>
internal readonly struct JobAuthority
{
    private const string CostPrefix = "cost.";
    private const string BudgetPrefix = "cost.budget.";

    private readonly BudgetReports? _reports;

    public JobAuthority(Job job, AgentEnvironment environment)
    {
        Job = job;
        Environment = environment;
        if (!Guard.Budget.IsEmpty)
        {
            _reports = new BudgetReports(job, environment.Deadlines, environment.Clock);
            Guard.Budget.OnChanged = _reports.Report;
        }
    }

    public Job Job { get; }

    public AgentEnvironment Environment { get; }

    private LeaseGuard Guard => Job.Spec.Guard;

    /// <summary>Asks for an operation before its side effect. When a denial is fatal, the caller ends the job by <see cref="EndIfFatal"/> once it has told of the denial.</summary>
    /// <exception cref="ArcpException">It is denied.</exception>
    public void Require(string name, string target)
    {
        if (Guard.FindDenial(name, target) is { } denial)
        {
            throw denial;
        }
    }

    /// <summary>Asks for an operation; a denial that the host made fatal ends the job.</summary>
    /// <returns>Why it is denied; null = it is allowed.</returns>
    public ArcpException? FindDenial(string name, string target, string? orTarget = null)
    {
        ArcpException? denial = Guard.FindDenial(name, target, orTarget);
        if (denial is not null)
        {
            EndIfFatal(denial);
        }

        return denial;
    }

    /// <summary>Ends the job when its budget is used up and the host wants it so (§9.6).</summary>
    public void EndIfFatal(ArcpException error)
    {
        if (error.Code == ErrorCode.BudgetExhausted && Environment.Options.EndOnBudgetExhaustion)
        {
            Job.TryApply(new JobSignal.Stopped(JobOutcome.From(error)));
        }
    }

    /// <summary>What may be told of an exception; null = nothing (§12).</summary>
    public ArcpException? Translate(Exception exception) => exception as ArcpException
        ?? Environment.Options.TranslateException?.Invoke(exception)
        ?? (UpstreamErrors.TryTranslate(exception, out ArcpException? spent) ? spent : null);

    /// <summary>Emits a measurement; a cost in a budgeted unit is counted before it is shown, and what is left is told behind it.</summary>
    /// <exception cref="ArgumentException">The cost is negative; nothing is counted.</exception>
    public async ValueTask EmitAsync(MetricEvent metric)
    {
        BudgetLedger? counted = null;
        if (metric.Unit is { } unit && IsCost(metric.Name) && Guard.Budget.Counts(unit))
        {
            if (metric.Value < 0)
            {
                throw new ArgumentException($"A cost must be at least 0; '{metric.Name}' is refused and not counted.", nameof(metric));
            }

            counted = Guard.Budget.Charge(unit, metric.Value);
        }

        await Job.EmitAsync(metric).ConfigureAwait(false);
        counted?.Announce(metric.Unit!);
    }

    /// <summary>The agent has returned: what is left of the budgets is told for the last time.</summary>
    public void End() => _reports?.End();

    private static bool IsCost(string name) =>
        name.StartsWith(CostPrefix, StringComparison.Ordinal) && !name.StartsWith(BudgetPrefix, StringComparison.Ordinal);
}
