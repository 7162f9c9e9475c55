using Arcp.Runtime.Tests.Support;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Tests.Time;

public class EndSignalTests
{
    private EndSignal _signal;

    [Fact]
    public async Task It_is_over_for_those_who_waited_and_for_those_who_come_later()
    {
        _signal.IsSet.Should().BeFalse();
        Task early = _signal.Task;
        early.IsCompleted.Should().BeFalse();
        _signal.Task.Should().BeSameAs(early);

        _signal.Set();
        _signal.Set();

        _signal.IsSet.Should().BeTrue();
        await early.WaitAsync(WireClient.Patience);
        _signal.Task.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Fact]
    public async Task Nobody_misses_it_who_begins_to_wait_while_it_happens()
    {
        using var race = new Race(2);
        for (int i = 0; i < 2_000; i++)
        {
            _signal = default;
            Task? waiting = null;
            race.Round(runner =>
            {
                if (runner == 0)
                {
                    _signal.Set();
                }
                else
                {
                    waiting = _signal.Task;
                }
            });
            await waiting!.WaitAsync(WireClient.Patience);
        }
    }
}
