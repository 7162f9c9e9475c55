using System.Globalization;
using Arcp.EndToEnd.Tests.Support;
using Xunit.Abstractions;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>
/// The Playground with a SQLite store, killed (SIGKILL) at random moments and started again on the same file: nothing that a peer has seen is lost or changed.
/// <c>ARCP_SEED</c> has the plans of an earlier run again (when the kills hit is up to the machine); <c>ARCP_SOAK_ROUNDS=200</c> makes a soak of it.
/// </summary>
[Trait("Section", "6.3")]
[Collection(nameof(Alone))]
public sealed class KillTests(ITestOutputHelper output)
{
    private const int DefaultRounds = 5;

    private static readonly TimeSpan RoundLimit = TimeSpan.FromMinutes(3);

    private readonly int _seed = ReadNumber("ARCP_SEED") ?? Environment.TickCount;
    private readonly int _rounds = ReadNumber("ARCP_SOAK_ROUNDS") ?? DefaultRounds;

    [Fact]
    public async Task Whenever_the_process_is_killed_nothing_that_was_seen_is_lost()
    {
        output.WriteLine($"seed {_seed}, {_rounds} rounds");
        long start = TimeProvider.System.GetTimestamp();
        int interrupted = 0, succeeded = 0, cancelled = 0, kills = 0, resent = 0, resumes = 0, repeated = 0, subscriptions = 0, lost = 0, reclaimed = 0;
        for (int round = 0; round < _rounds; round++)
        {
            (Round ran, RoundCheck check) = await RunAsync(round);
            interrupted += check.InterruptedJobs;
            succeeded += check.SucceededJobs;
            cancelled += check.CancelledJobs;
            subscriptions += check.SubscriptionsChecked;
            reclaimed += check.ReclaimedCredentials;
            kills += ran.KillCount;
            resent += ran.Board.Resent;
            resumes += ran.Board.Resumes;
            repeated += ran.Board.RepeatedAnswers;
            lost += ran.Board.LostSessions;
        }

        output.WriteLine($"{kills} kills; jobs: {succeeded} succeeded, {interrupted} interrupted, {cancelled} cancelled; {resumes} resumes, {resent} frames seen twice, "
            + $"{repeated} answers given again, {subscriptions} subscriptions compared, {lost} sessions lost with an unread welcome, {reclaimed} values taken back by their provider; "
            + $"{TimeProvider.System.GetElapsedTime(start).TotalSeconds:F0} s");
        if (_rounds >= DefaultRounds)
        {
            new[] { interrupted, succeeded, cancelled, resumes, resent, repeated, subscriptions }.Should().NotContain(0, "all of it came to pass (seed {0})", _seed);
        }
    }

    private async Task<(Round Round, RoundCheck Check)> RunAsync(int number)
    {
        var round = new Round(unchecked((_seed * 397) ^ number));
        try
        {
            RoundCheck check;
            await using (round)
            {
                check = await round.RunAsync().WaitAsync(RoundLimit, TimeProvider.System);
            }

            round.RemoveFiles();
            return (round, check);
        }
        catch (Exception e)
        {
            foreach (DrivenSession session in round.Sessions)
            {
                output.WriteLine(session.Transcript);
            }

            output.WriteLine($"Standard error of the process:\n{round.ProcessErrors}");
            throw new InvalidOperationException($"Seed {_seed}, round {number}, files in {round.Folder}: {e.Message}", e);
        }
    }

    private static int? ReadNumber(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
