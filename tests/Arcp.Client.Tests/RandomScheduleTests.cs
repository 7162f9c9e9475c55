using Arcp.Client.Tests.Model;
using Xunit.Abstractions;

namespace Arcp.Client.Tests;

/// <summary>Random schedules of requests, ends and bad luck, compared with a model of what the application should see.</summary>
[Trait("§", "CL")]
public sealed class RandomScheduleTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Whatever_happens_in_whatever_order_each_waiter_ends_as_documented_and_each_handle_has_its_events_once_and_in_order()
    {
        const int schedules = 200;
        int first = Environment.TickCount;
        int views = 0;
        int complete = 0;
        for (int seed = first; seed < first + schedules; seed++)
        {
            var schedule = new Schedule(seed);
            try
            {
                await schedule.RunAsync();
            }
            catch (Exception e)
            {
                Assert.Fail($"schedule {seed}: {e}{Environment.NewLine}{schedule.Story}");
            }

            views += schedule.Views;
            complete += schedule.Complete;
        }

        output.WriteLine($"schedules {first} and on: {views} views, {complete} of them complete");
        complete.Should().BeGreaterThan(schedules * 2, "the schedules are not so bad that nothing is seen");
    }
}
