using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>The one writer of a connection: sends what the outbox gives, many frames at a time.</summary>
internal sealed class SessionWriter(SessionOutbox outbox, ITransport transport, HeartbeatMonitor? heartbeat)
{
    /// <summary>Sends until the outbox is complete.</summary>
    /// <exception cref="TransportException">The connection is lost.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var batch = new FrameBatch();
        while (true)
        {
            bool goesOn = outbox.Collect(batch);
            if (batch.Count == 0)
            {
                if (!goesOn)
                {
                    return;
                }

                await outbox.WaitAsync().ConfigureAwait(false);
                continue;
            }

            for (int i = 0; i < batch.Count; i++)
            {
                await transport.WriteAsync(batch[i], cancellationToken).ConfigureAwait(false);
            }

            await transport.FlushAsync(cancellationToken).ConfigureAwait(false);
            heartbeat?.OnSent();
            ArcpTelemetry.FramesSent.Add(batch.Count);
            ArcpTelemetry.EventsDelivered.Add(batch.NumberedCount);
            batch.Clear();
        }
    }
}
