using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

public class SecretsTests
{
    [Fact]
    [Trait("Section", "6.1")]
    public async Task No_token_ever_stands_in_a_log_line_at_any_level()
    {
        var secrets = new List<string> { "secret-a", "secret-b", "wrong-token", "guessed-resume" };
        await using var runtime = new TestRuntime(builder => builder.AddAgent("fails", "1", (_, _) => throw new InvalidOperationException("x")));
        await using WireClient client = await runtime.OpenAsync("secret-a");
        secrets.Add(client.ResumeToken);
        await client.RunJobAsync("fails");
        string id = await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-b" }, resume_token = client.ResumeToken });
        await client.ExpectErrorAsync("INVALID_REQUEST", id);
        await client.SendAsync("session.future", new { auth = new { token = "secret-b" } });
        await client.SendRawAsync($$$"""{"type":"session.ack","payload":{"last_processed_seq":"{{{client.ResumeToken}}}"}}""");
        await client.ExpectAsync("session.error");
        await client.SendRawAsync($$$"""{"type":"session.hello","payload":{"resume_token":["{{{client.ResumeToken}}}"]}}""");
        await client.ExpectAsync("session.error");
        await client.DisposeAsync();

        string[] firstFrames =
        [
            """{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"wrong-token"}}}""",
            """{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":["wrong-token"]}}}""",
            """{"type":"session.hello","payload":{"auth":"wrong-token"}}""",
            """{"type":"session.hello","payload":{"auth":{"scheme":"wrong-token","token":"wrong-token"}}}""",
            """{"type":"session.resume","payload":{"resume_token":"guessed-resume"}}""",
            """{"type":"session.resume","payload":{"resume_token":{"guessed-resume":1}}}""",
            """{"type":"job.submit","payload":{"agent":"echo","token":"wrong-token"}}""",
            """{"auth":{"token":"wrong-token"}""",
        ];
        foreach (string frame in firstFrames)
        {
            await using WireClient refused = runtime.Connect();
            await refused.SendRawAsync(frame);
            WireFrame error = await refused.ExpectAsync("session.error");
            error.Text.Should().NotContainAny(secrets);
        }

        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 0);
        secrets.Add(again.ResumeToken);
        await using WireClient taking = runtime.Connect();
        await taking.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" }, resume_token = again.ResumeToken });
        secrets.Add((string)(await taking.ExpectAsync("session.welcome")).Payload["resume_token"]!);
        await taking.DisposeAsync();
        await runtime.Runtime.StopAsync();

        runtime.Logs.Lines.Should().HaveCountGreaterThan(15);
        foreach (string line in runtime.Logs.Lines)
        {
            line.Should().NotContainAny(secrets);
        }
    }

    [Fact]
    [Trait("Section", "6.3")]
    public void A_resume_token_is_random_and_only_its_hash_is_kept()
    {
        string first = Runtime.Sessions.ResumeTokenHash.Mint(out Runtime.Sessions.ResumeTokenHash hash);
        string second = Runtime.Sessions.ResumeTokenHash.Mint(out Runtime.Sessions.ResumeTokenHash other);

        first.Should().NotBe(second).And.MatchRegex("^rt_[A-Za-z0-9_-]{43}$");
        hash.Should().Be(Runtime.Sessions.ResumeTokenHash.Of(first)).And.NotBe(other);
        default(Runtime.Sessions.ResumeTokenHash).Should().NotBe(hash);
        hash.ToString().Should().NotContain(first);
    }
}
