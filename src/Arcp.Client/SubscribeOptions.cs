namespace Arcp.Client;

/// <summary>Which part of a job's past a subscription begins with (§7.6). Everything is optional.</summary>
public sealed record SubscribeOptions
{
    /// <summary>Events of the job's log above this number are wanted; 0 or more, 0 = from the start. Null = from the start with <see cref="History"/>, else from now on.</summary>
    public long? FromEventSeq { get; init; }

    /// <summary>Whether past events are wanted. Null = yes exactly when <see cref="FromEventSeq"/> is given.</summary>
    public bool? History { get; init; }

    /// <summary>As <see cref="SubmitOptions.BufferResult"/>. Of several views of one job the first decides. Default true.</summary>
    public bool BufferResult { get; init; } = true;

    /// <summary>The number above which events are wanted; null = from now on.</summary>
    internal long? After
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(FromEventSeq ?? 0, nameof(FromEventSeq));
            return History ?? FromEventSeq is not null ? FromEventSeq ?? 0 : null;
        }
    }
}
