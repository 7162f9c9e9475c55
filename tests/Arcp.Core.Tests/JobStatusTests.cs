using System.Text.Json;

namespace Arcp.Core.Tests;

[Trait("Section", "7.3")]
public sealed class JobStatusTests
{
    [Theory]
    [InlineData("pending", false)]
    [InlineData("running", false)]
    [InlineData("success", true)]
    [InlineData("error", true)]
    [InlineData("cancelled", true)]
    [InlineData("timed_out", true)]
    [InlineData("timedout", true)]
    [InlineData("paused", false)]
    [InlineData("", false)]
    public void Four_states_are_terminal(string text, bool isTerminal)
    {
        JsonSerializer.Deserialize<JobStatus>($"\"{text}\"").IsTerminal.Should().Be(isTerminal);
    }

    [Fact]
    public void A_state_is_written_as_the_contract_spells_it_and_unknown_ones_keep_their_text()
    {
        JsonSerializer.Serialize(new JobStatus("timedout")).Should().Be("\"timed_out\"");
        JsonSerializer.Serialize(new JobStatus("paused")).Should().Be("\"paused\"");
        new JobStatus("timedout").Should().Be(JobStatus.TimedOut);
        default(JobStatus).Should().Be(JobStatus.Pending);
        default(JobStatus).GetHashCode().Should().Be(JobStatus.Pending.GetHashCode());
    }
}
