using Arcp.Core.Events;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Agents;

/// <summary>Tells a job's stream what is left of its budgets: at once, then at most once per interval and currency, and the last word before the end (§9.6).</summary>
/// <remarks>Thread-safe. A value is read and emitted in one step, so that values go up only when a child has given something back.</remarks>
internal sealed class BudgetReports(Job job, DeadlineQueue deadlines, TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _lastReports = new(StringComparer.Ordinal);
    private readonly HashSet<string> _due = new(StringComparer.Ordinal);
    private IDisposable? _timer;
    private bool _isOver;

    /// <summary>A counter has changed.</summary>
    public void Report(string currency)
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return;
            }

            if (!_lastReports.TryGetValue(currency, out long last) || clock.GetElapsedTime(last) >= Interval)
            {
                EmitNeedsLock(currency);
                return;
            }

            _due.Add(currency);
            _timer ??= deadlines.Schedule(Interval - clock.GetElapsedTime(last), ReportDue);
        }
    }

    /// <summary>Reports what is due, and nothing any more.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isOver = true;
            _timer?.Dispose();
            EmitDueNeedsLock();
        }
    }

    private void ReportDue()
    {
        lock (_lock)
        {
            _timer = null;
            EmitDueNeedsLock();
        }
    }

    private void EmitDueNeedsLock()
    {
        foreach (string currency in _due.ToArray())
        {
            EmitNeedsLock(currency);
        }
    }

    private void EmitNeedsLock(string currency)
    {
        if (job.Spec.Guard.Budget.RemainingIn(currency) is { } left)
        {
            _lastReports[currency] = clock.GetTimestamp();
            _due.Remove(currency);
            job.TryEmitNow(new MetricEvent { Name = "cost.budget.remaining", Value = left, Unit = currency });
        }
    }
}
