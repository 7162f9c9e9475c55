using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "7.1")]
public class SubmitTests
{
    [Fact]
    public async Task An_acceptance_tells_all_that_it_must()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync();
        WireFrame parent = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        string id = await client.SendAsync("job.submit", new { agent = "wait", parent_job_id = parent.JobId, lease_request = new Dictionary<string, string[]> { ["fs.read"] = ["/b/**", "/a"], ["x-vendor.acme"] = ["z"] } });
        WireFrame accepted = await client.ExpectAsync("job.accepted");

        ((string?)accepted.Json["request_id"] ?? (string?)accepted.Payload["request_id"]).Should().Be(id);
        ((string?)accepted.Payload["job_id"]).Should().Be(accepted.JobId);
        ((string?)accepted.Payload["agent"]).Should().Be("wait@1.0.0");
        accepted.Raw("lease").Should().Be("""{"fs.read":["/b/**","/a"],"x-vendor.acme":["z"]}""");
        ((string?)accepted.Payload["parent_job_id"]).Should().Be(parent.JobId);
        ((string?)accepted.Payload["accepted_at"]).Should().Be("2026-01-01T00:00:00.000Z");
        ((string?)accepted.Payload["trace_id"]).Should().Be(accepted.TraceId);
        accepted.EventSeq.Should().BeNull();
        parent.Raw("lease").Should().Be("{}", "the lease is an object, possibly empty");
        parent.Payload.Should().NotContainKeys("parent_job_id", "lease_constraints", "budget", "credentials");
    }

    /// <summary>Each submit breaks a rule and all that come after it in the order of checks.</summary>
    [Theory]
    [InlineData("""{"agent":"NOT A NAME@1","lease_request":{"cost.budget":["x"]},"max_runtime_sec":0,"parent_job_id":"job_x"}""", "INVALID_REQUEST", "'agent'")]
    [InlineData("""{"agent":"nobody@1","lease_request":{"cost.budget":["x"],"bad":[]},"max_runtime_sec":0,"parent_job_id":"job_x"}""", "INVALID_REQUEST", "max_runtime_sec")]
    [InlineData("""{"agent":"nobody@1","lease_request":{"bad":["x"]},"lease_constraints":{"expires_at":"2020-01-01T00:00:00Z"},"parent_job_id":"job_x"}""", "INVALID_REQUEST", "lease_expires_at")]
    [InlineData("""{"agent":"nobody@1","lease_request":{"bad":["x"]},"parent_job_id":"job_x"}""", "AGENT_NOT_AVAILABLE", "nobody")]
    [InlineData("""{"agent":"echo@9","lease_request":{"bad":["x"]},"parent_job_id":"job_x"}""", "AGENT_VERSION_NOT_AVAILABLE", "9")]
    [InlineData("""{"agent":"echo@1.0.0","lease_request":{"bad":["x"]},"parent_job_id":"job_x"}""", "INVALID_REQUEST", "bad")]
    [InlineData("""{"agent":"echo@1.0.0","lease_request":{"fs.read":["x"]},"parent_job_id":"job_x"}""", "JOB_NOT_FOUND", "parent")]
    public async Task Checks_come_in_their_order(string payload, string code, string names)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync($$"""{"type":"job.submit","id":"s","payload":{{payload}} }""");

        (await client.ExpectRefusalAsync("s", code)).Message.Should().Contain(names);
    }

    [Theory]
    [InlineData("""{"agent":"echo","max_runtime_sec":0}""")]
    [InlineData("""{"agent":"echo","max_runtime_sec":-1}""")]
    [InlineData("""{"agent":"echo","lease_request":{"fs.delete":["/a"]}}""")]
    [InlineData("""{"agent":"echo","lease_request":{"x-vendor.":["/a"]}}""")]
    [InlineData("""{"agent":"echo","lease_request":{"":["/a"]}}""")]
    [InlineData("""{"agent":"echo","lease_request":{"fs.read":[""]}}""")]
    [InlineData("""{"agent":"echo","lease_request":{"fs.read":["/a"],"fs.read":["/b"]}}""")]
    [InlineData("""{"agent":"echo","lease_request":{"cost.budget":["USD:1"]}}""")]
    [InlineData("""{"agent":"echo","lease_request":{"model.use":["gpt"]}}""")]
    [InlineData("""{"agent":"echo","lease_constraints":{"expires_at":"2099-01-01T00:00:00Z"}}""")]
    [InlineData("""{"agent":"echo","parent_job_id":"job_x"}""")]
    [InlineData("""{"agent":"nobody"}""")]
    [InlineData("""{"agent":"echo@2"}""")]
    public async Task A_refused_submit_leaves_nothing(string payload)
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync();
        ArcpRuntimeStatistics before = runtime.Runtime.GetStatistics();
        int timers = clock.ActiveTimers;

        await client.SendRawAsync($$"""{"type":"job.submit","id":"s","payload":{{payload}} }""");
        await client.SkipToAsync("job.error");

        runtime.Runtime.GetStatistics().Should().Be(before);
        clock.ActiveTimers.Should().Be(timers);
        await client.ExpectQuietAsync();
        (await client.RunJobAsync("echo"))[1].EventSeq.Should().Be(1, "a refusal takes no number");
    }

    [Fact]
    public async Task A_parent_of_another_principal_is_as_unknown_as_none()
    {
        await using var runtime = new TestRuntime();
        await using WireClient alice = await runtime.OpenAsync("secret-a");
        await using WireClient bob = await runtime.OpenAsync("secret-b");
        WireFrame parent = await alice.SubmitAsync("wait");

        string id = await bob.SendAsync("job.submit", new { agent = "echo", parent_job_id = parent.JobId });
        WireFrame foreign = await bob.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        id = await bob.SendAsync("job.submit", new { agent = "echo", parent_job_id = "job_none" });
        WireFrame unknown = await bob.ExpectRefusalAsync(id, "JOB_NOT_FOUND");

        foreign.Message.Should().Be(unknown.Message);
    }

    [Fact]
    public async Task No_frame_of_a_job_comes_before_its_acceptance()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        const int jobs = 500;
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < jobs; i++)
            {
                await client.SendAsync("job.submit", new { agent = "echo", input = i }, new { id = $"s{i}" });
            }
        });

        var accepted = new List<string>();
        int ended = 0;
        while (ended < jobs)
        {
            WireFrame frame = (await client.ReceiveAsync())!;
            if (frame.Type == "job.accepted")
            {
                ((string?)frame.Json["request_id"]).Should().Be($"s{accepted.Count}", "answers come in the order of the submits");
                accepted.Add(frame.JobId!);
            }
            else
            {
                accepted.Should().Contain(frame.JobId!);
                ended += frame.IsTerminal ? 1 : 0;
            }
        }

        await sending;
    }

    [Fact]
    public async Task Of_64_outstanding_submits_a_third_refused_each_answer_pairs_with_its_request_and_each_job_has_its_own_result()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        const int outstanding = 64;
        for (int round = 0; round < 100; round++)
        {
            Task sending = Task.Run(async () =>
            {
                for (int i = 0; i < outstanding; i++)
                {
                    await client.SendAsync("job.submit", new { agent = i % 3 == 0 ? "nobody" : "echo", input = $"{round}/{i}" }, new { id = $"{round}/{i}" });
                }
            });
            var expected = new Queue<int>(Enumerable.Range(0, outstanding));
            var requestOf = new Dictionary<string, string>();
            int refused = 0;
            int ended = 0;
            while (ended + refused < outstanding)
            {
                WireFrame frame = (await client.ReceiveAsync())!;
                switch (frame.Type)
                {
                    case "job.accepted":
                        int accepted = expected.Dequeue();
                        (accepted % 3).Should().NotBe(0);
                        ((string?)frame.Json["request_id"]).Should().Be($"{round}/{accepted}");
                        requestOf.Add(frame.JobId!, $"{round}/{accepted}");
                        break;
                    case "session.error":
                        int number = expected.Dequeue();
                        (number % 3).Should().Be(0);
                        ((string?)frame.Payload["request_id"]).Should().Be($"{round}/{number}");
                        frame.Code.Should().Be("AGENT_NOT_AVAILABLE");
                        (await client.ExpectAsync("job.error")).Id.Should().Be($"{round}/{number}");
                        refused++;
                        break;
                    case "job.result":
                        ((string?)frame.Payload["result"]).Should().Be(requestOf[frame.JobId!]);
                        ended++;
                        break;
                    default:
                        frame.Type.Should().Be("job.event");
                        break;
                }
            }

            await sending;
        }

        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "14")]
    public async Task Only_so_many_jobs_run_per_principal()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.MaxRunningJobsPerPrincipal = 2);
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient bob = await runtime.OpenAsync("secret-b");
        WireFrame first = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");
        await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        string id = await client.SendAsync("job.submit", new { agent = "echo" });
        WireFrame error = await client.ExpectRefusalAsync(id, "INTERNAL_ERROR");
        error.Message.Should().Contain("running jobs per principal");
        ((bool?)error.Payload["retryable"]).Should().BeTrue();
        await bob.RunJobAsync("echo");

        await client.SendAsync("job.cancel", new { job_id = first.JobId });
        await client.SkipToAsync("job.error");
        await client.RunJobAsync("echo");
    }

    [Fact]
    public async Task A_client_that_is_told_of_its_submit_only_after_a_reconnect_is_told_all_the_same()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect(capacity: 1); // the writer is soon stuck
        await client.HelloAsync();
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync("job.submit", new { agent = i % 2 == 0 ? "echo" : "nobody" }, new { id = $"s{i}" });
        }

        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { Jobs: 10, RunningJobs: 0 }, "all submits are decided");
        await client.DisposeAsync();

        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 0);
        var answers = new List<string?>();
        int ended = 0;
        while (ended < 10)
        {
            WireFrame frame = (await again.ReceiveAsync())!;
            ended += frame.IsTerminal ? 1 : 0;
            if (frame.Type is "job.accepted" or "session.error")
            {
                answers.Add((string?)frame.Json["request_id"] ?? (string?)frame.Payload["request_id"]);
            }
        }

        // A refusal that the transport had taken before the cut is lost on the way; all the rest comes, in order, none twice.
        answers.Should().Equal(answers.OrderBy(answer => int.Parse(answer![1..], System.Globalization.CultureInfo.InvariantCulture)));
        answers.Should().OnlyHaveUniqueItems().And.BeSubsetOf(Enumerable.Range(0, 20).Select(i => $"s{i}"));
        answers.Should().Contain(Enumerable.Range(0, 10).Select(i => $"s{2 * i}"), "no acceptance is lost");
    }
}
