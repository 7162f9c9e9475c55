using Arcp.Client.Connections;
using Arcp.Client.Diagnostics;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Lets handles go on in a session that does not receive their jobs' frames: subscribes to each from where it stands in the job's log (§7.6).</summary>
internal sealed class SessionRestorer(FrameDispatcher dispatcher, ArcpClientOptions options, ILogger logger)
{
    /// <summary>Restores all handles that need it, on one connection.</summary>
    /// <returns>Whether events may be missing.</returns>
    public async Task<bool> RestoreAllAsync(ClientConnection connection, Features features, CancellationToken cancellationToken)
    {
        IReadOnlyList<JobTracker> trackers = dispatcher.Unsubscribed();
        if (!features.HasFlag(Features.Subscribe))
        {
            foreach (JobTracker tracker in trackers)
            {
                Lose(tracker, new ArcpConnectionException("The session was lost, and this runtime offers no subscriptions to follow the job from another one.", null, isOutcomeUnknown: true));
            }

            return trackers.Count > 0;
        }

        bool[] missing = await Task.WhenAll(trackers.Select(tracker => RestoreAsync(tracker, connection, cancellationToken))).ConfigureAwait(false);
        return missing.Contains(true);
    }

    /// <summary>Restores one handle. When the connection ends before the answer, the next one has to do it again.</summary>
    /// <returns>Whether events may be missing.</returns>
    public async Task<bool> RestoreAsync(JobTracker tracker, ClientConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            long position = tracker.Position;
            try
            {
                await SubscribeAsync(tracker, tracker.IsPositionKnown ? position : null, connection, cancellationToken).ConfigureAwait(false);
            }
            catch (ArcpException e) when (e.Code == ErrorCode.InvalidRequest)
            {
                // History that is no longer held; what comes from now on is still worth having.
                await SubscribeAsync(tracker, after: null, connection, cancellationToken).ConfigureAwait(false);
            }

            return tracker.MissesAbove(position);
        }
        catch (ArcpException e)
        {
            Lose(tracker, e);
        }
        catch (TimeoutException e)
        {
            Lose(tracker, e);
        }
        catch (ArcpConnectionException)
        {
            // The client is over; so are its handles.
        }

        return true;
    }

    // Without an answer the next connection does it again, so nothing is missing yet.
    private async Task SubscribeAsync(JobTracker tracker, long? after, ClientConnection connection, CancellationToken cancellationToken)
    {
        var request = new PendingSubscribe(MessageId.New(options.TimeProvider), tracker.JobId, after, tracker);
        dispatcher.Add(request);
        using CancellationTokenSource timeout = new(options.RequestTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var header = new FrameHeader { Id = request.Id, SessionId = connection.SessionId, JobId = tracker.JobId };
            var message = new JobSubscribe { JobId = tracker.JobId, FromEventSeq = after, History = after is not null };
            _ = await connection.SendAsync(new OutgoingFrame(new Envelope(header, message), () => dispatcher.TryBegin(request)), either.Token).ConfigureAwait(false);
            await Task.WhenAny(request.Answer, connection.Over).WaitAsync(either.Token).ConfigureAwait(false);
            if (request.Answer.IsCompleted)
            {
                _ = await request.Answer.ConfigureAwait(false);

                // Its last view may have been let go meanwhile.
                dispatcher.Release(tracker.JobId, jobId => connection.TrySend(new JobUnsubscribe { JobId = jobId }, jobId));
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The session was lost, and the runtime has not answered the subscription to the job within {options.RequestTimeout}.");
        }
        finally
        {
            dispatcher.Complete(request);
        }
    }

    private void Lose(JobTracker tracker, Exception error)
    {
        Log.JobLost(logger, tracker.JobId, error.Message);
        dispatcher.Lose(tracker, error switch
        {
            ArcpException refusal => () => new ArcpException(refusal.Code, refusal.Message, refusal.Retryable, refusal) { Details = refusal.Details },
            TimeoutException timeout => () => new TimeoutException(timeout.Message, timeout),
            _ => () => new ArcpConnectionException(error.Message, error, isOutcomeUnknown: true),
        });
    }
}
