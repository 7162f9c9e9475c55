using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

public class PingAckCloseTests
{
    [Fact]
    [Trait("Section", "6.4")]
    public async Task Each_ping_is_answered_by_its_pong_without_a_number()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = runtime.Connect();
        await client.HelloAsync();
        clock.Advance(TimeSpan.FromSeconds(5));

        for (int i = 0; i < 100; i++)
        {
            await client.SendAsync("session.ping", new { nonce = $"n{i}", sent_at = "2026-01-01T00:00:00+02:00" });
        }

        for (int i = 0; i < 100; i++)
        {
            WireFrame pong = await client.ExpectAsync("session.pong");
            pong.EventSeq.Should().BeNull();
            pong.Payload.ToJsonString().Should().Be($$"""{"ping_nonce":"n{{i}}","received_at":"2026-01-01T00:00:05.000Z"}""");
        }

        await client.SendAsync("session.ping");
        (await client.ExpectAsync("session.pong")).Payload.Should().NotContainKey("ping_nonce");
        await client.SendAsync("session.pong", new { ping_nonce = "unasked" });
        await client.ExpectQuietAsync();
        (await client.RunJobAsync("echo"))[1].EventSeq.Should().Be(1, "pings take no number");
    }

    [Fact]
    [Trait("Section", "6.4")]
    public async Task A_ping_is_answered_during_a_long_replay()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("count", new { n = 3000 });
        await client.DisposeAsync();
        await using WireClient again = runtime.Connect(capacity: 4);
        await again.ResumeAsync(client.ResumeToken, 0);
        await again.SendAsync("session.ping", new { nonce = "n" });

        int before = 0;
        while ((await again.ReceiveAsync())!.Type != "session.pong")
        {
            before++;
        }

        before.Should().BeLessThan(3000, "it overtakes the replay");
    }

    [Fact]
    [Trait("Section", "6.5")]
    public async Task What_is_acknowledged_is_let_go_and_what_makes_no_sense_is_ignored()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("count", new { n = 8 }); // 10 numbers
        foreach (long seq in new long[] { 5, 3, -1, 11, long.MaxValue, long.MinValue, 0 })
        {
            await client.SendAsync("session.ack", new { last_processed_seq = seq });
        }

        await client.ExpectQuietAsync();
        await client.DisposeAsync();
        await using (WireClient early = runtime.Connect())
        {
            string id = await early.SendAsync("session.resume", new { resume_token = client.ResumeToken, last_event_seq = 4 });
            await early.ExpectErrorAsync("RESUME_WINDOW_EXPIRED", id);
        }

        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 5);
        (await again.ExpectAsync("job.event")).EventSeq.Should().Be(6);
    }

    [Theory]
    [Trait("Section", "6.7")]
    [InlineData("session.close")]
    [InlineData("session.bye")]
    public async Task A_close_is_answered_then_the_connection_closes_jobs_run_on_and_the_session_can_be_resumed(string type)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        await client.SendAsync(type, new { reason = "lunch" });
        WireFrame closed = await client.ExpectAsync("session.closed");
        ((string?)closed.Payload["reason"]).Should().Be("lunch");
        closed.EventSeq.Should().BeNull();
        await client.ExpectEndAsync();
        await client.DisposeAsync();
        await runtime.ConnectionsEndedAsync();

        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1);
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 1);
        await again.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await again.SkipToAsync("job.cancelled");
    }

    [Fact]
    [Trait("Section", "6.7")]
    public async Task What_was_asked_before_a_close_is_answered_before_it_and_what_comes_after_it_is_not()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync("session.ping");
        await client.SendAsync("job.submit", new { agent = "nobody" });
        await client.SendAsync("session.close");
        await client.SendAsync("job.submit", new { agent = "echo" });

        await client.ExpectAsync("session.pong");
        await client.ExpectAsync("session.error");
        await client.ExpectAsync("job.error");
        (await client.ExpectAsync("session.closed")).Payload.Should().NotContainKey("reason");
        await client.ExpectEndAsync();
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "4")]
    public async Task A_client_that_asks_without_end_and_never_reads_loses_its_connection()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect(capacity: 8);
        await client.HelloAsync();

        int sent = 0;
        try
        {
            for (; sent < 200_000; sent++)
            {
                await client.SendRawAsync("""{"type":"session.ping","payload":{"nonce":"never read"}}""");
            }
        }
        catch (Core.Transports.TransportException)
        {
            // the runtime has had enough
        }

        sent.Should().BeLessThan(200_000, "nothing is buffered without a bound");
        await client.DisposeAsync();
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 0);
        await again.ExpectQuietAsync();
    }
}
