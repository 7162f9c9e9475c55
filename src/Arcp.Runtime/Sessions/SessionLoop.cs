using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>The one reader of a connection: reads frames, decodes and dispatches them. It never waits for anything but the next frame.</summary>
internal sealed class SessionLoop(Session session, ITransport transport, FrameBuffer buffer, SessionServices services)
{
    private readonly JobRequests _jobs = new(session, services);
    private volatile bool _isStopped;

    /// <summary>Whether the loop ended because the peer sends nothing more.</summary>
    public bool PeerHasClosed { get; private set; }

    /// <summary>From now on frames are read and dropped.</summary>
    public void StopDispatching() => _isStopped = true;

    /// <summary>Reads until the connection ends.</summary>
    /// <returns>Why it ended, for the log.</returns>
    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            string? end = null;
            while (end is null)
            {
                buffer.Clear();
                end = Handle(await transport.ReadAsync(buffer, cancellationToken).ConfigureAwait(false))
                    ?? (session.Outbox.IsOverfull ? "the client does not read what it is answered" : null);
            }

            return end;
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            PeerHasClosed = true;
            return "the connection is lost";
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
                Refuse(new FrameHeader(), $"The frame is too large; accepted are {buffer.Limit} bytes.");
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
        if (FrameReader.TryRead(buffer.WrittenSpan, Peer.Runtime, out Envelope? envelope, out FrameError? error))
        {
            return Dispatch(envelope);
        }

        if (error.Kind is FrameErrorKind.UnknownType)
        {
            Log.UnknownTypeIgnored(services.Logger, session.Id, error.Type);
            return null;
        }

        if (error.Type is "job.submit" or "job.cancel" or "job.subscribe")
        {
            _jobs.Refuse(error.Header, new ArcpException(ErrorCode.InvalidRequest, error.Message));
        }
        else
        {
            Refuse(error.Header, error.Message);
        }

        return error.Kind is FrameErrorKind.TooDeep ? "a frame was nested too deeply" : null;
    }

    private string? Dispatch(Envelope envelope)
    {
        FrameHeader header = envelope.Header;
        switch (envelope.Message)
        {
            case SessionPing ping:
                session.Post(new SessionPong { PingNonce = ping.Nonce, ReceivedAt = services.Clock.GetUtcNow() }, header);
                return null;
            case SessionPong:
                return null;
            case SessionClose close:
                session.Post(new SessionClosed { Reason = close.Reason }, header);
                return "the client has asked for it";
            case SessionHello or SessionResume:
                Refuse(header, "The session is open already; hello and resume come first on a connection.");
                return null;
            case SessionAck ack when session.Has(Features.Ack):
                session.Outbox.Acknowledge(ack.LastProcessedSeq);
                return null;
            case JobSubmit submit:
                _jobs.Submit(header, submit);
                return null;
            case JobCancel cancel:
                _jobs.Cancel(header, cancel);
                return null;
            case JobSubscribe subscribe when session.Has(Features.Subscribe):
                _jobs.Subscribe(header, subscribe);
                return null;
            case JobSubscribe:
                _jobs.Refuse(header, NotNegotiated(Features.Subscribe));
                return null;
            case JobUnsubscribe unsubscribe:
                _jobs.Unsubscribe(header, unsubscribe);
                return null;
            default:
                Refuse(header, NotNegotiated(envelope.Message is SessionAck ? Features.Ack : Features.ListJobs).Message);
                return null;
        }
    }

    private static ArcpException NotNegotiated(Features feature) =>
        new(ErrorCode.InvalidRequest, $"The feature '{feature.ToNames()[0]}' is not negotiated in this session.");

    private void Refuse(FrameHeader header, string message)
    {
        var error = new ArcpException(ErrorCode.InvalidRequest, message);
        Log.RequestRefused(services.Logger, session.Id, error.Code.Value, message);
        session.Outbox.Post(ControlFrames.Refusal(session, header, error, jobRequest: false, services.Options.RejectionFrames));
    }
}
