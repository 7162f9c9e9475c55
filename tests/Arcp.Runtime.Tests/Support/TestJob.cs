using System.Text;
using System.Text.Json.Nodes;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Leases;

namespace Arcp.Runtime.Tests.Support;

/// <summary>The one place where tests make a job without a runtime, and read its log.</summary>
internal static class TestJob
{
    public static Job Create(Action<Job>? onEnded = null, int maxEntries = 100_000, long maxBytes = 1 << 25, TimeProvider? clock = null, LeaseGuard? guard = null)
    {
        clock ??= TimeProvider.System;
        return new Job(NewSpec(clock, guard), new JobEnvironment(NewLimits(maxEntries, maxBytes), clock, new Owner(onEnded)));
    }

    public static JobSpec NewSpec(TimeProvider? clock = null, LeaseGuard? guard = null)
    {
        clock ??= TimeProvider.System;
        return new JobSpec
        {
            Id = JobId.New(clock),
            Origin = new JobOrigin(Principal.Named("alice"), SessionId.New(clock), new JobAgent("a", "1"), guard ?? LeaseGuard.DenyAll),
            Trace = TraceContext.New(),
            CreatedAt = clock.GetUtcNow(),
        };
    }

    public static JobLog NewLog(int maxEntries = int.MaxValue, long maxBytes = long.MaxValue) => new(NewLimits(maxEntries, maxBytes));

    /// <summary>Emits at once.</summary>
    /// <returns>Whether the job took it.</returns>
    public static bool TryEmit(this Job job, EventBody body)
    {
        ValueTask emitting = job.EmitAsync(body);
        return emitting.IsCompletedSuccessfully;
    }

    /// <summary>All entries of a job's log, as the frames they would be.</summary>
    public static List<WireFrame> Frames(Job job)
    {
        var entries = new List<(long Number, string Text, bool IsTerminal)>();
        long position = 0;
        var sink = new ListSink(entries);
        job.Feed.Read(null, ref position, ref sink).Should().Be(LogReadStatus.CaughtUp);
        return [.. entries.Select(entry =>
        {
            string text = $$"""{"event_seq":{{entry.Number}}{{entry.Text}}""";
            return new WireFrame(JsonNode.Parse(text)!.AsObject(), text);
        })];
    }

    /// <summary>Takes entries, as many as there is room for.</summary>
    public struct ListSink(List<(long Number, string Text, bool IsTerminal)> entries, int room = int.MaxValue) : ILogSink
    {
        private int _room = room;

        public SinkAnswer Accept(long number, in LogEntry entry)
        {
            entries.Add((number, Encoding.UTF8.GetString(entry.TailFor(isOwner: true)), entry.Kind is EntryKind.Terminal));
            return --_room > 0 ? SinkAnswer.More : SinkAnswer.Full;
        }
    }

    public static JobLimits NewLimits(int maxEntries, long maxBytes) =>
        new(maxEntries, maxBytes, TimeSpan.FromSeconds(30), new LogMemory(long.MaxValue));

    public sealed class Owner(Action<Job>? onEnded) : IJobOwner
    {
        public void OnEnding(Job job)
        {
        }

        public void OnSettling(Job job)
        {
            job.Spec.Credentials.IsEmpty.Should().BeFalse("nothing was lent to other jobs");
            job.TryApply(JobSignal.TakenBack).Should().BeTrue();
        }

        public void OnEnded(Job job) => onEnded?.Invoke(job);
    }
}
