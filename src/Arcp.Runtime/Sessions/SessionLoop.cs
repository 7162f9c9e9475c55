using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>The one reader of a connection: reads frames, decodes and dispatches them. It never waits for anything but the next frame.</summary>
internal sealed class SessionLoop(Session session, SessionConnection connection, HeartbeatMonitor? heartbeat, SessionServices services)
{
    /// <summary>After how many frames the jobs start that were submitted by them, when more frames are at hand: one wake-up for each would cost more than the jobs.</summary>
    private const int HandledTogether = 8;

    private readonly Lock _dispatching = new();
    private JobRequests? _jobs;
    private bool _isStopped;

    /// <summary>Handles what concerns jobs; made with the first such request, since many sessions only wait.</summary>
    private JobRequests Jobs => _jobs ??= new JobRequests(session, services);

    /// <summary>Whether the loop ended because the peer sends nothing more.</summary>
    public bool PeerHasClosed { get; private set; }

    /// <summary>From now on frames are read and dropped: when this has returned, nothing of the loop touches the session any more.</summary>
    public void StopDispatching()
    {
        lock (_dispatching)
        {
            _isStopped = true;
        }
    }

    /// <summary>When this has returned, a frame that was being handled has been.</summary>
    public void CompleteDispatch()
    {
        lock (_dispatching)
        {
            // Whoever held it is done.
        }
    }

    /// <summary>Reads until the connection ends, or its transport is disposed.</summary>
    public async Task RunAsync()
    {
        string? end = null;
        int handled = 0;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // whoever starts the loop goes on, also when frames are always at hand
        try
        {
            while (end is null)
            {
                ValueTask<FrameReadStatus> reading = connection.Transport.ReadAsync(connection.Buffer, CancellationToken.None);
                if (!reading.IsCompleted || ++handled == HandledTogether)
                {
                    handled = 0;
                    services.Runner.StartHeld();
                }

                FrameReadStatus status = await reading.ConfigureAwait(false);
                heartbeat?.OnReceived();
                ArcpTelemetry.FramesReceived.Add(1);
                lock (_dispatching)
                {
                    end = Handle(status);
                }
            }
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            // The reason says it.
        }
        finally
        {
            services.Runner.StartHeld();
            PeerHasClosed |= end is null;
            connection.OnLoopEnded(end ?? "the connection is lost");
        }
    }

    /// <summary>Handles what was read.</summary>
    /// <returns>Why the connection ends; null = it goes on.</returns>
    private string? Handle(FrameReadStatus status)
    {
        switch (status)
        {
            case FrameReadStatus.Closed:
                PeerHasClosed = true;
                return "the peer has closed it";
            case FrameReadStatus.TooLarge when !_isStopped:
                Refuse(new FrameHeader(), $"The frame is too large; accepted are {connection.Buffer.Limit} bytes.");
                return "a frame was too large";
            case FrameReadStatus.TooLarge:
                return "a frame was too large";
            case FrameReadStatus.NotText when !_isStopped:
                Refuse(new FrameHeader(), "The message is not text; accepted is one JSON envelope per text message.");
                return null;
            case FrameReadStatus.Frame when !_isStopped:
                return HandleFrame();
            default:
                return null;
        }
    }

    private string? HandleFrame()
    {
        if (session.Outbox.IsFlooded)
        {
            return "the peer sends requests and does not read the answers";
        }

        if (FrameReader.TryRead(connection.Buffer.WrittenSpan, Peer.Runtime, out FrameHeader header, out ArcpMessage? message, out FrameError? error))
        {
            return Dispatch(header, message);
        }

        if (error.Kind is FrameErrorKind.UnknownType)
        {
            Log.UnknownTypeIgnored(services.Logger, session.Id, error.Type);
            return null;
        }

        Refuse(error.Header, error.Message, isJobRequest: error.Type is "job.submit" or "job.cancel" or "job.subscribe");
        return error.Kind is FrameErrorKind.TooDeep ? "a frame was nested too deeply" : null;
    }

    private string? Dispatch(in FrameHeader header, ArcpMessage message)
    {
        bool isJobRequest = message is JobSubmit or JobCancel or JobSubscribe;
        try
        {
            return Answer(header, message);
        }
        catch (ArcpException e)
        {
            Refuse(header, e, isJobRequest);
        }
#pragma warning disable CA1031 // The host's own parts are called from here; what they throw refuses the request and nothing else.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.RequestFailed(services.Logger, session.Id, e);
            Refuse(header, new ArcpException(ErrorCode.InternalError, "The request could not be handled."), isJobRequest);
        }

        return null;
    }

    private string? Answer(in FrameHeader header, ArcpMessage message)
    {
        switch (message)
        {
            case SessionPing ping:
                session.PostAtOnce(new SessionPong { PingNonce = ping.Nonce, ReceivedAt = services.Clock.GetUtcNow() }, header);
                return null;
            case SessionPong:
                return null;
            case SessionClose close:
                session.PostLast(new SessionClosed { Reason = close.Reason }, header);
                return "the client has asked for it";
            case SessionAck ack:
                Require(Features.Ack);
                session.Outbox.Acknowledge(ack.LastProcessedSeq);
                return null;
            case SessionListJobs list:
                Require(Features.ListJobs);
                session.Post(new ListingRequests(session, services).List(header.Id, list), header);
                return null;
            case JobSubmit submit:
                Jobs.Submit(header, submit);
                return null;
            case JobCancel cancel:
                Jobs.Cancel(header, cancel);
                return null;
            case JobSubscribe subscribe:
                Require(Features.Subscribe);
                Jobs.Subscribe(header, subscribe);
                return null;
            case JobUnsubscribe unsubscribe:
                Jobs.Unsubscribe(header, unsubscribe);
                return null;
            default:
                throw new ArcpException(ErrorCode.InvalidRequest, "The session is open already; hello and resume come first on a connection.");
        }
    }

    private void Require(Features feature)
    {
        if (!session.Has(feature))
        {
            throw new ArcpException(ErrorCode.InvalidRequest, $"The feature '{feature.ToNames()[0]}' is not negotiated in this session.");
        }
    }

    private void Refuse(FrameHeader header, string message, bool isJobRequest = false) =>
        Refuse(header, new ArcpException(ErrorCode.InvalidRequest, message), isJobRequest);

    private void Refuse(FrameHeader header, ArcpException error, bool isJobRequest)
    {
        Log.RequestRefused(services.Logger, session.Id, error.Code.Value, error.Message);
        session.Outbox.Post(ControlFrames.Refusal(session, header, error, isJobRequest, services.Options.RejectionFrames));
    }
}
