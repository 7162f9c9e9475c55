using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>§6.6: a principal's jobs in the order of their creation.</summary>
[Trait("Section", "6.6")]
public class SortedJobsTests
{
    [Theory]
    [InlineData(0.0, 0.0)]
    [InlineData(0.1, 0.3)]
    [InlineData(1.0, 0.5)]
    public void Jobs_are_in_order_whatever_came_and_went(double fromTheMiddle, double removed)
    {
        var random = new Random(7);
        var all = new Dictionary<long, KnownJob>();
        var jobs = new SortedJobs(number => all[number]);
        var model = new List<KnownJob>();
        for (int step = 0; step < 6_000; step++)
        {
            if (model.Count > 0 && random.NextDouble() < removed)
            {
                KnownJob gone = model[random.NextDouble() < 0.5 ? 0 : random.Next(model.Count)];
                jobs.Remove(gone);
                model.Remove(gone);
                jobs.Remove(gone); // once more does nothing
            }
            else
            {
                KnownJob job = JobAt(random.NextDouble() < fromTheMiddle ? random.Next(step + 1) : step, step + 1);
                all.Add(job.Number, job);
                jobs.Add(job);
                model.Insert(model.Count(other => JobPlace.Of(other).CompareTo(JobPlace.Of(job)) < 0), job);
            }

            jobs.Count.Should().Be(model.Count);
            if (step % 100 == 0)
            {
                jobs.Take(null, int.MaxValue).Should().Equal(model.Select(job => job.Number));
            }
        }

        foreach (int index in Enumerable.Range(0, 50).Select(_ => random.Next(model.Count)))
        {
            jobs.Take(JobPlace.Of(model[index]), 300).Should().Equal(model.Skip(index + 1).Take(300).Select(job => job.Number));
            var between = new JobPlace(model[index].CreatedAt.AddTicks(1), model[index].Id);
            jobs.Take(between, 3).Should().Equal(model.Where(job => JobPlace.Of(job).CompareTo(between) > 0).Take(3).Select(job => job.Number));
        }

        foreach (KnownJob job in model.OrderBy(_ => random.Next()).ToList())
        {
            jobs.Remove(job);
        }

        jobs.Count.Should().Be(0);
        jobs.Take(null, 10).Should().BeEmpty();
        jobs.Take(new JobPlace(DateTimeOffset.MinValue, default), 10).Should().BeEmpty();
    }

    [Fact]
    public void Jobs_of_one_moment_are_in_the_order_of_their_ids()
    {
        List<KnownJob> all = [.. Enumerable.Range(0, 1_000).Select(number => JobAt(0, number))];
        var jobs = new SortedJobs(number => all[(int)number]);
        all.ForEach(jobs.Add);
        jobs.Take(null, 1_000).Should().Equal(all.OrderBy(job => job.Id.Value, StringComparer.Ordinal).Select(job => job.Number));
    }

    private static KnownJob JobAt(int second, long number)
    {
        var clock = new ManualClock();
        clock.Advance(TimeSpan.FromSeconds(second));
        KnownJob job = TestJob.Create(clock: clock).Known;
        job.Number = number;
        return job;
    }
}
