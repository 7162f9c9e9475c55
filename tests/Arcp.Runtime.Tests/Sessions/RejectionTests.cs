using Arcp.Runtime.Configuration;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "12")]
public class RejectionTests
{
    [Fact]
    public async Task Submit_cancel_and_subscribe_are_refused_by_a_pair_of_frames_and_everything_else_by_one()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        string id = await client.SendAsync("job.submit", new { agent = "nobody" });
        await client.ExpectRefusalAsync(id, "AGENT_NOT_AVAILABLE");
        id = await client.SendAsync("job.cancel", new { job_id = "job_x" });
        await client.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        id = await client.SendAsync("job.subscribe", new { job_id = "job_x" });
        await client.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        id = await client.SendAsync("job.cancel", new { job_id = 7 });
        await client.ExpectRefusalAsync(id, "INVALID_REQUEST");
        id = await client.SendAsync("job.subscribe", new { history = 7 });
        await client.ExpectRefusalAsync(id, "INVALID_REQUEST");

        id = await client.SendAsync("session.ack", new { });
        await client.ExpectErrorAsync("INVALID_REQUEST", id);
        id = await client.SendAsync("job.unsubscribe", new { job_id = 7 });
        await client.ExpectErrorAsync("INVALID_REQUEST", id);
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task A_refusal_names_the_job_that_stands_on_the_envelope_in_the_session_error_alone()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        string id = await client.SendAsync("job.cancel", header: new { job_id = "job_x" });

        WireFrame error = await client.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        ((string?)error.Payload["job_id"]).Should().Be("job_x");
    }

    [Theory]
    [InlineData(RejectionFrames.Both, "session.error", "job.error")]
    [InlineData(RejectionFrames.SessionOnly, "session.error", null)]
    [InlineData(RejectionFrames.JobOnly, "job.error", null)]
    public async Task The_host_chooses_which_frames_refuse(RejectionFrames form, string first, string? second)
    {
        await using var runtime = new TestRuntime(builder => builder.Options.RejectionFrames = form);
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync("job.submit", new { agent = "nobody" });
        (await client.ExpectAsync(first)).Code.Should().Be("AGENT_NOT_AVAILABLE");
        if (second is not null)
        {
            await client.ExpectAsync(second);
        }

        string id = await client.SendAsync("session.ack", new { });
        await client.ExpectErrorAsync("INVALID_REQUEST", id); // no job request: always a session.error
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task A_refused_frame_without_an_id_is_answered_all_the_same()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync("""{"type":"job.submit","payload":{"agent":"nobody"}}""");

        await client.ExpectErrorAsync("AGENT_NOT_AVAILABLE");
        WireFrame twin = await client.ExpectAsync("job.error");
        twin.JobId.Should().BeNull();
        twin.EventSeq.Should().BeNull();
        twin.Id.Should().StartWith("msg_");
    }

    [Theory]
    [InlineData("nobody", "AGENT_NOT_AVAILABLE", true)]
    [InlineData("echo@9", "AGENT_VERSION_NOT_AVAILABLE", false)]
    [InlineData("E", "INVALID_REQUEST", false)]
    public async Task A_code_says_whether_to_retry(string agent, string code, bool retryable)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        string id = await client.SendAsync("job.submit", new { agent });

        ((bool?)(await client.ExpectRefusalAsync(id, code)).Payload["retryable"]).Should().Be(retryable);
    }

    [Fact]
    public async Task A_refused_request_touches_no_running_job()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        for (int i = 0; i < 10; i++)
        {
            string id = await client.SendAsync("job.submit", new { agent = "nobody" }, new { job_id = accepted.JobId });
            await client.ExpectRefusalAsync(id, "AGENT_NOT_AVAILABLE");
        }

        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1);
        await client.ExpectQuietAsync();
    }
}
