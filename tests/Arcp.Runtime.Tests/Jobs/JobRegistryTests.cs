using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging.Abstractions;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>All jobs, while many threads make, end, forget, find and list them.</summary>
[Trait("Section", "6.6")]
public class JobRegistryTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Jobs_are_found_and_listed_whole_or_not_at_all_while_others_are_forgotten(int retentionMs)
    {
        const int makers = 3;
        const int jobsOfEach = 4_000;
        var options = new ArcpRuntimeOptions { TerminalRetention = TimeSpan.FromMilliseconds(retentionMs) };
        JobRegistry jobs = NewRegistry(options, TimeProvider.System);
        var made = new Job?[makers * jobsOfEach];
        int next = 0;
        Task[] making = [.. Enumerable.Range(0, makers).Select(_ => Task.Run(() =>
        {
            for (int i = Interlocked.Increment(ref next) - 1; i < made.Length; i = Interlocked.Increment(ref next) - 1)
            {
                Volatile.Write(ref made[i], Run(jobs, i));
            }
        }))];

        var all = Task.WhenAll(making);
        var random = new Random(7);
        int found = 0;
        int listed = 0;
        while (!all.IsCompleted)
        {
            int at = random.Next(Math.Max(1, Math.Min(Volatile.Read(ref next), made.Length)));
            if (Volatile.Read(ref made[at]) is { } job && jobs.TryFind(job.Spec.Id, out KnownJob? known))
            {
                found++;
                Check(known, job.Spec);
            }

            JobPage page = jobs.Find(TestJob.NewSpec().Principal, null, 50, _ => true);
            page.Jobs.Select(JobPlace.Of).Should().BeInAscendingOrder((a, b) => a.CompareTo(b));
            listed += page.Jobs.Count;
            foreach (KnownJob shown in page.Jobs)
            {
                shown.Describe().Spec.Id.Should().Be(shown.Id);
            }
        }

        await all;
        await TestRuntime.UntilAsync(() => jobs.Count == 0 && jobs.LogBytes == 0, "all jobs to be forgotten");
        (jobs.ActiveCount, jobs.AtWork.Length).Should().Be((0, 0));
        jobs.Find(TestJob.NewSpec().Principal, null, 50, _ => true).Jobs.Should().BeEmpty();
        made.Should().OnlyContain(job => job!.Known.Describe().Spec == job.Spec, "whoever knows a job still may look at it");
        if (retentionMs > 0)
        {
            (found, listed).Should().Match<(int Found, int Listed)>(seen => seen.Found > 0 && seen.Listed > 0);
        }
    }

    [Fact]
    public void A_runtime_that_ends_forgets_all_jobs_whatever_became_of_them()
    {
        JobRegistry jobs = NewRegistry(new ArcpRuntimeOptions(), new ManualClock());
        for (int i = 0; i < 2_000; i++)
        {
            Run(jobs, i);
        }

        jobs.Count.Should().Be(2_000);
        jobs.AtWork.Should().HaveCount(200, "of those that ended, only the large ones are objects");
        jobs.Clear();
        (jobs.Count, jobs.LogBytes, jobs.AtWork.Length).Should().Be((0, 0, 0));
    }

    // Each tenth has a log that is too large to be packed.
    private static Job Run(JobRegistry jobs, int i)
    {
        JobSpec spec = TestJob.NewSpec();
        jobs.Reserve(spec.Principal);
        Job job = jobs.Create(spec);
        job.TryApply(JobSignal.AgentStarted).Should().BeTrue();
        job.TryEmit(new ThoughtEvent { Text = i % 10 == 0 ? new string('x', 10_000) : $"job {i}" }).Should().BeTrue();
        job.TryApply(new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Null))).Should().BeTrue();
        return job;
    }

    private static void Check(KnownJob known, JobSpec spec)
    {
        (known.Id, known.CreatedAt, known.Describe().Spec.Trace).Should().Be((spec.Id, spec.CreatedAt, spec.Trace));
        Job opened = known.Open();
        TestJob.Frames(opened)[^1].Json["type"]!.GetValue<string>().Should().Be("job.result");
    }

    private static JobRegistry NewRegistry(ArcpRuntimeOptions options, TimeProvider clock) =>
        new(options, new JobSettlement(options, clock, NullLogger.Instance), store: null, new DeadlineQueue(clock), clock, NullLogger.Instance);
}
