using System.Text.RegularExpressions;
using Arcp.Core.Transports;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "5")]
public partial class EnvelopeTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    [Fact]
    public async Task Every_frame_has_the_version_a_fresh_id_and_no_null_member()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect();
        WireFrame welcome = await client.HelloAsync("secret-a", "progress");
        List<WireFrame> frames = [welcome, .. await client.RunJobAsync("count", new { n = 5 })];
        await client.SendAsync("session.ping");
        frames.Add(await client.ExpectAsync("session.pong"));
        await client.SendAsync("job.cancel", new { job_id = frames[1].JobId });
        frames.Add(await client.ExpectAsync("job.cancelled"));
        await client.SendAsync("session.list_jobs");
        frames.Add(await client.ExpectAsync("session.error"));
        await client.SendAsync("session.close");
        frames.Add(await client.ExpectAsync("session.closed"));

        foreach (WireFrame frame in frames)
        {
            ((string?)frame.Json["arcp"]).Should().Be("1.1");
            frame.Id.Should().MatchRegex("^msg_[0-9A-HJKMNP-TV-Z]{26}$");
            frame.SessionId.Should().Be(client.SessionId);
            Nulls().IsMatch(frame.Text).Should().BeFalse("absent members are left out, in {0}", frame.Text);
        }

        frames.Select(frame => frame.Id).Should().OnlyHaveUniqueItems();
        client.SessionId.Should().MatchRegex("^sess_[0-9A-HJKMNP-TV-Z]{26}$");
        frames[1].JobId.Should().MatchRegex("^job_[0-9A-HJKMNP-TV-Z]{26}$");
    }

    [Fact]
    public async Task Timestamps_are_utc_with_milliseconds()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        List<WireFrame> frames = await client.RunJobAsync("count", new { n = 2 });
        await client.SendAsync("session.ping", new { nonce = "n" });
        WireFrame pong = await client.ExpectAsync("session.pong");

        string?[] stamps = [(string?)frames[0].Payload["accepted_at"], (string?)pong.Payload["received_at"], .. frames.Skip(1).SkipLast(1).Select(frame => (string?)frame.Payload["ts"])];
        stamps.Should().AllSatisfy(stamp => stamp.Should().MatchRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,7}Z$"));
    }

    [Theory]
    [InlineData("""{"payload":{"agent":"echo","input":7},"trace_id":null,"job_id":null,"session_id":null,"event_seq":null,"request_id":null,"id":"x","type":"job.submit","arcp":"1.1"}""")]
    [InlineData("""{"payload":{"input":7,"agent":"echo"},"type":"job.submit","id":"x"}""")]
    [InlineData("""{"type":"job.submit","id":"x","arcp":"1","payload":{"agent":"echo","input":7,"lease_request":null,"lease_constraints":null,"idempotency_key":null,"max_runtime_sec":null,"parent_job_id":null}}""")]
    [InlineData("""{"type":"job.submit","id":"x","arcp":"1.99","payload":{"agent":"echo","input":7,"later":{"a":[1,{"b":null}]}},"unknown":{"deep":[{}]},"more":null}""")]
    [InlineData("""  { "type" : "job.submit" , "id" : "x" , "payload" : { "agent" : "echo" , "input" : 7 } }  """)]
    [InlineData("""{"type":"job\u002esubmit","id":"x","payload":{"\u0061gent":"echo","input":7}}""")]
    [InlineData("""{"type":"job.submit","id":"x","arcp":null,"payload":{"agent":"echo","input":7,"lease_constraints":{"expires_at":null,"other":1}}}""")]
    public async Task Member_order_unknown_members_nulls_and_minor_versions_are_accepted(string frame)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync(frame);
        WireFrame accepted = await client.ExpectAsync("job.accepted");

        ((string?)accepted.Json["request_id"]).Should().Be("x");
        (await client.ReadJobAsync(accepted.JobId!))[^1].Raw("result").Should().Be("7");
    }

    [Theory]
    [InlineData("""{"arcp":"2.0","id":"x","type":"session.ping"}""", "x")]
    [InlineData("""{"type":"session.ping","id":"x","arcp":"2"}""", "x")]
    [InlineData("""{"arcp":"11.1","id":"x","type":"session.ping"}""", "x")]
    [InlineData("""{"arcp":"1.","id":"x","type":"session.ping"}""", "x")]
    [InlineData("""{"arcp":"","id":"x","type":"session.ping"}""", "x")]
    [InlineData("""{"arcp":1.1,"id":"x","type":"session.ping"}""", "x")]
    [InlineData("not json", null)]
    [InlineData(" ", null)]
    [InlineData("[]", null)]
    [InlineData("\"text\"", null)]
    [InlineData("null", null)]
    [InlineData("{}", null)]
    [InlineData("""{"id":"x","type":"session.ping"} {}""", "x")]
    [InlineData("""{"id":"x"}""", "x")]
    [InlineData("""{"id":"x","type":""}""", "x")]
    [InlineData("""{"id":"x","type":null}""", "x")]
    [InlineData("""{"id":"x","type":7}""", "x")]
    [InlineData("""{"id":"x","type":["session.ping"]}""", "x")]
    [InlineData("""{"id":7,"type":"session.ping"}""", null)]
    [InlineData("""{"id":"","type":"session.ping"}""", null)]
    [InlineData("""{"id":"x","type":"session.ping","session_id":7}""", "x")]
    [InlineData("""{"session_id":{},"type":"session.ping","id":"x"}""", "x")]
    [InlineData("""{"id":"x","type":"session.ping","job_id":[]}""", "x")]
    [InlineData("""{"id":"x","type":"session.ping","trace_id":7}""", "x")]
    [InlineData("""{"id":"x","type":"session.ping","event_seq":"1"}""", "x")]
    [InlineData("""{"id":"x","type":"session.ping","payload":[]}""", "x")]
    [InlineData("""{"id":"x","type":"session.ping","payload":"text"}""", "x")]
    [InlineData("""{"id":"x","type":"session.ping","payload":{"nonce":7}}""", "x")]
    [InlineData("""{"id":"x","type":"session.ack","payload":{}}""", "x")]
    [InlineData("""{"id":"x","type":"session.ack","payload":{"last_processed_seq":"1"}}""", "x")]
    [InlineData("""{"id":"x","type":"session.ack","payload":{"last_processed_seq":1.5}}""", "x")]
    public async Task A_broken_frame_is_refused_and_the_next_one_is_served_as_if_nothing_had_happened(string frame, string? id)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync(frame);
        WireFrame error = await client.ExpectAsync("session.error");

        error.Code.Should().Be("INVALID_REQUEST");
        error.SessionId.Should().Be(client.SessionId);
        ((bool?)error.Payload["retryable"]).Should().BeFalse();
        if (frame.EndsWith('}') && !frame.EndsWith("{}", StringComparison.Ordinal))
        {
            ((string?)error.Payload["request_id"]).Should().Be(id);
        }

        await client.ExpectQuietAsync();
        (await client.RunJobAsync("echo", 1))[^1].Type.Should().Be("job.result");
    }

    [Fact]
    public async Task Bytes_that_are_not_utf8_are_refused()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync([.. "{\"type\":\"session.ping\",\"id\":\""u8, 0xff, .. "\"}"u8]);

        await client.ExpectErrorAsync("INVALID_REQUEST");
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task Ids_of_128_characters_are_accepted_and_longer_ones_refused()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync("job.submit", new { agent = "echo" }, new { id = new string('ü', 128) });
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        ((string?)accepted.Json["request_id"]).Should().Be(new string('ü', 128));
        await client.ReadJobAsync(accepted.JobId!);

        await client.SendAsync("session.ping", header: new { id = new string('x', 129) });
        await client.ExpectErrorAsync("INVALID_REQUEST");
        await client.SendAsync("job.cancel", new { job_id = new string('x', 129) }, new { id = "cancel" });
        WireFrame error = await client.ExpectRefusalAsync("cancel", "INVALID_REQUEST");
        error.Message.Should().Contain("job_id");
    }

    [Theory]
    [InlineData("""{"agent":7}""", "agent")]
    [InlineData("""{"agent":null}""", "agent")]
    [InlineData("""{"input":1}""", "agent")]
    [InlineData("""{"agent":"echo","max_runtime_sec":"5"}""", "max_runtime_sec")]
    [InlineData("""{"agent":"echo","lease_request":[]}""", "lease_request")]
    [InlineData("""{"agent":"echo","lease_request":{"fs.read":"/a"}}""", "lease_request")]
    [InlineData("""{"agent":"echo","lease_request":{"fs.read":[7]}}""", "lease_request")]
    [InlineData("""{"agent":"echo","lease_constraints":{"expires_at":"tomorrow"}}""", "expires_at")]
    [InlineData("""{"agent":"echo","idempotency_key":{}}""", "idempotency_key")]
    [InlineData("""{"agent":"echo","parent_job_id":""}""", "parent_job_id")]
    [InlineData("""{"agent":"echo","agent":"echo"}""", "agent")]
    public async Task A_payload_that_breaks_its_schema_is_refused_naming_the_member_and_nothing_of_ours(string payload, string member)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync($$"""{"payload":{{payload}},"id":"s1","type":"job.submit"}""");
        WireFrame error = await client.ExpectRefusalAsync("s1", "INVALID_REQUEST");

        error.Message.Should().Contain(member).And.Contain("job.submit");
        error.Message.Should().NotContainAny("System", "Exception", "Arcp", "$.", "LineNumber", ".cs");
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
    }

    [Theory]
    [InlineData("""{"type":"job.submit","id":"s1","job_id":7,"payload":{"agent":"echo"}}""")]
    [InlineData("""{"arcp":"2.0","type":"job.submit","id":"s1","payload":{"agent":"echo"}}""")]
    [InlineData("""{"payload":{"agent":"echo"},"id":"s1","trace_id":[],"type":"job.submit"}""")]
    public async Task A_submit_with_a_broken_header_is_refused_like_any_other_submit(string frame)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync(frame);

        await client.ExpectRefusalAsync("s1", "INVALID_REQUEST");
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
    }

    [Theory]
    [InlineData("""{"type":"job.submit","id":"x","payload":{"\ud800":1}}""")]
    [InlineData("""{"type":"job.submit","id":"x","payload":{"agent":"\ud800"}}""")]
    [InlineData("""{"type":"job.submit","id":"x","payload":{"agent":7,"\udc00\ud800":1}}""")]
    [InlineData("""{"type":"job.submit","id":"x","payload":{"lease_request":{"\ud800":["a"]},"agent":"echo"}}""")]
    [InlineData("""{"type":"job.submit","id":"x","payload":{"lease_request":{"fs.read":["\ud800"]},"agent":"echo"}}""")]
    [InlineData("""{"type":"job.cancel","id":"x","payload":{"reason":"\ud800"}}""")]
    [InlineData("""{"type":"job.cancel","id":"x","payload":{"job_id":"\ud800"}}""")]
    [InlineData("""{"type":"session.ping","id":"x","payload":{"nonce":"\ud800"}}""")]
    [InlineData("""{"type":"session.ack","id":"x","payload":{"\ud800":"\ud800"}}""")]
    [InlineData("""{"type":"\ud800","id":"x"}""")]
    [InlineData("""{"type":"session.ping","id":"\ud800"}""")]
    [InlineData("""{"\ud800":1,"type":"session.ack","id":"x"}""")]
    public async Task Halves_of_surrogate_pairs_never_end_a_session(string frame)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync(frame);

        WireFrame error = await client.ExpectAsync("session.error");
        error.Code.Should().Be("INVALID_REQUEST");
        error.Message.Should().NotContainAny("UTF-16", "surrogate", "Exception");
        if (frame.Contains("\"job.", StringComparison.Ordinal))
        {
            await client.ExpectAsync("job.error");
        }

        await client.ExpectQuietAsync();
    }

    [Theory]
    [InlineData("session.future")]
    [InlineData("job.submitted")]
    [InlineData("JOB.SUBMIT")]
    [InlineData("x")]
    public async Task An_unknown_type_is_logged_and_ignored(string type)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync(type, new { agent = "echo" });

        await client.ExpectQuietAsync();
        runtime.Logs.Lines.Should().Contain(line => line.Contains($"'{type}'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("session.welcome")]
    [InlineData("session.error")]
    [InlineData("session.jobs")]
    [InlineData("session.closed")]
    [InlineData("job.accepted")]
    [InlineData("job.event")]
    [InlineData("job.result")]
    [InlineData("job.error")]
    [InlineData("job.cancelled")]
    [InlineData("job.subscribed")]
    public async Task A_type_that_only_the_runtime_sends_is_refused_and_changes_nothing(string type)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        string id = await client.SendAsync(type, new { job_id = accepted.JobId, final_status = "success", result = 1 }, new { job_id = accepted.JobId });

        await client.ExpectErrorAsync("INVALID_REQUEST", id);
        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1);
        await client.ExpectQuietAsync();
    }

    [Theory]
    [InlineData(Trace)]
    [InlineData(TraceParent)]
    public async Task A_trace_is_echoed_on_every_frame_of_the_job_as_it_arrived(string trace)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync("job.submit", new { agent = "wait" }, new { trace_id = trace });
        List<WireFrame> frames = [await client.ExpectAsync("job.accepted"), await client.ExpectAsync("job.event")];
        await client.SendAsync("job.cancel", new { job_id = frames[0].JobId });
        frames.AddRange([await client.ExpectAsync("job.cancelled"), await client.ExpectAsync("job.error")]);
        await client.SendAsync("job.subscribe", new { job_id = frames[0].JobId, from_event_seq = 0 });
        frames.AddRange([await client.ExpectAsync("job.subscribed"), await client.ExpectAsync("job.event"), await client.ExpectAsync("job.error")]);

        frames.Select(frame => frame.TraceId).Should().AllBe(trace);
        ((string?)frames[0].Payload["trace_id"]).Should().Be(trace);
        ((string?)frames[4].Payload["trace_id"]).Should().Be(trace);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("4BF92F3577B34DA6A3CE929D0E0E4736")]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e473")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e47366")]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [InlineData("")]
    [InlineData("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    public async Task An_absent_or_unparsable_trace_is_replaced_by_a_fresh_one(string? trace)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        var minted = new HashSet<string>();

        for (int i = 0; i < 3; i++)
        {
            await client.SendAsync("job.submit", new { agent = "echo" }, new { trace_id = trace });
            WireFrame accepted = await client.ExpectAsync("job.accepted");
            accepted.TraceId.Should().MatchRegex("^[0-9a-f]{32}$");
            minted.Add(accepted.TraceId!).Should().BeTrue("each job has its own");
            (await client.ReadJobAsync(accepted.JobId!)).Select(frame => frame.TraceId).Should().AllBe(accepted.TraceId);
        }
    }

    [Fact]
    public async Task A_refusal_echoes_the_trace_of_what_it_refuses()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync("job.submit", new { agent = "nobody" }, new { trace_id = Trace });
        (await client.ExpectAsync("session.error")).TraceId.Should().Be(Trace);
        (await client.ExpectAsync("job.error")).TraceId.Should().Be(Trace);
        await client.SendAsync("job.submit", new { agent = "nobody" });
        (await client.ExpectAsync("session.error")).TraceId.Should().BeNull();
        (await client.ExpectAsync("job.error")).TraceId.Should().BeNull();
        await client.SendAsync("job.result", new { }, new { trace_id = TraceParent });
        (await client.ExpectAsync("session.error")).TraceId.Should().Be(TraceParent);
    }

    [Fact]
    [Trait("Section", "4")]
    public async Task A_message_that_is_not_text_is_refused_and_the_session_lives_on()
    {
        await using var runtime = new TestRuntime();
        var binary = new TaskCompletionSource();
        await using WireClient client = runtime.Connect(wrap: inner => new BinaryOnceTransport(inner, binary.Task));
        await client.HelloAsync();

        binary.SetResult();
        await client.SendRawAsync("these bytes are binary");

        await client.ExpectErrorAsync("INVALID_REQUEST");
        await client.ExpectQuietAsync();
    }

    [Fact]
    [Trait("Section", "4")]
    public async Task A_frame_beyond_the_limit_is_refused_then_the_connection_closes_and_the_session_can_be_resumed()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.MaxFrameBytes = 2048);
        await using WireClient client = await runtime.OpenAsync();
        await client.SendAsync("session.ping", new { nonce = new string('x', 1900) });
        await client.ExpectAsync("session.pong");

        await client.SendAsync("session.ping", new { nonce = new string('x', 2100) });

        (await client.ExpectErrorAsync("INVALID_REQUEST")).Message.Should().Contain("2048");
        await client.ExpectEndAsync();
        await client.DisposeAsync();
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 0);
        again.SessionId.Should().Be(client.SessionId);
        await again.ExpectQuietAsync();
    }

    [Fact]
    [Trait("Section", "4")]
    public async Task A_frame_nested_deeper_than_64_levels_is_refused_then_the_connection_closes_and_the_session_can_be_resumed()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        static string Submit(int depth) =>
            $$$"""{"type":"job.submit","id":"d","payload":{"agent":"echo","input":{{{new string('[', depth)}}}{{{new string(']', depth)}}}}}""";

        await client.SendRawAsync(Submit(62)); // 64 with the envelope and its payload
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        (await client.ReadJobAsync(accepted.JobId!))[^1].Raw("result").Should().HaveLength(124);
        await client.SendRawAsync(Submit(63));

        (await client.ExpectAsync("session.error")).Code.Should().Be("INVALID_REQUEST");
        if (await client.ReceiveAsync() is { } twin)
        {
            twin.Type.Should().Be("job.error");
            await client.ExpectEndAsync();
        }

        await client.DisposeAsync();
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 2);
        await again.SendAsync("session.ping");
        await again.SkipToAsync("session.pong"); // the refusal of the submit may come again: no number says that it arrived
        runtime.Runtime.GetStatistics().Jobs.Should().Be(1);
    }

    [GeneratedRegex(":\\s*null")]
    private static partial Regex Nulls();

    /// <summary>Takes the first message after a moment for binary, as a WebSocket does.</summary>
    private sealed class BinaryOnceTransport(ITransport inner, Task from) : WrappedTransport(inner)
    {
        private bool _done;

        public override async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
        {
            FrameReadStatus status = await base.ReadAsync(frame, cancellationToken);
            if (status is FrameReadStatus.Frame && !_done && from.IsCompleted)
            {
                _done = true;
                frame.Clear();
                return FrameReadStatus.NotText;
            }

            return status;
        }
    }
}
