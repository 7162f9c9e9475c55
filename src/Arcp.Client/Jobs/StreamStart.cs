namespace Arcp.Client.Jobs;

/// <summary>Where in a job's log the frames begin that follow a <c>job.subscribed</c>, and which of those that came before it belong to them (§7.6).</summary>
/// <param name="Above">They stand above this number.</param>
/// <param name="Asked">Above which number events were asked for; null = no history.</param>
/// <param name="HasHistory">Whether all that was asked for comes.</param>
/// <param name="IsCertain">Whether <paramref name="Above"/> is exact. A session that reads the job already may be behind what the runtime says of the log.</param>
/// <param name="Held">Which of the frames that came before the answer count.</param>
internal readonly record struct StreamStart(long Above, long? Asked, bool HasHistory, bool IsCertain, HeldPart Held)
{
    /// <summary>Whether history was asked for and does not come, or not all.</summary>
    public bool IsPartial => Asked is not null && !HasHistory;

    /// <summary>Reads an answer.</summary>
    /// <param name="asked">Above which number events were asked for; null = no history.</param>
    /// <param name="subscribedFrom">The length of the job's log, as the runtime says.</param>
    /// <param name="replayed">Whether it says that history follows.</param>
    /// <param name="isRepeated">Whether the session reads the job from there already, because an earlier form of the request got through.</param>
    /// <param name="mayBeRead">Whether the session may read the job already for another reason, from a place that is not known.</param>
    public static StreamStart Of(long? asked, long? subscribedFrom, bool? replayed, bool isRepeated, bool mayBeRead)
    {
        // History begins above what was asked for, and at the end of the log at the latest.
        bool isAtEnd = asked >= subscribedFrom;
        bool replays = asked is not null && (replayed ?? true);
        if (asked is { } wanted && (replays || isAtEnd))
        {
            HeldPart held = replayed == true && (mayBeRead || isRepeated) ? HeldPart.None : isAtEnd ? HeldPart.Terminal : HeldPart.All;
            return new(Math.Min(wanted, subscribedFrom ?? long.MaxValue), asked, HasHistory: true, replayed == true || !mayBeRead, held);
        }

        if (asked is { } before && isRepeated && !mayBeRead)
        {
            return new(before, asked, HasHistory: true, IsCertain: true, HeldPart.All);
        }

        bool isCertain = asked is null && subscribedFrom is not null && !isRepeated && !mayBeRead;
        return new(subscribedFrom ?? 0, asked, HasHistory: false, isCertain, asked is null && subscribedFrom is not null ? HeldPart.Terminal : HeldPart.All);
    }
}

/// <summary>Which of the frames of a job that came before it was known belong to it.</summary>
internal enum HeldPart
{
    /// <summary>All.</summary>
    All,

    /// <summary>Only its end: what came before is older than what was asked for.</summary>
    Terminal,

    /// <summary>None: they belong to an earlier subscription, and come again.</summary>
    None,
}
