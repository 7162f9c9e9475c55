using Arcp.Core.Serialization;

namespace Arcp.Client.Connections;

/// <summary>What a connection tells about. Calls come from the read loop, one at a time, and must not wait for anything.</summary>
internal interface IFrameReceiver
{
    /// <summary>The highest <c>event_seq</c> below which none is missing (§6.5); 0 = none.</summary>
    long ProcessedSeq { get; }

    /// <summary>A frame has arrived.</summary>
    /// <param name="envelope">The frame.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <returns>Why the connection has to end now; null = it goes on.</returns>
    ConnectionEnd? OnFrame(Envelope envelope, int size);

    /// <summary>No other frame is at hand, or many have arrived since the last call: whoever waits for events is woken now. Comes after the last frame, too.</summary>
    void OnPause();

    /// <summary>A frame that cannot be read has arrived.</summary>
    /// <param name="error">What is wrong with it.</param>
    /// <returns>Why the connection has to end now; null = it goes on.</returns>
    ConnectionEnd? OnUnreadable(FrameError error);

    /// <summary>The connection is over. Called once; not necessarily after the last <see cref="OnFrame"/>.</summary>
    /// <param name="end">Why.</param>
    /// <returns>Why, as far as the receiver knows better.</returns>
    ConnectionEnd OnEnded(ConnectionEnd end);
}
