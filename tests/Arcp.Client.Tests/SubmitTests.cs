using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Client.Tests;

public sealed partial class SubmitTests
{
    [Fact]
    public async Task Options_may_be_written_as_new_behind_the_input()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo", 5, new() { IdempotencyKey = "k" });
        System.Text.Json.JsonElement submit = await peer.ReceiveAsync("job.submit");
        submit.Payload().GetRawText().Should().Be("""{"agent":"echo","input":5,"idempotency_key":"k"}""");
        await peer.AcceptAsync(submit, "job_1");
        await submitting.Soon();
        await client.DisposeAsync();
    }

    [Fact]
    [Trait("§", "7.1")]
    public async Task A_submit_carries_all_that_was_asked_for()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        _ = TraceContext.TryParse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", out TraceContext? trace);
        Task<JobHandle> submitting = client.SubmitAsync("echo", RawJson.Parse("""{"B":1.0,"a":null}"""), new SubmitOptions
        {
            Version = "2.0.0",
            IdempotencyKey = "k",
            Lease = new Lease([new("fs.read", ["/a/**"])]),
            LeaseConstraints = new LeaseConstraints { ExpiresAt = new DateTimeOffset(2026, 2, 1, 1, 0, 0, TimeSpan.FromHours(1)) },
            MaxRuntime = TimeSpan.FromSeconds(1.5),
            ParentJobId = new JobId("job_p"),
            Trace = trace,
        });
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        submit.GetProperty("session_id").GetString().Should().Be("sess_1");
        submit.Trace().Should().Be(trace!.Value);
        submit.Payload().GetRawText().Should().Be(
            """{"agent":"echo@2.0.0","input":{"B":1.0,"a":null},"lease_request":{"fs.read":["/a/**"]},"lease_constraints":{"expires_at":"2026-02-01T00:00:00.000Z"},"idempotency_key":"k","max_runtime_sec":1.5,"parent_job_id":"job_p"}""");
        await EndAsync(client, peer, submitting);
    }

    [Fact]
    [Trait("§", "7.1")]
    public async Task A_bare_submit_has_no_null_members_and_a_trace_of_its_own()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        submit.Payload().GetRawText().Should().Be("""{"agent":"echo"}""");
        submit.Trace().Should().HaveLength(32);
        await EndAsync(client, peer, submitting);
    }

    [Fact]
    public async Task Types_are_written_with_the_users_json_options_and_never_with_the_wires()
    {
        (ArcpClient web, ScriptedPeer webPeer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = web.SubmitAsync("echo", new Order(7, "x"));
        (await webPeer.ReceiveAsync()).Payload().GetProperty("input").GetRawText().Should().Be("""{"orderNumber":7,"shipTo":"x"}""");
        await EndAsync(web, webPeer, submitting);

        (ArcpClient own, ScriptedPeer ownPeer) = await ScriptedPeer.ConnectAsync(new() { JsonSerializerOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.KebabCaseUpper } });
        submitting = own.SubmitAsync("echo", new Order(7, "x"));
        (await ownPeer.ReceiveAsync()).Payload().GetProperty("input").GetRawText().Should().Be("""{"ORDER-NUMBER":7,"SHIP-TO":"x"}""");
        await EndAsync(own, ownPeer, submitting);

        (ArcpClient aot, ScriptedPeer aotPeer) = await ScriptedPeer.ConnectAsync();
        submitting = aot.SubmitAsync("echo", new Order(7, "x"), OrderContext.Default.Order);
        (await aotPeer.ReceiveAsync()).Payload().GetProperty("input").GetRawText().Should().Be("""{"OrderNumber":7,"ShipTo":"x"}""");
        await EndAsync(aot, aotPeer, submitting);
    }

    [Fact]
    [Trait("§", "7.1")]
    public async Task The_handle_shows_what_was_accepted()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement submit = await peer.ReceiveAsync();
        await peer.SendAsync("job.accepted", $"\"id\":\"a\",\"trace_id\":\"{submit.Trace()}\"", $$"""
            {"job_id":"job_1","request_id":"{{submit.Id()}}","agent":"echo@1.0.0","lease":{"tool.call":["x"]},"lease_constraints":{"expires_at":"2026-03-01T00:00:00Z"},
             "budget":{"USD":2.50},"credentials":[{"id":"cred_1","scheme":"bearer","value":"v"}],"accepted_at":"2026-01-31T13:00:00.000+01:00","parent_job_id":null}
            """);
        JobHandle job = await submitting.Soon();
        job.Id.Should().Be(new JobId("job_1"));
        job.Agent.Should().Be("echo@1.0.0");
        job.Lease["tool.call"].Should().Equal("x");
        job.LeaseConstraints!.ExpiresAt!.Value.Month.Should().Be(3);
        job.Budget!["USD"].Should().Be(2.50m);
        job.Credentials.Should().ContainSingle().Which.Value.Should().Be("v");
        job.AcceptedAt!.Value.UtcDateTime.Hour.Should().Be(12);
        job.ParentJobId.Should().BeNull();
        job.Trace!.Value.Should().Be(submit.Trace());
        job.Status.Should().Be(JobStatus.Pending);
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    [Trait("§", "7.5")]
    public async Task A_version_without_agent_versions_is_refused_before_it_is_sent()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(welcome: """{"type":"session.welcome","session_id":"s","payload":{}}""");
        (await Throws<ArcpException>(() => client.SubmitAsync("echo", options: new SubmitOptions { Version = "1" }))).Code.Should().Be(ErrorCode.InvalidRequest);
        (await Throws<ArcpException>(() => client.SubmitAsync("echo@1"))).Message.Should().Contain("agent_versions");
        Task<JobHandle> bare = client.SubmitAsync("echo");
        (await peer.ReceiveAsync()).Payload().GetProperty("agent").GetString().Should().Be("echo");
        await EndAsync(client, peer, bare);
    }

    [Fact]
    public async Task Arguments_that_cannot_work_are_refused_before_anything_is_sent()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await Throws<ArgumentException>(() => client.SubmitAsync(""));
        await Throws<ArgumentException>(() => client.SubmitAsync("echo@1", options: new SubmitOptions { Version = "1" }));
        await Throws<ArgumentOutOfRangeException>(() => client.SubmitAsync("echo", options: new SubmitOptions { MaxRuntime = TimeSpan.Zero }));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Throws<OperationCanceledException>(() => client.SubmitAsync("echo", cancellationToken: cancelled.Token));
        Task<JobHandle> submitting = client.SubmitAsync("first");
        (await peer.ReceiveAsync()).Payload().GetProperty("agent").GetString().Should().Be("first");
        await EndAsync(client, peer, submitting);
    }

    [Fact]
    public async Task A_submit_without_an_answer_ends_at_the_time_out_and_its_late_answer_is_nobody_elses()
    {
        var clock = new ManualClock();
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { TimeProvider = clock, RequestTimeout = TimeSpan.FromSeconds(20) });
        Task<JobHandle> first = client.SubmitAsync("echo");
        await peer.ReceiveAsync("job.submit");
        clock.Advance(TimeSpan.FromSeconds(19.9));
        first.IsCompleted.Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(0.2));
        await Throws<TimeoutException>(() => first.Soon());

        Task<JobHandle> second = client.SubmitAsync("echo");
        await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.accepted", "\"id\":\"a1\"", """{"job_id":"late"}""");
        await peer.SendAsync("job.accepted", "\"id\":\"a2\"", """{"job_id":"mine"}""");
        (await second.Soon()).Id.Value.Should().Be("mine");
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_cancelled_submit_ends_at_once_and_what_is_still_queued_is_never_sent()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        using var cancel = new CancellationTokenSource();
        Task<JobHandle> first = client.SubmitAsync("first");
        JsonElement firstFrame = await peer.ReceiveAsync("job.submit");
        Task<JobHandle> waiting = client.SubmitAsync("never", cancellationToken: cancel.Token); // waits for its turn
        await cancel.CancelAsync();
        (await Throws<OperationCanceledException>(() => waiting.Soon())).CancellationToken.Should().Be(cancel.Token);
        await peer.AcceptAsync(firstFrame, "job_1");
        await first.Soon();
        Task<JobHandle> third = client.SubmitAsync("third");
        (await peer.ReceiveAsync()).Payload().GetProperty("agent").GetString().Should().Be("third");
        await EndAsync(client, peer, third);
    }

    private static async Task<T> Throws<T>(Func<Task> act)
        where T : Exception => (await act.Should().ThrowAsync<T>()).Which;

    private static async Task EndAsync(ArcpClient client, ScriptedPeer peer, Task<JobHandle> submitting)
    {
        await peer.DisposeAsync();
        await Throws<ArcpConnectionException>(() => submitting.Soon());
        await client.DisposeAsync();
    }

    internal sealed record Order(int OrderNumber, string ShipTo);

    [JsonSerializable(typeof(Order))]
    internal sealed partial class OrderContext : JsonSerializerContext;
}
