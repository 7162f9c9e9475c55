using System.Runtime.CompilerServices;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>All jobs by their numbers.</summary>
[Trait("Section", "6.6")]
public class JobTableTests
{
    private static readonly JobEnvironment Environment = new(TestJob.NewLimits(100, 1 << 20), TimeProvider.System, new TestJob.Owner(null));

    [Theory]
    [InlineData(0.2, 5)]
    [InlineData(0.45, 5_000)]
    public void Jobs_are_what_they_are_until_they_are_removed(double removed, int kept)
    {
        var random = new Random(7);
        var table = new JobTable(Environment);
        var model = new SortedDictionary<long, Job>();
        long last = 0;
        for (int step = 0; step < 20_000; step++)
        {
            if (model.Count > kept || (model.Count > 0 && random.NextDouble() < removed))
            {
                long gone = random.Next(2) == 0 ? model.First().Key : last - random.Next((int)Math.Min(last, 40));
                table.Remove(gone).Should().Be(model.Remove(gone));
                table.Remove(gone).Should().BeFalse();
                table.Find(gone).Should().BeNull();
                table.Pack(gone, default).Should().BeFalse();
                continue;
            }

            var job = new Job(TestJob.NewSpec(), Environment);
            long number = table.Add(job);
            number.Should().BeGreaterThan(last);
            last = number;
            model.Add(number, job);
            table.Find(number).Should().BeSameAs(job.Known);
            if (random.Next(2) == 0)
            {
                job.Known.Number = number;
                job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown));
                table.Find(number).Should().BeSameAs(job.Known, "the table is not told yet");
                table.Pack(number, job.Known.Packed!.Value.Record).Should().BeTrue();
            }
        }

        table.Count.Should().Be(model.Count);
        table.Find(0).Should().BeNull();
        table.Find(last + 1).Should().BeNull();
        table.Numbers.Order().Should().Equal(model.Keys);
        foreach ((long number, Job job) in model)
        {
            KnownJob known = table.Find(number)!;
            (known.Id, known.CreatedAt, known.Principal, known.Agent).Should().Be((job.Spec.Id, job.Spec.CreatedAt, job.Spec.Principal, job.Spec.Agent));
            known.Packed.Should().Be(job.Known.Packed);
            known.Number.Should().Be(job.Known.Packed is null ? 0 : number);
        }
    }

    [Fact]
    public void A_job_that_has_ended_or_is_removed_is_held_no_more()
    {
        var table = new JobTable(Environment);
        WeakReference[] gone = [.. Enumerable.Range(0, 2_000).Select(i => AddAndLetGo(table, isPacked: i % 2 == 0))];
        GC.Collect();
        gone.Should().OnlyContain(job => !job.IsAlive);
        table.Count.Should().Be(1_000);
        GC.KeepAlive(table);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference AddAndLetGo(JobTable table, bool isPacked)
    {
        var job = new Job(TestJob.NewSpec(), Environment);
        long number = job.Known.Number = table.Add(job);
        if (isPacked)
        {
            job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown));
            table.Pack(number, job.Known.Packed!.Value.Record);
        }
        else
        {
            table.Remove(number);
        }

        return new WeakReference(job);
    }
}
