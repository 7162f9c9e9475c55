using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>What a client has processed is let go of; what it has not can be had again.</summary>
[Trait("Section", "6.5")]
public class AckTests
{
    [Fact]
    public async Task An_ack_moves_the_floor_below_which_nothing_can_be_resumed()
    {
        await using var runtime = new TestRuntime();
        WireClient client = await runtime.OpenAsync();
        List<WireFrame> frames = await client.RunJobAsync("count", new { n = 20 });
        foreach (long ack in new long[] { 10, 5, -1, 0, 23, long.MaxValue })
        {
            await client.SendAsync("session.ack", new { last_processed_seq = ack }); // only the first one counts
        }

        await client.ExpectQuietAsync();
        await client.DisposeAsync();
        string token = client.ResumeToken;
        foreach (long below in new long[] { 9, 0, -3 })
        {
            await using WireClient early = runtime.Connect();
            await early.SendAsync("session.resume", new { resume_token = token, last_event_seq = below });
            (await early.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED");
        }

        await using WireClient back = runtime.Connect();
        await back.ResumeAsync(token, 10);
        (await back.ReadJobAsync(frames[0].JobId!)).Select(frame => frame.Text).Should().Equal(frames.Skip(11).Select(frame => frame.Text));
        await back.ExpectQuietAsync();
    }

    [Fact]
    public async Task Back_pressure_is_told_once_and_again_after_the_lag_fell_under_half()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.BackPressureThreshold = 10);
        WireClient client = await runtime.OpenAsync("secret-a", "ack");
        List<WireFrame> first = await client.RunJobAsync("count", new { n = 28 });
        long[] warned = WarningsIn(first);
        warned.Should().Equal(11);
        first[^1].EventSeq.Should().Be(31, "the warning takes a number of its own");

        await client.SendAsync("session.ack", new { last_processed_seq = 26 }); // a lag of 5 is half, and not under it
        WarningsIn(await client.RunJobAsync("count", new { n = 8 })).Should().BeEmpty();
        await client.SendAsync("session.ack", new { last_processed_seq = 37 });
        List<WireFrame> third = await client.RunJobAsync("count", new { n = 10 });
        WarningsIn(third).Should().Equal(48);

        // It is replayed with its number, and a listing does not count it.
        await client.DisposeAsync();
        await using WireClient back = runtime.Connect();
        await back.ResumeAsync(client.ResumeToken, 42);
        (await back.ReadJobAsync(third[0].JobId!)).Select(frame => frame.Text).Should().Equal(third.Skip(2).Select(frame => frame.Text));
        third[^1].EventSeq.Should().Be(54);
    }

    [Fact]
    public async Task A_session_without_acks_is_not_told_and_its_acks_are_refused()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.BackPressureThreshold = 2);
        await using WireClient client = await runtime.OpenAsync("secret-a", "progress");
        WarningsIn(await client.RunJobAsync("count", new { n = 20 })).Should().BeEmpty();
        string request = await client.SendAsync("session.ack", new { last_processed_seq = 1 });
        await client.ExpectErrorAsync("INVALID_REQUEST", request);
    }

    [Fact]
    public async Task A_threshold_of_zero_never_warns()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.BackPressureThreshold = 0);
        await using WireClient client = await runtime.OpenAsync();
        WarningsIn(await client.RunJobAsync("count", new { n = 5_000 })).Should().BeEmpty();
    }

    [Theory]
    [InlineData(100, 1L << 30, 20)]
    [InlineData(10_000, 4_000, 110)]
    public async Task Frames_that_nobody_acknowledges_are_held_up_to_the_limits(int frames, long bytes, int least)
    {
        await using var runtime = new TestRuntime(builder =>
        {
            builder.Options.MaxHeldFramesPerSession = frames;
            builder.Options.MaxHeldBytesPerSession = bytes;
        });
        WireClient client = await runtime.OpenAsync("secret-a", "progress");
        List<WireFrame> all = await client.RunJobAsync("count", new { n = 118 });
        all[^1].EventSeq.Should().Be(120);
        await client.DisposeAsync();
        await using (WireClient early = runtime.Connect())
        {
            await early.SendAsync("session.resume", new { resume_token = client.ResumeToken, last_event_seq = 19 });
            (await early.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED");
        }

        await using WireClient back = runtime.Connect();
        await back.ResumeAsync(client.ResumeToken, least);
        (await back.ReadJobAsync(all[0].JobId!)).Should().HaveCount(120 - least);
    }

    private static long[] WarningsIn(List<WireFrame> frames) =>
        [.. frames.Where(frame => frame.Kind == "status" && (string?)frame.Body["phase"] == "back_pressure").Select(frame => frame.EventSeq!.Value)];
}
