using System.Text;
using System.Text.Json;
using Arcp.Client.Connections;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Client;

/// <summary>The verbs of a session: each sends a request, waits for what answers it, and ends in a result, an error, a cancellation, a time-out or the loss of the connection.</summary>
internal sealed class ClientSession(SessionSupervisor supervisor, FrameDispatcher dispatcher, SessionRestorer restorer, ArcpClientOptions options)
{
    private readonly TimeProvider _clock = options.TimeProvider;

    public WelcomedSession Welcomed => supervisor.Welcomed;

    public StateFeed States => supervisor.States;

    public UnclaimedMessages Unclaimed => dispatcher.Unclaimed;

    /// <summary>How many requests and jobs there are in the tables; for tests that look for leaks.</summary>
    public (int Requests, int Jobs) Counts => dispatcher.Counts;

    public async Task<AcceptedJob> SubmitAsync(JobSubmit message, SubmitOptions choices, CancellationToken cancellationToken)
    {
        var submit = new PendingSubmit(MessageId.New(_clock), choices.Trace ?? TraceContext.New(), message.ParentJobId, message.IdempotencyKey is not null)
        {
            KeepsResult = choices.BufferResult,
        };
        AcceptedJob accepted = await RequestAsync(submit, message, "submit", cancellationToken).ConfigureAwait(false);
        if (!accepted.Tracker.NeedsSubscription)
        {
            return accepted;
        }

        if (!Welcomed.Features.HasFlag(Features.Subscribe))
        {
            return accepted with { IsPartial = true }; // all that can be had is what the session receives anyway
        }

        await FollowElsewhereAsync(accepted.Tracker, cancellationToken).ConfigureAwait(false);
        return accepted;
    }

    public async Task<Observation> SubscribeAsync(JobId jobId, long? after, bool keepsResult, CancellationToken cancellationToken)
    {
        Require(Features.Subscribe);
        var subscribe = new PendingSubscribe(MessageId.New(_clock), jobId, after) { KeepsResult = keepsResult };
        var message = new JobSubscribe { JobId = jobId, FromEventSeq = after, History = after is not null };
        try
        {
            return await RequestAsync(subscribe, message, "subscription", cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or TimeoutException)
        {
            dispatcher.Release(jobId, Unsubscribe);
            throw;
        }
    }

    /// <summary>Watches a child job from its first event: what the session has received of it anyway, or else a subscription.</summary>
    public async Task<JobTracker> OpenChildAsync(JobId childId, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return dispatcher.TryFollow(childId) ?? (await SubscribeAsync(childId, after: 0, keepsResult: false, cancellationToken).ConfigureAwait(false)).Tracker;
    }

    public Task<SessionJobs> ListAsync(SessionListJobs message, CancellationToken cancellationToken)
    {
        Require(Features.ListJobs);
        return RequestAsync(new PendingPage(MessageId.New(_clock)), message, "listing", cancellationToken);
    }

    public async Task<JobStatus> CancelAsync(JobTracker job, string? reason, CancellationToken cancellationToken)
    {
        if (job.Ended.IsCompleted)
        {
            return await StatusOf(job).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        var cancel = new PendingNotice(MessageId.New(_clock), job.JobId);
        dispatcher.Add(cancel);
        using CancellationTokenSource timeout = new(options.RequestTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            Task answered = Task.WhenAny(job.Ended, cancel.Refusal);
            await SendAsync(cancel, new JobCancel { JobId = job.JobId, Reason = reason }, answered, either.Token).ConfigureAwait(false);
            await answered.WaitAsync(either.Token).ConfigureAwait(false);
            return job.Ended.IsCompleted
                ? await StatusOf(job).ConfigureAwait(false)
                : throw await cancel.Refusal.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw NoAnswer("cancel", cancel);
        }
        finally
        {
            dispatcher.Complete(cancel);
        }
    }

    /// <summary>Says goodbye and ends the connection; everybody who still waits gets an <see cref="ArcpConnectionException"/>.</summary>
    public async Task CloseAsync(string? reason)
    {
        using CancellationTokenSource timeout = new(options.CloseTimeout, _clock);
        try
        {
            await SayGoodbyeAsync(reason, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The runtime does not answer; the connection is closed all the same.
        }

        await supervisor.StopAsync().ConfigureAwait(false);
    }

    /// <summary>A handle of the job is let go; the runtime is told when it sends the job's frames only because of a subscription.</summary>
    public void Release(JobTracker tracker) => dispatcher.Release(tracker, Unsubscribe);

    private static async Task<JobStatus> StatusOf(JobTracker job) =>
        await job.Ended.ConfigureAwait(false) is { } lost ? throw lost() : job.Status;

    private void Require(Features feature)
    {
        if (!Welcomed.Features.HasFlag(feature))
        {
            throw new ArcpException(ErrorCode.InvalidRequest, $"The session has not negotiated {feature.ToNames()[0]}.");
        }
    }

    private async Task<T> RequestAsync<T>(PendingRequest<T> request, ArcpMessage message, string what, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        dispatcher.Add(request);
        using CancellationTokenSource timeout = new(options.RequestTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            bool holdsTurn = request is PendingSubmit && await dispatcher.Lane.EnterAsync(either.Token).ConfigureAwait(false);
            try
            {
                await SendAsync(request, message, request.Answer, either.Token).ConfigureAwait(false);
                return await request.Answer.WaitAsync(either.Token).ConfigureAwait(false);
            }
            finally
            {
                if (holdsTurn)
                {
                    dispatcher.Lane.Leave();
                }
            }
        }
        catch (OperationCanceledException)
        {
            if (!dispatcher.TryAbandon(request))
            {
                return await request.Answer.ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw NoAnswer(what, request);
        }
    }

    // Sends on one connection after the other until there is an answer. A request that may not be repeated is sent once, and then only waits.
    private async Task SendAsync(PendingRequest request, ArcpMessage message, Task answered, CancellationToken cancellationToken)
    {
        while (!answered.IsCompleted && await supervisor.Link.WaitAsync(cancellationToken).ConfigureAwait(false) is { } connection)
        {
            if (request is PendingSubscribe && dispatcher.Restored(request.JobId!.Value) is { IsCompleted: false } restored)
            {
                await Task.WhenAny(restored, connection.Over).WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (dispatcher.MaySend(request))
            {
                var header = new FrameHeader { Id = request.Id, SessionId = connection.SessionId, JobId = request.JobId, Trace = request.Trace };
                var frame = new OutgoingFrame(new Envelope(header, message), () => dispatcher.TryBegin(request));
                _ = await connection.SendAsync(frame, cancellationToken).ConfigureAwait(false);
            }

            await Task.WhenAny(answered, connection.Over).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FollowElsewhereAsync(JobTracker tracker, CancellationToken cancellationToken)
    {
        try
        {
            if (await supervisor.Link.WaitAsync(cancellationToken).ConfigureAwait(false) is { } connection)
            {
                await restorer.RestoreAsync(tracker, connection, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            Release(tracker);
            throw;
        }
    }

    private void Unsubscribe(JobId jobId) => supervisor.Link.Value?.TrySend(new JobUnsubscribe { JobId = jobId }, jobId);

    private async Task SayGoodbyeAsync(string? reason, CancellationToken cancellationToken)
    {
        var close = new PendingNotice(MessageId.New(_clock));
        if (!dispatcher.TryBeginClose(close) || supervisor.Link.Value is not { } connection)
        {
            return; // nobody there to say goodbye to
        }

        try
        {
            connection.FlushAcks();
            var header = new FrameHeader { Id = close.Id, SessionId = connection.SessionId };
            var frame = new OutgoingFrame(new Envelope(header, new SessionClose { Reason = reason }), () => dispatcher.TryBegin(close));
            _ = await connection.SendAsync(frame, cancellationToken).ConfigureAwait(false);
            await Task.WhenAny(connection.Completion, close.Refusal).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (close.Refusal.IsCompleted)
            {
                _ = await connection.SendAsync(new OutgoingFrame(Bye(connection.SessionId)), cancellationToken).ConfigureAwait(false);
            }

            await connection.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            dispatcher.Complete(close);
        }
    }

    // Some runtimes know session.close under this name only; no other message of ours is named like that, so it has no record.
    private byte[] Bye(SessionId sessionId) => Encoding.UTF8.GetBytes(
        $$"""{"arcp":"1.1","type":"session.bye","payload":{},"id":"{{MessageId.New(_clock)}}","session_id":"{{JsonEncodedText.Encode(sessionId.Value)}}"}""");

    private TimeoutException NoAnswer(string what, PendingRequest request) =>
        new(request.IsSent || request.WasSentBefore
            ? $"The runtime has not answered the {what} within {options.RequestTimeout}; it may have acted on it."
            : $"The {what} could not be sent within {options.RequestTimeout}.");
}
