namespace Arcp.Runtime.Sessions;

/// <summary>How far a client's acknowledgements are behind, and when it is to be told (§6.5).</summary>
/// <remarks>Needs the outbox's lock.</remarks>
internal sealed class AckLag(int threshold, long acknowledged = 0)
{
    private long _acknowledged = acknowledged;
    private bool _isTold;

    /// <summary>Takes an acknowledgement: a monotonic maximum.</summary>
    /// <returns>False when it says nothing new.</returns>
    public bool Acknowledge(long upTo, long lastSeq)
    {
        if (upTo <= _acknowledged)
        {
            return false;
        }

        _acknowledged = upTo;
        _isTold &= (lastSeq - upTo) * 2 >= threshold; // armed again only under half
        return true;
    }

    /// <summary>The number behind which the client has to be told, once, until it has caught up.</summary>
    public long DueBehind => threshold == 0 || _isTold ? long.MaxValue : _acknowledged + threshold;

    /// <summary>The client is told.</summary>
    public void OnTold() => _isTold = true;
}
