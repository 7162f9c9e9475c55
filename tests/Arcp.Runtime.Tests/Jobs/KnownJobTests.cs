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
    public void A_job_that_is_known_again_is_in_all_respects_like_it_was_known_before()
    {
        JobSpec spec = TestJob.NewSpec();
        (Job job, KnownJob known) = End(spec, new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Parse("[1]"))));
        var again = new KnownJob(NewEnvironment(), known.Packed!.Value);

        (again.Id, again.Status, again.CreatedAt, again.Principal, again.Agent).Should().Be((known.Id, known.Status, known.CreatedAt, known.Principal, known.Agent));
        again.Describe().Should().Be(known.Describe());
        EntriesOf(Open(again)).Should().Equal(EntriesOf(job));
    }

    [Fact]
    public void Whoever_reads_when_a_job_has_ended_reads_all_of_it_also_after_others_have_left()
    {
        const int jobs = 500;
        JobEnvironment environment = NewEnvironment();
        List<(Job Job, Silent First, Silent Second, List<(long Number, string Full, string Public, Features Required, EntryKind Kind)> Entries)> all = [];
        for (int i = 0; i < jobs; i++)
        {
            var job = new Job(TestJob.NewSpec(), environment);
            var (first, second) = (new Silent(), new Silent());
            job.Attach(first);
            job.Attach(second);
            job.TryApply(JobSignal.AgentStarted).Should().BeTrue();
            job.TryEmit(new ThoughtEvent { Text = $"job {i}" }).Should().BeTrue();
            job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown)).Should().BeTrue();
            all.Add((job, first, second, EntriesOf(job)));
            if (i % 3 == 0)
            {
                job.Detach(first);
            }
        }

        // The slabs of those that nobody reads serve other jobs.
        foreach ((Job job, Silent first, Silent second, var entries) in all)
        {
            job.Detach(first);
            EntriesOf(job).Should().Equal(entries);
            job.Detach(second);
            new Job(TestJob.NewSpec(), environment).TryApply(JobSignal.AgentStarted).Should().BeTrue();
            EntriesOf(job).Should().Equal(entries, "it reads them from the archive");
            job.Snapshot().LogLength.Should().Be(entries.Count);
        }
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
        for (int size = JobArchive.LargestRecord - 1_000; size < JobArchive.LargestRecord + 100; size++)
        {
            Job? job = null;
            var clock = new ManualClock(); // so that all times are texts of one length
            bool isPacked = IsPacked(TestJob.NewSpec(clock), clock: clock, act: emitting => (job = emitting).TryEmit(new ThoughtEvent { Text = new string('x', size) }));
            (isPacked && wasPacked is false).Should().BeFalse("larger ones are not packed either");
            wasPacked = isPacked;
            if (isPacked)
            {
                EntriesOf(Open(job!.Known)).Should().Equal(EntriesOf(job));
            }
        }

        wasPacked.Should().BeFalse();
    }

    private static bool IsPacked(JobSpec spec, Action<Job>? act = null, TimeProvider? clock = null)
    {
        Job job = Create(spec, clock: clock);
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

    private static Job Create(JobSpec spec, JobLimits? limits = null, TimeProvider? clock = null) => new(spec, NewEnvironment(limits, clock));

    private static JobEnvironment NewEnvironment(JobLimits? limits = null, TimeProvider? clock = null) => new(limits ?? Limits, clock ?? TimeProvider.System, new TestJob.Owner(null));

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

    private sealed class Silent : JobReader
    {
        public override void OnAppended()
        {
        }

        public override void OnStalled()
        {
        }
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
