using System.Globalization;
using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Client.Watch;

/// <summary>What has been seen of all jobs.</summary>
/// <param name="echo">Is told every line of the log as it comes; null = nobody.</param>
internal sealed class JobBoard(Action<string>? echo)
{
    private const int MaxRows = 500;
    private const int MaxLines = 10;

    private readonly Lock _gate = new();
    private readonly OrderedDictionary<JobId, JobRow> _rows = [];
    private readonly Queue<string> _lines = new();

    /// <summary>The jobs, newest last, and the latest lines of the log.</summary>
    public (IReadOnlyList<JobRow> Rows, IReadOnlyList<string> Lines) Look()
    {
        lock (_gate)
        {
            return ([.. _rows.Values], [.. _lines]);
        }
    }

    /// <summary>A job is watched from now on.</summary>
    public void Begin(Subscription job)
    {
        var row = new JobRow(job.Id.Value, job.Agent) { Status = job.Status };
        foreach ((string currency, decimal remaining) in job.Budget ?? new Dictionary<string, decimal>())
        {
            row = row.WithBudget(currency, remaining);
        }

        lock (_gate)
        {
            _rows[job.Id] = row;
            if (_rows.Count > MaxRows)
            {
                _rows.RemoveAt(0);
            }
        }

        Note(job.Id, $"{job.Agent} is {job.Status}");
    }

    /// <summary>A job has done something.</summary>
    public void Apply(JobId jobId, JobEvent entry)
    {
        switch (entry.Body)
        {
            case ProgressEvent progress:
                Change(jobId, row => row with { Progress = progress });
                break;
            case StatusEvent { Phase: "running" }:
                Change(jobId, row => row with { Status = JobStatus.Running });
                break;
            case MetricEvent { Name: "cost.budget.remaining", Unit: { } currency } metric:
                Change(jobId, row => row.WithBudget(currency, metric.Value));
                break;
        }

        Note(jobId, Describe(entry));
    }

    /// <summary>A job has ended.</summary>
    public void End(JobId jobId, JobStatus status)
    {
        Change(jobId, row => row with { Status = status });
        Note(jobId, $"ended: {status}");
    }

    /// <summary>Writes a line about a job into the log.</summary>
    public void Note(JobId jobId, string text)
    {
        string line = $"{jobId.Value[^Math.Min(6, jobId.Value.Length)..]} {text}";
        lock (_gate)
        {
            _lines.Enqueue(line);
            if (_lines.Count > MaxLines)
            {
                _lines.Dequeue();
            }

            echo?.Invoke(line);
        }
    }

    private static string Describe(JobEvent entry) => entry.Body switch
    {
        ProgressEvent progress => string.Create(CultureInfo.InvariantCulture, $"progress {progress.Current}/{progress.Total} {progress.Units}").TrimEnd(),
        MetricEvent metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Name} {metric.Value} {metric.Unit}").TrimEnd(),
        StatusEvent status => $"status {status.Phase} {status.Message}".TrimEnd(),
        LogEvent log => $"{log.Level}: {log.Message}",
        ThoughtEvent thought => $"thinks: {thought.Text}",
        ToolCallEvent call => $"calls {call.Tool}",
        _ => entry.Kind,
    };

    private void Change(JobId jobId, Func<JobRow, JobRow> change)
    {
        lock (_gate)
        {
            if (_rows.TryGetValue(jobId, out JobRow? row))
            {
                _rows[jobId] = change(row);
            }
        }
    }
}
