using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

public class FirstJobTests
{
    [Fact]
    [Trait("Section", "7.1")]
    public async Task A_job_is_accepted_runs_and_ends_with_its_result()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        WireFrame accepted = await client.SubmitAsync("count", new { n = 3 });
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames.Select(frame => frame.EventSeq).Should().Equal(1, 2, 3, 4, 5);
        frames[0].Body["phase"]!.GetValue<string>().Should().Be("running");
        frames[1].Body["message"]!.GetValue<string>().Should().Be("tick 1");
        frames[^1].Type.Should().Be("job.result");
        frames[^1].Payload["result"]!.ToJsonString().Should().Be("""{"count":3}""");
    }
}
