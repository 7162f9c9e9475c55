using System.Buffers;
using Arcp.Core.Events;
using Arcp.Core.Serialization;

namespace Arcp.Runtime.Jobs;

/// <summary>Serialises what a job puts into its log, once for all sessions.</summary>
/// <remarks>Thread-safe. What it returns stands in a buffer of the thread and holds until the thread's next call, of any job.</remarks>
internal sealed class EntryWriter(JobSpec spec, TimeProvider clock, JobStore? store)
{
    private const int KeptBytes = 64 * 1024;

    private static readonly StatusEvent Running = new() { Phase = "running" };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _scratch;

    private byte[]? _jobMembers;

    /// <summary>The clock of the job's events.</summary>
    public TimeProvider Clock { get; } = clock;

    private byte[] JobMembers => _jobMembers ??= FrameWriter.JobMembers(spec.Id, spec.Trace);

    /// <summary>Nothing more is likely to be written: gives up what can be made again.</summary>
    public void Rest() => _jobMembers = null;

    /// <summary>Serialises an event.</summary>
    /// <param name="body">The event.</param>
    /// <param name="publicForm">The event for all but the job's principal; null = it holds no secret.</param>
    public NewEntry Write(EventBody body, EventBody? publicForm = null)
    {
        ArrayBufferWriter<byte> output = Scratch();
        DateTimeOffset now = Clock.GetUtcNow();
        int length;
        if (publicForm is null)
        {
            FrameWriter.WriteEventTail(output, JobMembers, now, body);
            length = output.WrittenCount;
        }
        else
        {
            length = FrameWriter.WriteEventTails(output, JobMembers, now, body, publicForm);
        }

        return new NewEntry
        {
            Bytes = output.WrittenSpan,
            PublicLength = output.WrittenCount - length,
            Sealed = publicForm is null ? null : store?.SealFor(spec.Id, output.WrittenSpan[..length]),
            Required = EventKinds.RequiredFeature(body.Kind),
            Kind = body is DelegateEvent ? EntryKind.ChildAnnounced : EntryKind.Event,
        };
    }

    /// <summary>Serialises what a new state shows; empty when that is nothing.</summary>
    public NewEntry Write(JobState state)
    {
        switch (state)
        {
            case JobState.InProgress:
                return Write(Running);
            case JobState.Ended ended:
                ArrayBufferWriter<byte> output = Scratch();
                FrameWriter.WriteTerminalTail(output, JobMembers, Clock.GetUtcNow(), ended.Outcome.ToMessage(spec.Id));
                return new NewEntry { Bytes = output.WrittenSpan, Kind = EntryKind.Terminal };
            default:
                return new NewEntry { Bytes = [] };
        }
    }

    private static ArrayBufferWriter<byte> Scratch()
    {
        if (_scratch is not { Capacity: <= KeptBytes })
        {
            _scratch = new ArrayBufferWriter<byte>(1024);
        }

        _scratch.ResetWrittenCount();
        return _scratch;
    }
}
