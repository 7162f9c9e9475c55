using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Jobs;

/// <summary>Serialises what a job puts into its log, once for all sessions.</summary>
/// <remarks>Thread-safe. What it returns stands in a buffer of the thread and holds until the thread's next call, of any job.</remarks>
internal sealed class EntryWriter(JobSpec spec, TimeProvider clock, JobStore? store)
{
    [ThreadStatic]
    private static FrameBuffer? _scratch;

    private readonly byte[] _jobMembers = FrameWriter.JobMembers(spec.Id, spec.Trace);

    /// <summary>The clock of the job's events.</summary>
    public TimeProvider Clock { get; } = clock;

    /// <summary>Serialises an event.</summary>
    /// <param name="body">The event.</param>
    /// <param name="publicForm">The event for all but the job's principal; null = it holds no secret.</param>
    public NewEntry Write(EventBody body, EventBody? publicForm = null)
    {
        FrameBuffer output = Scratch();
        DateTimeOffset now = Clock.GetUtcNow();
        int length;
        if (publicForm is null)
        {
            FrameWriter.WriteEventTail(output, _jobMembers, now, body);
            length = output.Length;
        }
        else
        {
            length = FrameWriter.WriteEventTails(output, _jobMembers, now, body, publicForm);
        }

        return new NewEntry
        {
            Bytes = output.WrittenSpan,
            PublicLength = output.Length - length,
            Sealed = publicForm is null ? null : store?.SealFor(spec.Id, output.WrittenSpan[..length]),
            Required = EventKinds.RequiredFeature(body.Kind),
            Kind = body is DelegateEvent ? EntryKind.ChildAnnounced : EntryKind.Event,
        };
    }

    /// <summary>Serialises a piece of a streamed result.</summary>
    public NewEntry Write(in ResultChunkBytes chunk)
    {
        FrameBuffer output = Scratch();
        FrameWriter.WriteResultChunkTail(output, _jobMembers, Clock.GetUtcNow(), chunk);
        return new NewEntry { Bytes = output.WrittenSpan, Required = Features.ResultChunk };
    }

    /// <summary>Serialises what a new state shows; empty when that is nothing.</summary>
    public NewEntry Write(JobState state)
    {
        switch (state)
        {
            case JobState.InProgress:
                return Write(new StatusEvent { Phase = "running" });
            case JobState.Ended ended:
                FrameBuffer output = Scratch();
                FrameWriter.WriteTerminalTail(output, _jobMembers, Clock.GetUtcNow(), ended.Outcome.ToMessage(spec.Id));
                return new NewEntry { Bytes = output.WrittenSpan, Kind = EntryKind.Terminal };
            default:
                return new NewEntry { Bytes = [] };
        }
    }

    private static FrameBuffer Scratch()
    {
        _scratch ??= new FrameBuffer(int.MaxValue);
        _scratch.Clear();
        return _scratch;
    }
}
