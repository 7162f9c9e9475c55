using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Agents;

[Trait("Section", "7.5")]
public class AgentResolutionTests
{
    [Theory]
    [InlineData("multi", "1.10.0")]
    [InlineData("multi@1.9.0", "1.9.0")]
    [InlineData("multi@1.10.0", "1.10.0")]
    [InlineData("multi@2.0.0-rc.1", "2.0.0-rc.1", true)]
    [InlineData("pinned", "1.0.0")]
    [InlineData("pinned@2.0.0", "2.0.0")]
    public async Task A_name_is_resolved_before_the_acceptance_and_fixed(string agent, string version, bool preRelease = false)
    {
        string? seen = null;
        Task<RawJson?> Look(JobContext job, CancellationToken _)
        {
            seen = $"{job.AgentName}@{job.AgentVersion}";
            return Task.FromResult<RawJson?>(null);
        }

        await using var runtime = new TestRuntime(builder =>
        {
            builder.AddAgent("multi", "1.9.0", Look).AddAgent("multi", "1.10.0", Look).AddAgent("pinned", "2.0.0", Look).AddAgent("pinned", "1.0.0", Look, isDefault: true);
            if (preRelease)
            {
                builder.AddAgent("multi", "2.0.0-rc.1", Look);
            }
        });
        await using WireClient client = await runtime.OpenAsync();

        WireFrame accepted = (await client.RunJobAsync(agent))[0];

        string expected = $"{agent.Split('@')[0]}@{version}";
        ((string?)accepted.Payload["agent"]).Should().Be(expected);
        seen.Should().Be(expected);
    }

    [Theory]
    [InlineData("nobody", "AGENT_NOT_AVAILABLE")]
    [InlineData("nobody@1.0.0", "AGENT_NOT_AVAILABLE")]
    [InlineData("echo@2.0.0", "AGENT_VERSION_NOT_AVAILABLE")]
    [InlineData("echo@1.0", "AGENT_VERSION_NOT_AVAILABLE")]
    [InlineData("Echo", "INVALID_REQUEST")]
    [InlineData("echo@", "INVALID_REQUEST")]
    [InlineData("@1.0.0", "INVALID_REQUEST")]
    [InlineData("", "INVALID_REQUEST")]
    [InlineData("echo@1.0.0@1", "INVALID_REQUEST")]
    [InlineData("echo ", "INVALID_REQUEST")]
    public async Task A_name_that_is_none_is_refused(string agent, string code)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        string id = await client.SendAsync("job.submit", new { agent });

        await client.ExpectRefusalAsync(id, code);
    }
}
