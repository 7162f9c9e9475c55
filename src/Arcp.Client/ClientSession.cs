using System.Text.Json;
using System.Text;
using Arcp.Client.Connections;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core;

namespace Arcp.Client;

/// <summary>The verbs of a session: each sends a request, waits for what answers it, and ends in a result, an error, a cancellation, a time-out or the loss of the connection.</summary>
internal sealed class ClientSession
{
    private readonly ClientConnection _connection;
    private readonly FrameDispatcher _dispatcher;
    private readonly ArcpClientOptions _options;
    private readonly TimeProvider _clock;

    public ClientSession(WelcomedSession welcomed, ClientConnection connection, FrameDispatcher dispatcher, ArcpClientOptions options)
    {
        Welcomed = welcomed;
        _connection = connection;
        _dispatcher = dispatcher;
        _options = options;
        _clock = options.TimeProvider;
    }

    public WelcomedSession Welcomed { get; }

    public async Task<JobTracker> SubmitAsync(JobSubmit message, TraceContext? trace, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var submit = new PendingSubmit(MessageId.New(_clock), trace ?? TraceContext.New(), message.ParentJobId, message.IdempotencyKey is not null);
        _dispatcher.Add(submit);
        using CancellationTokenSource timeout = new(_options.RequestTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            bool holdsTurn = await _dispatcher.Lane.EnterAsync(either.Token).ConfigureAwait(false);
            try
            {
                await SendAsync(submit, message, either.Token).ConfigureAwait(false);
                return await submit.Answer.WaitAsync(either.Token).ConfigureAwait(false);
            }
            finally
            {
                if (holdsTurn)
                {
                    _dispatcher.Lane.Leave();
                }
            }
        }
        catch (OperationCanceledException)
        {
            if (!_dispatcher.TryAbandon(submit))
            {
                return await submit.Answer.ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw NoAnswer("submit", submit);
        }
    }

    public async Task<JobStatus> CancelAsync(JobTracker job, string? reason, CancellationToken cancellationToken)
    {
        if (job.Ended.IsCompleted)
        {
            return await StatusOf(job).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        JobId jobId = job.Accepted.JobId;
        var cancel = new PendingNotice(MessageId.New(_clock), jobId);
        _dispatcher.Add(cancel);
        using CancellationTokenSource timeout = new(_options.RequestTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await SendAsync(cancel, new JobCancel { JobId = jobId, Reason = reason }, either.Token).ConfigureAwait(false);
            await Task.WhenAny(job.Ended, cancel.Refusal).WaitAsync(either.Token).ConfigureAwait(false);
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
            _dispatcher.Complete(cancel);
        }
    }

    /// <summary>Says goodbye and ends the connection; everybody who still waits gets an <see cref="ArcpConnectionException"/>.</summary>
    public async Task CloseAsync(string? reason)
    {
        using CancellationTokenSource timeout = new(_options.CloseTimeout, _clock);
        try
        {
            await SayGoodbyeAsync(reason, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The runtime does not answer; the connection is closed all the same.
        }

        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    public void Release(JobTracker tracker) => _dispatcher.Release(tracker);

    private static async Task<JobStatus> StatusOf(JobTracker job) =>
        await job.Ended.ConfigureAwait(false) is { } lost ? throw lost() : job.Status;

    private async Task SayGoodbyeAsync(string? reason, CancellationToken cancellationToken)
    {
        var close = new PendingNotice(MessageId.New(_clock));
        if (!_dispatcher.TryBeginClose(close))
        {
            return; // nobody there to say goodbye to
        }

        try
        {
            await SendAsync(close, new SessionClose { Reason = reason }, cancellationToken).ConfigureAwait(false);
            await Task.WhenAny(_connection.Completion, close.Refusal).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (close.Refusal.IsCompleted)
            {
                _ = await _connection.SendAsync(new OutgoingFrame(Bye()), cancellationToken).ConfigureAwait(false);
            }

            await _connection.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _dispatcher.Complete(close);
        }
    }

    // Some runtimes know session.close under this name only; no other message of ours is named like that, so it has no record.
    private byte[] Bye() => Encoding.UTF8.GetBytes(
        $$"""{"arcp":"1.1","type":"session.bye","payload":{},"id":"{{MessageId.New(_clock)}}","session_id":"{{JsonEncodedText.Encode(Welcomed.SessionId.Value)}}"}""");

    // False from the queue means that the connection is over: then the dispatcher ends the request.
    private async Task SendAsync(PendingRequest request, ArcpMessage message, CancellationToken cancellationToken)
    {
        var header = new FrameHeader { Id = request.Id, SessionId = Welcomed.SessionId, JobId = request.JobId, Trace = request.Trace };
        var frame = new OutgoingFrame(new Envelope(header, message), () => _dispatcher.TryBegin(request));
        _ = await _connection.SendAsync(frame, cancellationToken).ConfigureAwait(false);
    }

    private TimeoutException NoAnswer(string what, PendingRequest request) =>
        new(request.IsSent
            ? $"The runtime has not answered the {what} within {_options.RequestTimeout}; it may have acted on it."
            : $"The {what} could not be sent within {_options.RequestTimeout}.");
}
