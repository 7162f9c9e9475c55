namespace Arcp.Runtime.Tests.Storage;

/// <summary>One journey through submits, streams, cancels, subscriptions and children, with its store failing, or its process dying, at every commit in turn.</summary>
public class JourneyTests
{
    public enum Accident
    {
        FailsBefore,
        FailsAfter,
        DiesBefore,
        DiesAfter,
    }

    [Theory]
    [InlineData(Accident.FailsBefore)]
    [InlineData(Accident.FailsAfter)]
    [InlineData(Accident.DiesBefore)]
    [InlineData(Accident.DiesAfter)]
    [Trait("Section", "6.3")]
    public async Task Whichever_commit_it_happens_at_nothing_that_was_seen_is_lost_or_changed(Accident accident)
    {
        const int together = 10;
        int commit = 1;
        while ((await Task.WhenAll(Enumerable.Range(commit, together).Select(TravelAsync))).All(hasHappened => hasHappened))
        {
            commit += together;
        }

        commit.Should().BeGreaterThan(10, "the journey has many commits");

        async Task<bool> TravelAsync(int at)
        {
            await using var journey = new Journey(at, accident);
            return await journey.RunAsync();
        }
    }
}
