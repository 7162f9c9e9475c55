using System.Diagnostics.CodeAnalysis;

namespace Arcp.Runtime.Leases;

/// <summary>What is left of a job's budgets, currency by currency, in exact decimals (§9.6).</summary>
/// <remarks>
/// Thread-safe, one lock. A child's ledger holds what was reserved from its parent's; when it is closed, the rest goes back.
/// A currency that a child has no budget of its own in is charged to its parent, so that delegating never escapes a budget.
/// </remarks>
internal sealed class BudgetLedger
{
    private readonly Lock _lock = new();
    private readonly BudgetLedger? _parent;
    private readonly Dictionary<string, Allotment> _counters; // as made: only what the counters hold changes
    private bool _isClosed;
    private BudgetLedger? _heir; // who has got the rest and has not been told

    /// <summary>Creates a ledger.</summary>
    /// <param name="amounts">The budgets; null = none.</param>
    /// <param name="parent">Where the amounts were reserved; null = nowhere.</param>
    public BudgetLedger(IReadOnlyDictionary<string, decimal>? amounts, BudgetLedger? parent = null)
    {
        _counters = (amounts ?? new Dictionary<string, decimal>()).ToDictionary(amount => amount.Key, amount => new Allotment { Left = amount.Value }, StringComparer.Ordinal);
        _parent = parent;
    }

    /// <summary>The ledger of a job without budgets.</summary>
    public static BudgetLedger None { get; } = new(null);

    /// <summary>Hears of each counter that has changed. Called outside the lock; must return at once and must not throw.</summary>
    public Action<string>? OnChanged { get; set; }

    /// <summary>Hears of all counters when one has changed. Called under the ledger's lock: keep, and call nobody.</summary>
    public Action<IReadOnlyDictionary<string, decimal>>? OnCounted { get; set; }

    /// <summary>What is left of the budgets that are the job's own; null when it has none.</summary>
    public IReadOnlyDictionary<string, decimal>? Remaining
    {
        get
        {
            if (IsEmpty)
            {
                return null;
            }

            lock (_lock)
            {
                return CopyNeedsLock();
            }
        }
    }

    /// <summary>Whether the job has no budget of its own. Most have none and share <see cref="None"/>, whose lock they must not meet at.</summary>
    public bool IsEmpty => _counters.Count == 0;

    /// <summary>What is left, for traces, as <c>USD:1.5,EUR:0</c>; null when the job has no budget.</summary>
    public string? Describe() =>
        Remaining is { } left ? string.Join(',', left.Select(entry => FormattableString.Invariant($"{entry.Key}:{entry.Value}"))) : null;

    /// <summary>What is left of one of the job's own budgets; null when it has none in this currency.</summary>
    public decimal? RemainingIn(string currency)
    {
        lock (_lock)
        {
            return _counters.TryGetValue(currency, out Allotment? counter) ? counter.Left : null;
        }
    }

    /// <summary>Whether costs in a unit are counted.</summary>
    public bool Counts(string unit) => _counters.ContainsKey(unit) || _parent?.Counts(unit) is true;

    /// <summary>Counts a cost, also beyond what is left. Nothing happens when its unit has no budget, or the job has ended.</summary>
    /// <param name="unit">The currency.</param>
    /// <param name="amount">The cost; at least 0.</param>
    /// <returns>The ledger that counted it, whose <see cref="Announce"/> tells of it when the cost itself has been told; null = none.</returns>
    public BudgetLedger? Charge(string unit, decimal amount)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return null;
            }

            if (_counters.TryGetValue(unit, out Allotment? counter))
            {
                counter.Left = counter.Left < decimal.MinValue + amount ? decimal.MinValue : counter.Left - amount;
                TellNeedsLock();
                return this;
            }
        }

        return _parent?.Charge(unit, amount);
    }

    /// <summary>Tells of counters that were changed by <see cref="Charge"/> or <see cref="TryReserve"/>.</summary>
    public void Announce(string currency) => OnChanged?.Invoke(currency);

    /// <summary>Finds a currency that is used up, among those that the job's costs are counted in.</summary>
    public string? FindExhausted()
    {
        for (BudgetLedger? level = this; level is not null; level = level._parent)
        {
            if (level.FindUsedUp(this) is { } currency)
            {
                return currency;
            }
        }

        return null;
    }

    /// <summary>Sets amounts aside for a child: all of them, or none.</summary>
    /// <param name="amounts">The amounts; null = none.</param>
    /// <param name="excess">The currency of which more is asked for than is left.</param>
    public bool TryReserve(IReadOnlyDictionary<string, decimal>? amounts, [NotNullWhen(false)] out string? excess)
    {
        excess = null;
        if (amounts is null)
        {
            return true;
        }

        lock (_lock)
        {
            excess = amounts.FirstOrDefault(amount => _isClosed || !_counters.TryGetValue(amount.Key, out Allotment? counter) || amount.Value > counter.Left).Key;
            if (excess is not null)
            {
                return false;
            }

            foreach ((string currency, decimal amount) in amounts)
            {
                _counters[currency].Left -= amount;
            }

            TellNeedsLock();
        }

        return true;
    }

    /// <summary>Ends the counting and gives the rest back to the parent, once. Calls nobody: <see cref="AnnounceReturn"/> tells of it.</summary>
    public void Close()
    {
        if (this == None)
        {
            return;
        }

        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
        }

        _heir = _parent?.Take(_counters);
    }

    /// <summary>Tells whoever got the rest of it, once.</summary>
    public void AnnounceReturn()
    {
        if (!IsEmpty && Interlocked.Exchange(ref _heir, null) is { } heir)
        {
            foreach (string currency in _counters.Keys)
            {
                heir.Announce(currency);
            }
        }
    }

    // A currency counts here only for those further down who have no budget of their own in it.
    private string? FindUsedUp(BudgetLedger asking)
    {
        if (IsEmpty)
        {
            return null;
        }

        lock (_lock)
        {
            foreach ((string currency, Allotment counter) in _counters)
            {
                if (counter.Left <= 0 && !IsOwnBelow(asking, currency))
                {
                    return currency;
                }
            }
        }

        return null;
    }

    private bool IsOwnBelow(BudgetLedger asking, string currency)
    {
        for (BudgetLedger? level = asking; level is not null && level != this; level = level._parent)
        {
            if (level._counters.ContainsKey(currency))
            {
                return true;
            }
        }

        return false;
    }

    // What comes back after the end belongs to whoever the budget came from.
    private BudgetLedger? Take(Dictionary<string, Allotment> rest)
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                foreach ((string currency, Allotment counter) in rest)
                {
                    _counters[currency].Left += counter.Left;
                }

                TellNeedsLock();

                return this;
            }
        }

        return _parent?.Take(rest);
    }

    private Dictionary<string, decimal> CopyNeedsLock() => _counters.ToDictionary(entry => entry.Key, entry => entry.Value.Left, StringComparer.Ordinal);

    private void TellNeedsLock() => OnCounted?.Invoke(CopyNeedsLock());

    private sealed class Allotment
    {
        public decimal Left { get; set; }
    }
}
