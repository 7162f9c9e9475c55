using Arcp.Runtime.Tests.Support;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Tests.Time;

public class WakeSignalTests
{
    [Fact]
    public void Signals_while_nobody_waits_are_remembered_as_one()
    {
        var signal = new WakeSignal();
        signal.Set();
        signal.Set();

        Task first = signal.WaitAsync().AsTask();
        Task second = signal.WaitAsync().AsTask();
        first.IsCompleted.Should().BeTrue();
        second.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task A_waiter_is_woken_and_not_on_the_callers_thread()
    {
        var signal = new WakeSignal();
        int waiter = 0;
        var woken = new TaskCompletionSource();
        async Task WaitAsync()
        {
            await signal.WaitAsync();
            waiter = Environment.CurrentManagedThreadId;
            woken.SetResult();
        }

        Task waiting = WaitAsync();
        int setter = 0;
        var thread = new Thread(() =>
        {
            setter = Environment.CurrentManagedThreadId;
            signal.Set();
        });
        thread.Start();
        thread.Join();

        await woken.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        await waiting;
        waiter.Should().NotBe(setter);
    }

    [Fact]
    public async Task Under_contention_no_signal_is_lost()
    {
        var signal = new WakeSignal();
        const int producers = 3;
        const int each = 100_000;
        int produced = 0;
        using var barrier = new Barrier(producers);
        Thread[] threads = [.. Enumerable.Range(0, producers).Select(_ => new Thread(() =>
        {
            barrier.SignalAndWait();
            for (int i = 0; i < each; i++)
            {
                Interlocked.Increment(ref produced);
                signal.Set();
            }
        }))];

        async Task ConsumeAsync()
        {
            while (Volatile.Read(ref produced) < producers * each)
            {
                await signal.WaitAsync();
            }
        }

        Task consuming = ConsumeAsync();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        await consuming.WaitAsync(WireClient.Patience, TimeProvider.System);
    }
}
