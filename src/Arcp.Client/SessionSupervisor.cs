using System.Diagnostics.CodeAnalysis;
using Arcp.Client.Connections;
using Arcp.Client.Diagnostics;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Keeps a session connected (§6.3): follows its connection, makes the next one when it is lost, and says so when there will be none.</summary>
/// <remarks>One loop, awaited by <see cref="StopAsync"/>. At any time at most one connection feeds the dispatcher: the next one is begun when nothing of the last one runs any more.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to dispose.")]
internal sealed class SessionSupervisor(SessionDialer dialer, FrameDispatcher dispatcher, SessionRestorer restorer, ArcpClientOptions options, ILogger logger)
{
    private readonly TimeProvider _clock = options.TimeProvider;
    private readonly Backoff _backoff = new(options.Reconnect.InitialDelay, options.Reconnect.MaxDelay, options.Reconnect.Jitter);
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private volatile WelcomedSession _welcomed = null!;
    private Task _running = Task.CompletedTask;
    private bool _isReplaced;
    private bool _mayMissEvents;
    private long _lostAt;

    /// <summary>The connection, for those who want to send.</summary>
    public CurrentConnection Link { get; } = new();

    /// <summary>The states of the connection.</summary>
    public StateFeed States { get; } = new();

    /// <summary>What the last welcome has brought.</summary>
    public WelcomedSession Welcomed => _welcomed;

    /// <summary>Starts with the first connection; once.</summary>
    public void Start(ClientConnection connection, WelcomedSession welcomed)
    {
        Log.SessionOpened(logger, welcomed.SessionId, welcomed.Runtime.Name, welcomed.Features);
        _welcomed = welcomed;
        dispatcher.Begin(welcomed.SessionId, isResumed: false, KeysSurvive, NewNonce());
        connection.Start(dispatcher);
        Link.Set(connection);
        _running = RunAsync(connection);
    }

    /// <summary>Ends the connection, or the attempts to make one, and waits for it.</summary>
    public async Task StopAsync()
    {
        _stopping.TrySetResult();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    // §7.2: the keys of an anonymous session end with it.
    private bool KeysSurvive => !options.IsAnonymous;

    private async Task RunAsync(ClientConnection first)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        ClientConnection? connection = first;
        while (connection is not null)
        {
            long begun = _clock.GetTimestamp();
            await Task.WhenAny(connection.Over, _stopping.Task).ConfigureAwait(false);
            if (connection.Over.IsCompleted && await connection.Over.ConfigureAwait(false) is var seen && !MayReconnect(seen))
            {
                Finish(seen); // before the clean-up, for which nobody has to wait
            }

            await connection.DisposeAsync().ConfigureAwait(false);
            ConnectionEnd end = await connection.Over.ConfigureAwait(false);
            if (States.Current.IsFinal || !MayReconnect(end))
            {
                Finish(end);
                return;
            }

            if (_clock.GetElapsedTime(begun) > options.Reconnect.MaxDelay || (dispatcher.HasProgressed && !end.IsOrderly))
            {
                _backoff.Reset();
            }

            connection = await ReconnectAsync(end).ConfigureAwait(false);
        }
    }

    private bool MayReconnect(ConnectionEnd end) =>
        options.Reconnect.Enabled && (!end.IsFinal || MayHaveAnotherToken(end)) && !_stop.IsCancellationRequested && !dispatcher.IsClosing;

    // A token that has run out is replaced by the provider's next one.
    private bool MayHaveAnotherToken(ConnectionEnd end) => options.TokenProvider is not null && end.Cause is ArcpException { Code: var code } && code == ErrorCode.Unauthenticated;

    private async Task<ClientConnection?> ReconnectAsync(ConnectionEnd end)
    {
        if (_backoff.Attempts == 0)
        {
            _lostAt = _clock.GetTimestamp();
        }

        ResumeOffer? offer = end.CannotResume || _welcomed.ResumeToken is not { } token ? null : new ResumeOffer(_welcomed.SessionId, token, dispatcher.ProcessedSeq);
        bool atOnce = false;
        while (true)
        {
            TimeSpan delay = atOnce ? TimeSpan.Zero : _backoff.Next();
            atOnce = false;
            States.Publish(new ConnectionState { Status = ConnectionStatus.Reconnecting, Reason = end.Message, Cause = end.Cause, Attempt = _backoff.Attempts });
            Log.Reconnecting(logger, _welcomed.SessionId, _backoff.Attempts, delay);
            TimeSpan limit = options.Reconnect.GiveUpAfter;
            if (limit != Timeout.InfiniteTimeSpan && _clock.GetElapsedTime(_lostAt) + delay > limit)
            {
                Finish(end with { Message = $"{end.Message} It could not be made again within {limit}." });
                return null;
            }

            try
            {
                await Task.Delay(delay, _clock, _stop.Token).ConfigureAwait(false);
                (ClientConnection connection, WelcomedSession welcomed) = await dialer.DialAsync(offer, _stop.Token).ConfigureAwait(false);
                await BeginAsync(connection, welcomed, offer, end).ConfigureAwait(false);
                return connection;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                Finish(end);
                return null;
            }
            catch (ArcpException e) when (offer is not null && !IsAboutCredentials(e) && !e.Retryable)
            {
                // RESUME_WINDOW_EXPIRED, or whatever this runtime calls it: the session is gone, another one may be had.
                Log.ReconnectFailed(logger, _welcomed.SessionId, e);
                (offer, atOnce, end) = (null, true, end with { Cause = e });
            }
            catch (ArcpException e) when (IsAboutCredentials(e) || !e.Retryable)
            {
                Finish(new ConnectionEnd($"The runtime refuses another connection: {e.Code}.", e));
                return null;
            }
            catch (Exception e) when (e is ArcpException or ArcpConnectionException)
            {
                Log.ReconnectFailed(logger, _welcomed.SessionId, e);
                end = end with { Cause = e };
            }
#pragma warning disable CA1031 // The transport factory is the user's; what it throws unexpectedly must not leave anybody waiting.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Finish(new ConnectionEnd("Another connection to the runtime could not be made.", e));
                return null;
            }
        }
    }

    private async Task BeginAsync(ClientConnection connection, WelcomedSession welcomed, ResumeOffer? offer, ConnectionEnd end)
    {
        bool isResumed = offer is not null && welcomed.SessionId == offer.SessionId;
        if (isResumed)
        {
            Log.SessionResumed(logger, welcomed.SessionId, offer!.LastEventSeq);
        }
        else
        {
            Log.SessionReplaced(logger, _welcomed.SessionId, welcomed.SessionId, (end.Cause as ArcpException)?.Message ?? end.Message);
            (_isReplaced, _mayMissEvents) = (true, false);
        }

        _welcomed = welcomed;
        string nonce = NewNonce();
        if (dispatcher.Begin(welcomed.SessionId, isResumed, KeysSurvive, nonce))
        {
            connection.Ping(nonce);
        }

        foreach (JobId jobId in dispatcher.TakeUnsubscribes())
        {
            connection.TrySend(new JobUnsubscribe { JobId = jobId }, jobId);
        }

        connection.Start(dispatcher);
        Link.Set(connection);
        try
        {
            _mayMissEvents |= await restorer.RestoreAllAsync(connection, welcomed.Features, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return; // the client is being closed; the loop sees to the connection
        }

        if (!connection.Over.IsCompleted)
        {
            States.Publish(new ConnectionState
            {
                Status = ConnectionStatus.Connected,
                IsNewSession = _isReplaced,
                MayMissEvents = _mayMissEvents,
                Reason = _isReplaced ? end.Message : null,
                Cause = _isReplaced ? end.Cause : null,
            });
            (_isReplaced, _mayMissEvents) = (false, false);
        }
    }

    private void Finish(ConnectionEnd end)
    {
        if (States.Current.IsFinal)
        {
            return;
        }

        bool isClosed = dispatcher.IsClosing;
        end = isClosed ? end with { Message = "The client has been closed." } : end;
        dispatcher.End(end);
        Link.End();
        if (!isClosed)
        {
            Log.SessionFailed(logger, _welcomed.SessionId, end.Message, end.Cause);
        }

        States.Publish(new ConnectionState { Status = isClosed ? ConnectionStatus.Closed : ConnectionStatus.Failed, Reason = end.Message, Cause = end.Cause });
    }

    private string NewNonce() => Ulid.MintWithPrefix("ping_", _clock.GetUtcNow());

    // A runtime that waited too long for our hello says UNAUTHENTICATED, too (§6.2), and that it may be tried again.
    private static bool IsAboutCredentials(ArcpException e) => !e.Retryable && (e.Code == ErrorCode.Unauthenticated || e.Code == ErrorCode.PermissionDenied);
}
