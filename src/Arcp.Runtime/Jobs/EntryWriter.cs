using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Jobs;

/// <summary>Serialises what a job puts into its log, once for all sessions.</summary>
/// <remarks>Thread-safe. What it returns stands in a buffer of the thread and holds until the thread's next call, of any job.</remarks>
/// <param name="spec">The job.</param>
/// <param name="clock">The clock of its events.</param>
/// <param name="store">Encrypts secrets for the runtime's store; null = there is none.</param>
internal readonly struct EntryWriter(JobSpec spec, TimeProvider clock, JobStore? store)
{
    private static readonly StatusEvent Running = new() { Phase = "running" };

    [ThreadStatic]
    private static FrameBuffer? _scratch;

    /// <summary>Serialises an event.</summary>
    /// <param name="body">The event.</param>
    /// <param name="publicForm">The event for all but the job's principal; null = it holds no secret.</param>
    public NewEntry Write(EventBody body, EventBody? publicForm = null)
    {
        FrameBuffer output = Scratch();
        DateTimeOffset now = clock.GetUtcNow();
        int length;
        if (publicForm is null)
        {
            SequencedFrameWriter.WriteEventTail(output, now, body);
            length = output.Length;
        }
        else
        {
            length = SequencedFrameWriter.WriteEventTails(output, now, body, publicForm);
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
        SequencedFrameWriter.WriteResultChunkTail(output, clock.GetUtcNow(), chunk);
        return new NewEntry { Bytes = output.WrittenSpan, Required = Features.ResultChunk };
    }

    /// <summary>Serialises what a new state shows; empty when that is nothing.</summary>
    public NewEntry Write(JobState state)
    {
        switch (state)
        {
            case JobState.InProgress:
                return Write(Running);
            case JobState.Ended ended:
                FrameBuffer output = Scratch();
                if (ended.Outcome is JobOutcome.Succeeded inline)
                {
                    SequencedFrameWriter.WriteResultTail(output, clock.GetUtcNow(), inline.Result, inline.Summary);
                }
                else
                {
                    SequencedFrameWriter.WriteTerminalTail(output, clock.GetUtcNow(), ended.Outcome.ToMessage(spec.Id));
                }

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
