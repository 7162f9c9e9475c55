namespace Arcp.Client.Collections;

/// <summary>Checks the numbers of a session's frames (§8.3): each once, in order, without a gap. Not thread-safe.</summary>
internal sealed class EventSequence
{
    private long _last;
    private bool _isFirst = true;
    private bool _isFirstAfterResume;

    /// <summary>The highest number below which none is missing.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>A new session begins.</summary>
    public void Reset() => (_last, _isFirst, _isFirstAfterResume) = (0, true, false);

    /// <summary>The session goes on: what follows is either a repetition or the next number.</summary>
    public void Resume() => _isFirstAfterResume = true;

    /// <summary>Takes a number.</summary>
    public SequenceStep Step(long seq)
    {
        bool isZeroBased = _isFirst && seq == 0; // not what §8.3 says, but harmless
        if (seq <= _last && !isZeroBased)
        {
            return SequenceStep.Duplicate;
        }

        if (seq > _last + 1)
        {
            return _isFirstAfterResume ? SequenceStep.LostForGood : SequenceStep.Gap;
        }

        Volatile.Write(ref _last, seq);
        (_isFirst, _isFirstAfterResume) = (false, false);
        return SequenceStep.Next;
    }
}

/// <summary>What a number means.</summary>
internal enum SequenceStep
{
    /// <summary>It is the next one.</summary>
    Next,

    /// <summary>It was seen before.</summary>
    Duplicate,

    /// <summary>Frames are missing before it; a resume may bring them.</summary>
    Gap,

    /// <summary>Frames are missing before it, and a resume did not bring them.</summary>
    LostForGood,
}
