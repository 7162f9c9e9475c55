using Arcp.Runtime.Tests.Support;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Tests.Time;

public class RunningTasksTests
{
    [Fact]
    public async Task Waiting_ends_when_the_last_task_has_however_it_ended()
    {
        var tasks = new RunningTasks();
        var good = new TaskCompletionSource();
        var bad = new TaskCompletionSource();
        tasks.Add(good.Task);
        tasks.Add(bad.Task);
        Task empty = tasks.WhenEmptyAsync();

        good.SetResult();
        await TestRuntime.UntilAsync(() => tasks.Count == 1, "the end of the first");
        empty.IsCompleted.Should().BeFalse();
        bad.SetException(new InvalidOperationException());
        await empty.WaitAsync(TimeSpan.FromSeconds(30));

        tasks.IsEmpty.Should().BeTrue();
    }

    [Fact]
    public async Task Nothing_to_wait_for_is_no_wait()
    {
        var tasks = new RunningTasks();
        tasks.WhenEmptyAsync().IsCompletedSuccessfully.Should().BeTrue();

        tasks.Begin();
        tasks.End();

        tasks.WhenEmptyAsync().IsCompletedSuccessfully.Should().BeTrue();
        await tasks.WhenEmptyAsync();
    }

    [Fact]
    public async Task What_begins_meanwhile_is_waited_for_too()
    {
        var tasks = new RunningTasks();
        tasks.Begin();
        Task empty = tasks.WhenEmptyAsync();
        tasks.Begin();
        tasks.End();
        empty.IsCompleted.Should().BeFalse();

        tasks.End();
        await empty.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Nobody_waits_for_ever_however_ends_and_waits_meet()
    {
        var tasks = new RunningTasks();
        for (int i = 0; i < 5_000; i++)
        {
            tasks.Begin();
            tasks.Begin();
            Task first = Task.Run(tasks.End);
            Task second = Task.Run(tasks.End);
            await tasks.WhenEmptyAsync().WaitAsync(TimeSpan.FromSeconds(30));
            tasks.IsEmpty.Should().BeTrue();
            await Task.WhenAll(first, second);
        }
    }
}
