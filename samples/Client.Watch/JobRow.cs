using System.Collections.Immutable;
using Arcp.Core;
using Arcp.Core.Events;

namespace Client.Watch;

/// <summary>What is shown of one job.</summary>
internal sealed record JobRow(string Id, string Agent)
{
    public JobStatus Status { get; init; }

    public ProgressEvent? Progress { get; init; }

    /// <summary>What is left of each budgeted currency.</summary>
    public ImmutableSortedDictionary<string, Gauge> Budgets { get; init; } = ImmutableSortedDictionary<string, Gauge>.Empty;

    public JobRow WithBudget(string currency, decimal remaining)
    {
        decimal full = Math.Max(remaining, Budgets.GetValueOrDefault(currency)?.Full ?? 0);
        return this with { Budgets = Budgets.SetItem(currency, new Gauge(remaining, full)) };
    }
}

/// <summary>How much is left of how much.</summary>
internal sealed record Gauge(decimal Remaining, decimal Full);
