using Arcp.Core;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Tests.Jobs;

[Trait("Section", "7.3")]
public class JobTransitionsTests
{
    private static readonly JobOutcome Old = new JobOutcome.Succeeded(RawJson.Null);

    private static readonly JobOutcome.Cancellation Asked = new("asked");

    private static readonly Dictionary<string, JobState> States = new()
    {
        ["pending"] = JobState.Waiting,
        ["running"] = JobState.AtWork,
        ["cancelling"] = new JobState.Cancelling(Asked),
        ["settling"] = new JobState.Settling(Old),
        ["success"] = new JobState.Ended(Old),
        ["error"] = new JobState.Ended(new JobOutcome.Failed(ErrorCode.InternalError, "m", false)),
        ["cancelled"] = new JobState.Ended(new JobOutcome.Cancellation(null)),
        ["timed_out"] = new JobState.Ended(new JobOutcome.Overrun(TimeSpan.FromSeconds(1))),
    };

    private static readonly Dictionary<string, JobSignal> Signals = new()
    {
        ["started"] = JobSignal.AgentStarted,
        ["emitted"] = JobSignal.EventEmitted,
        ["finished"] = new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Parse("1"))),
        ["failed"] = new JobSignal.Finished(new JobOutcome.Failed(ErrorCode.Timeout, "m", false)),
        ["cancel"] = new JobSignal.Stopped(new JobOutcome.Cancellation("r")),
        ["ask"] = new JobSignal.CancelAsked(Asked),
        ["timeout"] = new JobSignal.Stopped(new JobOutcome.Overrun(TimeSpan.FromSeconds(2))),
        ["shutdown"] = new JobSignal.Stopped(JobOutcome.ShutDown),
        ["settled"] = JobSignal.TakenBack,
    };

    /// <summary>Each line: a state, then the status after each signal, in parentheses where the end is decided and not shown yet; a dash = the signal has no effect.</summary>
    private static readonly string[] Table =
    [
        "           started  emitted     finished     failed       cancel       ask          timeout      shutdown     settled",
        "pending    running  -           -            -            (cancelled)  (cancelled)  (timed_out)  (error)      -",
        "running    -        running     (success)    (error)      (cancelled)  cancelling   (timed_out)  (error)      -",
        "cancelling -        cancelling  (cancelled)  (cancelled)  (cancelled)  -            (cancelled)  (cancelled)  -",
        "settling   -        -           -            -            -            -            -            -            success",
        "success    -        -           -            -            -            -            -            -            -",
        "error      -        -           -            -            -            -            -            -            -",
        "cancelled  -        -           -            -            -            -            -            -            -",
        "timed_out  -        -           -            -            -            -            -            -            -",
    ];

    public static TheoryData<string, string, string> Cells()
    {
        var cells = new TheoryData<string, string, string>();
        string[] signals = Table[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (string line in Table.Skip(1))
        {
            string[] cell = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            for (int i = 0; i < signals.Length; i++)
            {
                cells.Add(cell[0], signals[i], cell[i + 1]);
            }
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void Each_cell_of_the_table(string state, string signal, string expected)
    {
        (JobState next, bool applied) = JobTransitions.Next(States[state], Signals[signal]);

        applied.Should().Be(expected != "-");
        if (!applied)
        {
            next.Should().BeSameAs(States[state]);
            return;
        }

        NameOf(next).Should().Be(expected);
        if (next.Decision is { } decision)
        {
            JobOutcome sent = Signals[signal] switch
            {
                _ when state == "cancelling" => Asked,
                JobSignal.Settled => Old,
                JobSignal.CancelAsked asked => asked.Outcome,
                JobSignal.Finished finished => finished.Outcome,
                JobSignal.Stopped stopped => stopped.Outcome,
                _ => throw new InvalidOperationException("No other signal ends a job."),
            };
            decision.Should().BeSameAs(sent);
        }
    }

    private static string NameOf(JobState state) => state switch
    {
        JobState.Cancelling => "cancelling",
        JobState.Settling settling => $"({settling.Outcome.Status.Value})",
        _ => state.Status.Value,
    };

    [Fact]
    public void The_table_has_all_states_and_signals()
    {
        Cells().Should().HaveCount(States.Count * Signals.Count);
        typeof(JobSignal).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(JobSignal)))
            .Should().BeSubsetOf(Signals.Values.Select(signal => signal.GetType()));
        typeof(JobState).GetNestedTypes().Where(type => type.IsSubclassOf(typeof(JobState)))
            .Should().BeSubsetOf(States.Values.Select(state => state.GetType()));
    }
}
