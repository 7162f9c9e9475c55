using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Arcp.Runtime.Configuration;

namespace Arcp.Runtime.Sessions;

/// <summary>Makes frames without a number.</summary>
internal static class ControlFrames
{
    // Frames are written into a buffer of the thread and copied: they are kept until they were received, so they hold no byte too many.
    [ThreadStatic]
    private static FrameBuffer? _scratch;

    private static ReadOnlySpan<byte> PayloadMember => "\"payload\":"u8;

    /// <summary>Makes a frame; one without an id in its header is given a new one.</summary>
    public static ReadOnlyMemory<byte> Frame(ArcpMessage message, in FrameHeader header, TimeProvider clock)
    {
        FrameBuffer output = Scratch();
        FrameWriter.Write(output, header, message, clock.GetUtcNow());
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Makes a frame around a payload that was serialised before, byte by byte as it is.</summary>
    public static ReadOnlyMemory<byte> Frame<TMessage>(ReadOnlySpan<byte> payload, in FrameHeader header)
        where TMessage : ArcpMessage
    {
        FrameBuffer output = Scratch();
        FrameWriter.Write<TMessage>(output, header, payload);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The payload of a frame that was made here: what stands behind all else. In the texts before it quotes are escaped.</summary>
    public static ReadOnlySpan<byte> PayloadOf(ReadOnlySpan<byte> frame) => frame[(frame.IndexOf(PayloadMember) + PayloadMember.Length)..^1];

    /// <summary>The <c>session.error</c> of §12.</summary>
    public static SessionError ToSessionError(ArcpException error, MessageId? requestId = null, JobId? jobId = null) => new()
    {
        Code = error.Code,
        Message = error.Message,
        Retryable = error.Retryable,
        Details = error.Details,
        RequestId = requestId,
        JobId = jobId,
    };

    /// <summary>What a refused request is answered with (§12).</summary>
    /// <param name="session">The session.</param>
    /// <param name="request">The refused frame's header.</param>
    /// <param name="error">Why.</param>
    /// <param name="jobRequest">Whether it was a submit, cancel or subscribe: then a <c>job.error</c> without a job follows.</param>
    /// <param name="form">Which of the two the host wants sent.</param>
    public static ControlFrame[] Refusal(Session session, FrameHeader request, ArcpException error, bool jobRequest, RejectionFrames form)
    {
        var frames = new List<ControlFrame>(2);
        if (!jobRequest || form is not RejectionFrames.JobOnly)
        {
            frames.Add(new ControlFrame(session.Frame(ToSessionError(error, request.Id, request.JobId), request), jobRequest) { IsCommitted = true });
        }

        if (jobRequest && form is not RejectionFrames.SessionOnly)
        {
            var jobless = new JobError
            {
                FinalStatus = JobStatus.Error,
                Code = error.Code,
                Message = error.Message,
                Retryable = error.Retryable,
                Details = error.Details,
            };
            frames.Add(new ControlFrame(session.Frame(jobless, request, id: request.Id), jobRequest) { IsCommitted = true });
        }

        return [.. frames];
    }

    private static FrameBuffer Scratch()
    {
        _scratch ??= new FrameBuffer(int.MaxValue);
        _scratch.Clear();
        return _scratch;
    }
}
