using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

public class ReadyCursorsTests
{
    private static readonly Job Job = TestJob.Create();
    private static readonly SessionOutbox Outbox =
        new SessionFactory(new ArcpRuntimeOptions(), journal: null, TimeProvider.System).Create(Job.Spec.SubmittedBy, Job.Spec.Principal).Outbox;

    private ReadyCursors _ready;

    [Fact]
    public void Cursors_are_taken_in_the_order_in_which_they_became_ready()
    {
        JobCursor[] cursors = NewCursors(5);
        _ready.TryTake(out _).Should().BeFalse();
        _ready.Add(cursors[0]);
        _ready.Add(cursors[1]);
        _ready.Add(cursors[2]);
        Take().Should().Be(cursors[0]);
        _ready.Add(cursors[3]);
        _ready.Add(cursors[0]);
        _ready.Add(cursors[4]);

        Enumerable.Range(0, 5).Select(_ => Take()).Should().Equal(cursors[1], cursors[2], cursors[3], cursors[0], cursors[4]);
        _ready.TryTake(out _).Should().BeFalse();
    }

    [Fact]
    public void None_is_lost_or_given_twice_while_others_are_added()
    {
        const int each = 200;
        using var race = new Race(3);
        for (int round = 0; round < 200; round++)
        {
            JobCursor[] cursors = NewCursors(2 * each);
            var taken = new List<JobCursor>();
            race.Round(runner =>
            {
                if (runner == 2)
                {
                    while (taken.Count < cursors.Length)
                    {
                        if (_ready.TryTake(out JobCursor? cursor))
                        {
                            taken.Add(cursor);
                        }
                    }

                    return;
                }

                for (int i = 0; i < each; i++)
                {
                    _ready.Add(cursors[(runner * each) + i]);
                }
            });

            taken.Should().OnlyHaveUniqueItems();
            taken.Where(cursor => Array.IndexOf(cursors, cursor) < each).Should().Equal(cursors.Take(each), "one thread's keep their order");
        }
    }

    private static JobCursor[] NewCursors(int count) => [.. Enumerable.Range(0, count).Select(_ => new JobCursor(Job, Outbox, isSubscription: true))];

    private JobCursor Take()
    {
        _ready.TryTake(out JobCursor? cursor).Should().BeTrue();
        return cursor!;
    }
}
