using Arcp.Runtime.Tests.Support;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Tests.Time;

public class PooledWorkTests
{
    [Fact]
    public async Task However_releases_and_the_end_of_the_work_meet_every_item_runs_once()
    {
        const int rounds = 20_000;
        const int runners = 2;
        const int each = 2;
        const int perRound = runners * each;
        int[] runs = new int[rounds * perRound];
        int left = 0;
        var done = new TaskCompletionSource();
        var work = new PooledWork<int>(item =>
        {
            Interlocked.Increment(ref runs[item]);
            if (Interlocked.Decrement(ref left) == 0)
            {
                done.SetResult();
            }
        });
        using var race = new Race(runners);

        for (int round = 0; round < rounds; round++)
        {
            left = perRound;
            done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            int first = round * perRound;
            race.Round(runner =>
            {
                for (int i = 0; i < each; i++)
                {
                    work.Add(first + (runner * each) + i);
                    work.Release();
                }
            });

            // Before the next round, whose releases would wake up who was forgotten in this one.
            await done.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        }

        runs.Should().OnlyContain(times => times == 1);
    }

    [Fact]
    public async Task One_release_is_enough_for_any_number_of_items()
    {
        const int count = 1_000;
        int[] runs = new int[count];
        int left = count;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var work = new PooledWork<int>(item =>
        {
            Interlocked.Increment(ref runs[item]);
            if (Interlocked.Decrement(ref left) == 0)
            {
                done.SetResult();
            }
        });

        for (int i = 0; i < count; i++)
        {
            work.Add(i);
        }

        work.Release();

        await done.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        runs.Should().OnlyContain(times => times == 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Items_that_keep_their_threads_hold_up_none_behind_them(int keeping)
    {
        var last = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var work = new PooledWork<Action>(static act => act());
        for (int i = 0; i < keeping; i++)
        {
            work.Add(() => last.Task.Wait(WireClient.Patience));
        }

        work.Add(() => last.TrySetResult());
        work.Release();

        try
        {
            await last.Task.WaitAsync(WireClient.Patience / 2, TimeProvider.System);
        }
        finally
        {
            last.TrySetResult();
        }
    }

    [Fact]
    public async Task Nothing_ambient_flows_from_who_adds_and_releases_into_the_items()
    {
        var ambient = new AsyncLocal<string?>();
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var work = new PooledWork<Action>(static act => act());
        ambient.Value = "adder";

        work.Add(() => seen.SetResult(ambient.Value));
        work.Release();

        (await seen.Task.WaitAsync(WireClient.Patience, TimeProvider.System)).Should().BeNull();
    }
}
