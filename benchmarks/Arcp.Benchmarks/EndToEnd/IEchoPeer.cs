namespace Arcp.Benchmarks.EndToEnd;

/// <summary>A connection that answers requests in order, be it the runtime's or a baseline's.</summary>
internal interface IEchoPeer : IDisposable
{
    /// <summary>Queues a request.</summary>
    void Queue();

    /// <summary>Takes what has been read.</summary>
    /// <returns>How many requests have been answered to their end by it.</returns>
    int TakeCompleted();

    /// <summary>Sends what is queued, then reads more.</summary>
    void Fill();
}
