using Arcp.Runtime.Tests.Support;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Tests.Time;

public class DeadlineQueueTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Deadlines_fire_in_their_order_once_each()
    {
        using var queue = new DeadlineQueue(_clock);
        var fired = new List<int>();
        int[] order = [5, 3, 9, 1, 7, 3];
        for (int i = 0; i < order.Length; i++)
        {
            int number = i;
            queue.Schedule(TimeSpan.FromSeconds(order[i]), () => fired.Add(number));
        }

        queue.Count.Should().Be(6);
        _clock.Advance(TimeSpan.FromSeconds(4));
        fired.Should().Equal(3, 1, 5);
        _clock.Advance(TimeSpan.FromSeconds(60));

        fired.Should().Equal(3, 1, 5, 0, 4, 2);
        queue.Count.Should().Be(0);
        _clock.ActiveTimers.Should().Be(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void What_is_due_already_fires_at_once(int seconds)
    {
        using var queue = new DeadlineQueue(_clock);
        bool fired = false;
        queue.Schedule(TimeSpan.FromSeconds(seconds), () => fired = true);

        _clock.Advance(TimeSpan.Zero);

        fired.Should().BeTrue();
    }

    [Fact]
    public void A_deadline_never_fires_early_and_at_its_time()
    {
        using var queue = new DeadlineQueue(_clock);
        bool fired = false;
        queue.Schedule(TimeSpan.FromSeconds(10), () => fired = true);

        _clock.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromMilliseconds(1));
        fired.Should().BeFalse();
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        fired.Should().BeTrue();
    }

    [Fact]
    public void A_deadline_that_was_called_off_does_not_fire_and_the_others_do()
    {
        using var queue = new DeadlineQueue(_clock);
        var fired = new List<int>();
        IDisposable[] deadlines = [.. Enumerable.Range(0, 10).Select(i => queue.Schedule(TimeSpan.FromSeconds(i + 1), () => fired.Add(i)))];

        deadlines[0].Dispose();
        deadlines[5].Dispose();
        deadlines[5].Dispose();
        deadlines[9].Dispose();
        queue.Count.Should().Be(7);
        _clock.Advance(TimeSpan.FromSeconds(20));
        deadlines[1].Dispose();

        fired.Should().Equal(1, 2, 3, 4, 6, 7, 8);
    }

    [Fact]
    public void A_nearer_deadline_overtakes_a_farther_one_and_a_callback_may_schedule()
    {
        using var queue = new DeadlineQueue(_clock);
        var fired = new List<string>();
        queue.Schedule(TimeSpan.FromHours(1), () => fired.Add("far"));
        queue.Schedule(TimeSpan.FromSeconds(1), () =>
        {
            fired.Add("near");
            queue.Schedule(TimeSpan.FromSeconds(1), () => fired.Add("nested"));
        });

        _clock.Advance(TimeSpan.FromSeconds(2));
        fired.Should().Equal("near", "nested");
        _clock.Advance(TimeSpan.FromHours(1));

        fired.Should().Equal("near", "nested", "far");
    }

    [Fact]
    public void A_deadline_beyond_what_a_timer_can_wait_for_fires_at_its_time()
    {
        using var queue = new DeadlineQueue(_clock);
        bool fired = false;
        queue.Schedule(TimeSpan.FromDays(100), () => fired = true);

        _clock.Advance(TimeSpan.FromDays(99.9));
        fired.Should().BeFalse();
        _clock.Advance(TimeSpan.FromDays(0.1));

        fired.Should().BeTrue();
    }

    [Theory]
    [InlineData(50_000)]
    [InlineData(110_000)]
    [InlineData(200_000)]
    [InlineData(5_000_000)]
    [InlineData(10_675_199)]
    public async Task A_deadline_in_the_far_future_does_not_fire_with_a_near_one(int days)
    {
        using var queue = new DeadlineQueue(TimeProvider.System); // counts finer than the manual clock
        var near = new TaskCompletionSource();
        bool far = false;
        queue.Schedule(TimeSpan.FromDays(days), () => far = true);
        queue.Schedule(TimeSpan.FromMilliseconds(1), near.SetResult);

        await near.Task.WaitAsync(WireClient.Patience, TimeProvider.System);

        var next = new TaskCompletionSource();
        queue.Schedule(TimeSpan.FromMilliseconds(1), next.SetResult);
        await next.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        far.Should().BeFalse();
        queue.Count.Should().Be(1);
    }

    [Fact]
    public void Setting_the_wall_clock_moves_no_deadline()
    {
        var clock = new WarpedClock(_clock);
        using var queue = new DeadlineQueue(clock);
        bool fired = false;
        queue.Schedule(TimeSpan.FromSeconds(10), () => fired = true);

        clock.Offset = TimeSpan.FromDays(365);
        _clock.Advance(TimeSpan.FromSeconds(5));
        fired.Should().BeFalse();
        clock.Offset = -TimeSpan.FromDays(365);
        _clock.Advance(TimeSpan.FromSeconds(5));

        fired.Should().BeTrue();
    }

    [Fact]
    public void Many_deadlines_share_one_timer()
    {
        using var queue = new DeadlineQueue(_clock);
        const int many = 20_000;
        long last = -1;
        int fired = 0;
        bool inOrder = true;
        var random = new Random(1);
        for (int i = 0; i < many; i++)
        {
            int due = random.Next(1, 100_000);
            queue.Schedule(TimeSpan.FromMilliseconds(due), () =>
            {
                inOrder &= due >= last;
                last = due;
                fired++;
            });
        }

        _clock.ActiveTimers.Should().Be(1);
        _clock.Advance(TimeSpan.FromSeconds(100));

        fired.Should().Be(many);
        inOrder.Should().BeTrue();
    }

    [Fact]
    public void After_its_disposal_nothing_fires_and_nothing_is_kept()
    {
        var queue = new DeadlineQueue(_clock);
        bool fired = false;
        IDisposable before = queue.Schedule(TimeSpan.FromSeconds(1), () => fired = true);

        queue.Dispose();
        queue.Schedule(TimeSpan.FromSeconds(1), () => fired = true);
        _clock.Advance(TimeSpan.FromSeconds(5));
        before.Dispose();

        fired.Should().BeFalse();
        queue.Count.Should().Be(0);
        _clock.ActiveTimers.Should().Be(0);
    }

    [Fact]
    public void Scheduling_and_calling_off_from_many_threads_loses_nothing()
    {
        using var queue = new DeadlineQueue(_clock);
        int fired = 0;
        const int each = 5_000;
        using var barrier = new Barrier(4);
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            barrier.SignalAndWait();
            for (int i = 0; i < each; i++)
            {
                IDisposable deadline = queue.Schedule(TimeSpan.FromMilliseconds(i % 50), () => Interlocked.Increment(ref fired));
                if (i % 2 == 0)
                {
                    deadline.Dispose();
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        queue.Count.Should().Be(2 * each);
        _clock.Advance(TimeSpan.FromSeconds(1));

        fired.Should().Be(2 * each);
        queue.Count.Should().Be(0);
    }

    private sealed class WarpedClock(ManualClock inner) : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Offset;

        public override long GetTimestamp() => inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
    }

    [Fact]
    public void A_deadline_with_tolerance_fires_with_an_earlier_one_and_else_at_its_time()
    {
        using var queue = new DeadlineQueue(_clock);
        var fired = new List<string>();
        queue.Schedule(TimeSpan.FromSeconds(10), () => fired.Add("first"));
        queue.Schedule(TimeSpan.FromSeconds(11), new TolerantDeadline(() => fired.Add("close")));
        queue.Schedule(TimeSpan.FromSeconds(12.1), new TolerantDeadline(() => fired.Add("too far")));

        _clock.Advance(TimeSpan.FromSeconds(9.9));
        fired.Should().BeEmpty("nothing else woke the queue");
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        fired.Should().Equal("first", "close");
        _clock.Advance(TimeSpan.FromSeconds(2.0));
        fired.Should().HaveCount(2);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        fired.Should().Equal("first", "close", "too far");
    }

    [Fact]
    public void A_deadline_may_be_scheduled_again_until_it_is_cancelled()
    {
        using var queue = new DeadlineQueue(_clock);
        int fired = 0;
        var deadline = new TolerantDeadline(() => fired++);
        for (int i = 1; i <= 3; i++)
        {
            queue.Schedule(TimeSpan.FromSeconds(10), deadline);
            _clock.Advance(TimeSpan.FromSeconds(10));
            fired.Should().Be(i);
        }

        queue.Schedule(TimeSpan.FromSeconds(10), deadline);
        queue.Cancel(deadline);
        queue.Count.Should().Be(0);
        queue.Schedule(TimeSpan.FromSeconds(10), deadline);
        queue.Count.Should().Be(0, "whoever cancels may race with the callback that schedules the next time");
        _clock.Advance(TimeSpan.FromSeconds(20));
        fired.Should().Be(3);
    }

    private sealed class TolerantDeadline(Action run) : Deadline
    {
        public override TimeSpan Tolerance => TimeSpan.FromSeconds(2);

        public override void Run() => run();
    }
}
