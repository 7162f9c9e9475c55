using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>What is left of a job that has ended tells all that the job told.</summary>
[Trait("Section", "6.6")]
public class KnownJobTests
{
    private static readonly JobLimits Limits = TestJob.NewLimits(100, 1 << 20);

    private static readonly ProvisionedCredential Lent = new()
    {
        Id = new CredentialId("cred_1"),
        Scheme = "bearer",
        Value = "v",
        Endpoint = "https://models.example",
    };

    public static TheoryData<string, string?> Traces => new()
    {
        { "0af7651916cd43dd8448eb211c80319c", null },
        { "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "job_01K9Y0A7W9X5C7R1N9B8T2V4E6" },
        { $"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-{new string('x', 72)}", new string('ü', 128) },
    };

    [Theory]
    [MemberData(nameof(Traces))]
    public void A_packed_job_is_in_all_respects_like_the_job(string trace, string? parent)
    {
        _ = TraceContext.TryParse(trace, out TraceContext? context);
        JobSpec spec = TestJob.NewSpec() with { Trace = context!, ParentId = parent is null ? null : new JobId(parent) };
        (Job job, KnownJob known) = End(spec, new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Parse("[1]"))), emitting =>
        {
            emitting.TryEmit(new LogEvent { Level = "info", Message = "über" }).Should().BeTrue();
            emitting.TryEmitNow(new ThoughtEvent { Text = "with a secret" }, new ThoughtEvent { Text = "without" }).Should().BeTrue();
            emitting.TryEmit(new ProgressEvent { Current = 1 }).Should().BeTrue();
        });

        known.Itself.Should().BeNull();
        known.Id.Should().Be(spec.Id);
        known.Status.Should().Be(JobStatus.Success);
        (JobSpec described, JobSnapshot now) = known.Describe();
        described.Should().Be(spec);
        now.Should().Be(job.Snapshot());
        Job opened = Open(known);
        opened.Should().NotBeSameAs(job);
        opened.Spec.Should().Be(spec);
        opened.Snapshot().Should().Be(job.Snapshot());
        EntriesOf(opened).Should().Equal(EntriesOf(job));
        opened.Stopping.IsCancellationRequested.Should().BeTrue();
        opened.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown)).Should().BeFalse();
        opened.TryEmit(new ThoughtEvent { Text = "late" }).Should().BeFalse();
    }

    [Fact]
    public void Each_end_is_told()
    {
        var ends = new Dictionary<JobStatus, JobOutcome>
        {
            [JobStatus.Success] = new JobOutcome.Succeeded(RawJson.Null),
            [JobStatus.Error] = JobOutcome.ShutDown,
            [JobStatus.Cancelled] = new JobOutcome.Cancellation(null),
            [JobStatus.TimedOut] = new JobOutcome.Overrun(TimeSpan.FromSeconds(1)),
        };
        foreach ((JobStatus status, JobOutcome outcome) in ends)
        {
            (Job job, KnownJob known) = End(TestJob.NewSpec(), new JobSignal.Stopped(outcome));
            known.Itself.Should().BeNull();
            known.Status.Should().Be(status);
            Open(known).Snapshot().Should().Be(job.Snapshot());
        }
    }

    [Fact]
    public void Entries_that_have_gone_still_count()
    {
        (Job job, KnownJob known) = End(TestJob.NewSpec(), new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Null)), emitting =>
        {
            for (int i = 0; i < 1_000; i++)
            {
                emitting.TryEmit(new ProgressEvent { Current = i }).Should().BeTrue();
            }
        }, TestJob.NewLimits(maxEntries: 3, 1 << 20));

        known.Itself.Should().BeNull();
        known.Describe().Now.LogLength.Should().Be(1_002);
        EntriesOf(Open(known), behind: 999).Should().HaveCount(3).And.Equal(EntriesOf(job, behind: 999));
        foreach (long position in new long[] { 0, 998, 999, 1_002 })
        {
            bool isHeld = job.Feed.Holds(position);
            isHeld.Should().Be(position >= 999);
            known.Holds(position).Should().Be(isHeld);
            Open(known).Feed.Holds(position).Should().Be(isHeld);
        }
    }

    [Fact]
    public void What_is_forgotten_no_longer_counts()
    {
        JobLimits limits = TestJob.NewLimits(100, 1 << 20);
        var bytes = new List<long>();
        var all = new List<KnownJob>();
        for (int i = 0; i < 20; i++)
        {
            bytes.Add(limits.Memory.Bytes);
            all.Add(End(TestJob.NewSpec(), new JobSignal.Stopped(JobOutcome.ShutDown), limits: limits).Known);
            limits.Memory.Bytes.Should().BeGreaterThan(bytes[^1]);
        }

        for (int i = all.Count - 1; i >= 0; i--)
        {
            all[i].Release();
            limits.Memory.Bytes.Should().Be(bytes[i]);
        }
    }

    [Fact]
    public void Jobs_are_found_by_their_ids_at_work_or_packed()
    {
        var random = new Random(7);
        var jobs = new HashSet<KnownJob>(KnownJob.ById);
        var model = new Dictionary<JobId, KnownJob>();
        for (int step = 0; step < 5_000; step++)
        {
            if (model.Count > 0 && random.Next(3) == 0)
            {
                KnownJob gone = model.ElementAt(random.Next(model.Count)).Value;
                jobs.Remove(gone).Should().BeTrue();
                jobs.Remove(gone).Should().BeFalse();
                model.Remove(gone.Id);
                continue;
            }

            Job job = Create(TestJob.NewSpec());
            KnownJob known = job.Known;
            jobs.Add(known).Should().BeTrue();
            model.Add(job.Spec.Id, known);
            if (random.Next(2) == 0)
            {
                job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown));
                known.Itself.Should().BeNull();
            }
        }

        HashSet<KnownJob>.AlternateLookup<JobId> byId = jobs.GetAlternateLookup<JobId>();
        jobs.Count.Should().Be(model.Count);
        foreach ((JobId id, KnownJob known) in model)
        {
            byId.TryGetValue(id, out KnownJob? found).Should().BeTrue();
            found.Should().BeSameAs(known);
        }

        byId.TryGetValue(JobId.New(TimeProvider.System), out _).Should().BeFalse();
        byId.TryGetValue(new JobId(new string('ü', 128)), out _).Should().BeFalse();
    }

    [Fact]
    public void Each_of_many_jobs_that_begin_at_once_is_known_by_something_of_its_own()
    {
        JobEnvironment environment = NewEnvironment();
        var jobs = new ConcurrentBag<Job>();
        Parallel.For(0, 5_000, _ => jobs.Add(new Job(TestJob.NewSpec(), environment)));

        jobs.Should().OnlyContain(job => job.Known.Itself == job);
        jobs.Select(job => job.Known).ToHashSet().Should().HaveCount(5_000);
    }

    [Fact]
    public void A_job_that_nobody_knows_any_more_is_held_by_nothing_that_was_made_together_with_it()
    {
        JobEnvironment environment = NewEnvironment();
        WeakReference[] gone = [.. Enumerable.Range(0, 100).Select(_ => CreateAndLetGo(environment))];

        GC.Collect();

        gone.Should().OnlyContain(job => !job.IsAlive);
        GC.KeepAlive(environment);
    }

    [Fact]
    public void A_job_that_others_know_by_its_object_is_not_packed()
    {
        IsPacked(TestJob.NewSpec()).Should().BeTrue();
        IsPacked(TestJob.NewSpec() with { DelegationDepth = 1 }).Should().BeFalse();
        IsPacked(TestJob.NewSpec() with { Credentials = new JobCredentials(null!, null!, [new IssuedValue(Lent, null!)]) }).Should().BeFalse();
        IsPacked(TestJob.NewSpec(), job => job.TryAnnounce(TestJob.Create(), new DelegateEvent { DelegateId = "d", ChildJobId = JobId.New(TimeProvider.System), Agent = "a" })).Should().BeFalse();
    }

    [Fact]
    public void A_job_with_a_large_log_is_not_packed_and_one_with_the_largest_that_is_keeps_it()
    {
        bool? wasPacked = null;
        for (int size = LogArchive.LargestLog - 1_000; size < LogArchive.LargestLog + 1_000; size++)
        {
            Job? job = null;
            bool isPacked = IsPacked(TestJob.NewSpec(), emitting => (job = emitting).TryEmit(new ThoughtEvent { Text = new string('x', size) }));
            (isPacked && wasPacked is false).Should().BeFalse("larger ones are not packed either");
            wasPacked = isPacked;
            if (isPacked)
            {
                EntriesOf(Open(job!.Known)).Should().Equal(EntriesOf(job));
            }
        }

        wasPacked.Should().BeFalse();
    }

    private static bool IsPacked(JobSpec spec, Action<Job>? act = null)
    {
        Job job = Create(spec);
        job.TryApply(JobSignal.AgentStarted);
        act?.Invoke(job);
        job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown)).Should().BeTrue();
        return job.Known.Itself is null;
    }

    private static (Job Job, KnownJob Known) End(JobSpec spec, JobSignal end, Action<Job>? act = null, JobLimits? limits = null)
    {
        Job job = Create(spec, limits);
        job.Known.Itself.Should().BeSameAs(job);
        job.Known.Open().Should().BeSameAs(job);
        job.TryApply(JobSignal.AgentStarted).Should().BeTrue();
        act?.Invoke(job);
        job.TryApply(end).Should().BeTrue();
        return (job, job.Known);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference CreateAndLetGo(JobEnvironment environment) => new(new Job(TestJob.NewSpec(), environment));

    private static Job Create(JobSpec spec, JobLimits? limits = null) => new(spec, NewEnvironment(limits));

    private static JobEnvironment NewEnvironment(JobLimits? limits = null) => new(limits ?? Limits, TimeProvider.System, new TestJob.Owner(null));

    private static Job Open(KnownJob known)
    {
        Job opened = known.Open();
        opened.Known.Should().BeSameAs(known);
        return opened;
    }

    private static List<(long Number, string Full, string Public, Features Required, EntryKind Kind)> EntriesOf(Job job, long behind = 0)
    {
        var sink = new EntrySink([]);
        job.Feed.Read(null, ref behind, ref sink).Should().Be(LogReadStatus.CaughtUp);
        return sink.Entries;
    }

    private readonly struct EntrySink(List<(long Number, string Full, string Public, Features Required, EntryKind Kind)> entries) : ILogSink
    {
        public List<(long Number, string Full, string Public, Features Required, EntryKind Kind)> Entries => entries;

        public SinkAnswer Accept(long number, in LogEntry entry)
        {
            entries.Add((number, Text(entry.TailFor(isOwner: true)), Text(entry.TailFor(isOwner: false)), entry.Required, entry.Kind));
            return SinkAnswer.More;
        }

        private static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes);
    }
}
