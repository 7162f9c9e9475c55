using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Messages;

namespace Arcp.Client.Tests;

public sealed partial class JobHandleTests : IAsyncLifetime
{
    private ArcpClient _client = null!;
    private ScriptedPeer _peer = null!;
    private JobHandle _job = null!;

    public async Task InitializeAsync()
    {
        (_client, _peer) = await ScriptedPeer.ConnectAsync(new() { MaxResultBytes = 100 });
        _job = await _peer.SubmitAsync(_client, "job_1");
    }

    public async Task DisposeAsync()
    {
        await _peer.DisposeAsync();
        await _client.DisposeAsync();
    }

    [Fact]
    [Trait("§", "8.2")]
    public async Task Every_kind_of_event_comes_as_its_record_and_unknown_ones_raw()
    {
        await _peer.EventAsync("job_1", "status", """{"phase":"running"}""");
        await _peer.EventAsync("job_1", "progress", """{"current":1,"total":2}""");
        await _peer.EventAsync("job_1", "x-vendor.acme", """{"b":1,"a":2}""");
        await _peer.EventAsync("job_1", "brand_new", "[1]");
        await _peer.EventAsync("job_1", "log", """{"level":7}""");
        await _peer.ResultAsync("job_1", "null");
        List<JobEvent> events = await _job.Events.ToListAsync().Soon();
        events.Select(entry => entry.Body.GetType()).Should().Equal(
            typeof(StatusEvent), typeof(ProgressEvent), typeof(RawEvent), typeof(RawEvent), typeof(RawEvent));
        ((RawEvent)events[2].Body).Body.ToString().Should().Be("""{"b":1,"a":2}""");
        events[3].Kind.Should().Be("brand_new");
        (await _job.GetResultAsync().Soon()).IsNull.Should().BeTrue();
    }

    [Fact]
    public async Task Every_consumer_sees_all_events_in_order_however_late_it_starts()
    {
        Task<List<JobEvent>> early = _job.Events.ToListAsync().AsTask();
        for (int i = 0; i < 500; i++)
        {
            await _peer.LogAsync("job_1", $"{i}");
        }

        Task<List<JobEvent>> middle = _job.Events.ToListAsync().AsTask();
        for (int i = 500; i < 1000; i++)
        {
            await _peer.LogAsync("job_1", $"{i}");
        }

        await _peer.ResultAsync("job_1", "1");
        await _job.GetResultAsync().Soon();
        List<JobEvent> late = await _job.Events.ToListAsync().Soon();
        string[] expected = [.. Enumerable.Range(0, 1000).Select(i => $"{i}")];
        foreach (List<JobEvent> seen in new[] { await early.Soon(), await middle.Soon(), late })
        {
            seen.Select(entry => ((LogEvent)entry.Body).Message).Should().Equal(expected);
        }
    }

    [Fact]
    public async Task An_event_is_seen_while_the_job_runs()
    {
        await using IAsyncEnumerator<JobEvent> events = _job.Events.GetAsyncEnumerator();
        ValueTask<bool> next = events.MoveNextAsync();
        next.IsCompleted.Should().BeFalse();
        await _peer.LogAsync("job_1", "now");
        (await next.Soon()).Should().BeTrue();
        _job.Status.Should().Be(JobStatus.Running);
    }

    [Fact]
    [Trait("§", "6.4")]
    public async Task A_consumer_that_stands_still_holds_up_neither_pings_nor_other_jobs()
    {
        JobHandle other = await _peer.SubmitAsync(_client, "job_2");
        await using IAsyncEnumerator<JobEvent> stuck = _job.Events.GetAsyncEnumerator();
        for (int i = 0; i < 20_000; i++)
        {
            await _peer.LogAsync("job_1", "x");
        }

        (await stuck.MoveNextAsync().Soon()).Should().BeTrue(); // and reads no further
        await _peer.SendAsync("session.ping", "\"id\":\"p\"", """{"nonce":"still there"}""");
        JsonElement pong = await _peer.ReceiveAsync("session.pong");
        pong.Payload().GetProperty("ping_nonce").GetString().Should().Be("still there");
        pong.Payload().GetProperty("received_at").GetString().Should().EndWith("Z");
        pong.GetProperty("session_id").GetString().Should().Be("sess_1");
        await _peer.ResultAsync("job_2", "2");
        (await other.GetResultAsync().Soon()).ToString().Should().Be("2");
    }

    [Fact]
    public async Task A_result_is_read_as_json_as_a_type_and_with_a_contract()
    {
        Task<Report> waiting = _job.GetResultAsync<Report>();
        await _peer.SendAsync("job.result", "\"job_id\":\"job_1\"", """{"final_status":"success","output":{"pageCount":3},"summary":"done"}""");
        (await waiting.Soon()).PageCount.Should().Be(3);
        (await _job.GetResultAsync().Soon()).ToString().Should().Be("""{"pageCount":3}""");
        (await _job.GetResultAsync(ReportContext.Default.Report).Soon()).PageCount.Should().Be(3);
        JobOutcome outcome = await _job.GetOutcomeAsync().Soon();
        outcome.Summary.Should().Be("done");
        outcome.IsStreamed.Should().BeFalse();
        Encoding.UTF8.GetString(outcome.Bytes.Span).Should().Be("""{"pageCount":3}""");
        await Throws<JsonException>(() => _job.GetResultAsync<int>().Soon());
        _job.Status.Should().Be(JobStatus.Success);
    }

    [Fact]
    [Trait("§", "12")]
    public async Task A_failed_job_gives_each_waiter_one_error_with_all_that_the_runtime_said()
    {
        Task<RawJson> first = _job.GetResultAsync();
        Task<RawJson> second = _job.GetResultAsync();
        await _peer.SendAsync("job.error", "\"job_id\":\"job_1\"", """{"final_status":"error","code":"THEIR_OWN","message":"bad luck","retryable":true,"details":{"x":1}}""");
        ArcpException error = await Throws<ArcpException>(() => first.Soon());
        error.Code.Value.Should().Be("THEIR_OWN");
        error.Message.Should().Be("bad luck");
        error.Retryable.Should().BeTrue();
        error.Details!.ToString().Should().Be("""{"x":1}""");
        (await Throws<ArcpException>(() => second.Soon())).Should().NotBeSameAs(error);
        (await _job.Events.ToListAsync().Soon()).Should().BeEmpty("the events end with the job");
        _job.Status.Should().Be(JobStatus.Error);
    }

    [Fact]
    [Trait("§", "7.3")]
    public async Task Nothing_counts_after_the_first_terminal()
    {
        await _peer.ResultAsync("job_1", "1");
        await _peer.LogAsync("job_1", "late");
        await _peer.SendAsync("job.error", "\"job_id\":\"job_1\"", """{"final_status":"error","code":"TIMEOUT","message":"late"}""");
        await _peer.ResultAsync("job_1", "2");
        JobHandle next = await _peer.SubmitAsync(_client, "job_2"); // all of it has been read
        (await _job.GetResultAsync().Soon()).ToString().Should().Be("1");
        (await _job.Events.ToListAsync().Soon()).Should().BeEmpty();
        _job.Status.Should().Be(JobStatus.Success);
        next.Status.Should().Be(JobStatus.Pending);
    }

    [Theory]
    [InlineData("job.result", """{"result":1,"result_size":"x"}""")]
    [InlineData("job.error", """{"code":7}""")]
    public async Task A_terminal_that_cannot_be_read_ends_the_job_all_the_same(string type, string payload)
    {
        await _peer.SendAsync(type, "\"job_id\":\"job_1\"", payload);
        ArcpException error = await Throws<ArcpException>(() => _job.GetResultAsync().Soon());
        error.Code.Should().Be(ErrorCode.InternalError);
        error.Retryable.Should().BeFalse();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [Trait("§", "7.4")]
    public async Task A_cancel_is_done_when_the_terminal_arrives(bool announcedBefore, bool announcedAfter)
    {
        Task<JobStatus> cancelling = _job.CancelAsync("enough");
        JsonElement cancel = await _peer.ReceiveAsync("job.cancel");
        cancel.GetProperty("job_id").GetString().Should().Be("job_1");
        cancel.Payload().GetRawText().Should().Be("""{"job_id":"job_1","reason":"enough"}""");
        if (announcedBefore)
        {
            await _peer.SendAsync("job.cancelled", "\"job_id\":\"job_1\"", """{"job_id":"job_1"}""");
            await PingAsync();
            cancelling.IsCompleted.Should().BeFalse();
        }

        await _peer.SendAsync("job.error", $"\"job_id\":\"job_1\",\"request_id\":\"{cancel.Id()}\"", """{"final_status":"cancelled","code":"CANCELLED","message":"enough"}""");
        if (announcedAfter)
        {
            await _peer.SendAsync("job.cancelled", "\"job_id\":\"job_1\"", """{"job_id":"job_1"}""");
        }

        (await cancelling.Soon()).Should().Be(JobStatus.Cancelled);
        (await Throws<ArcpException>(() => _job.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.Cancelled);
        (await _job.CancelAsync().Soon()).Should().Be(JobStatus.Cancelled, "a job that has ended is not asked again");
    }

    [Theory]
    [InlineData("session.error", "\"request_id\":\"<id>\"")]
    [InlineData("session.error", "\"id\":\"e\"")]
    [InlineData("session.error", "\"id\":\"e\",\"job_id\":\"job_1\"")]
    [InlineData("job.error", "\"id\":\"<id>\"")]
    [InlineData("job.error", "\"id\":\"<id>\",\"job_id\":\"job_1\"")]
    [Trait("§", "7.4")]
    public async Task A_refused_cancel_fails_alone_and_the_job_runs_on(string type, string members)
    {
        Task<JobStatus> cancelling = _job.CancelAsync();
        JsonElement cancel = await _peer.ReceiveAsync("job.cancel");
        await _peer.SendAsync(type, members.Replace("<id>", cancel.Id(), StringComparison.Ordinal), """{"code":"PERMISSION_DENIED","message":"not yours"}""");
        (await Throws<ArcpException>(() => cancelling.Soon())).Code.Should().Be(ErrorCode.PermissionDenied);
        await _peer.ResultAsync("job_1", "1");
        (await _job.GetResultAsync().Soon()).ToString().Should().Be("1");
    }

    [Fact]
    [Trait("§", "7.4")]
    public async Task A_cancel_that_loses_the_race_says_how_the_job_ended_and_its_late_refusal_hits_nobody()
    {
        Task<JobStatus> cancelling = _job.CancelAsync();
        JsonElement cancel = await _peer.ReceiveAsync("job.cancel");
        await _peer.ResultAsync("job_1", "1");
        (await cancelling.Soon()).Should().Be(JobStatus.Success);

        Task<JobHandle> submitting = _client.SubmitAsync("echo");
        JsonElement submit = await _peer.ReceiveAsync("job.submit");
        await _peer.SendAsync("session.error", $"\"request_id\":\"{cancel.Id()}\"", """{"code":"JOB_NOT_FOUND","message":"gone"}""");
        await _peer.SendAsync("job.error", $"\"id\":\"{cancel.Id()}\"", """{"code":"JOB_NOT_FOUND","message":"gone"}""");
        await _peer.AcceptAsync(submit, "job_2");
        (await submitting.Soon()).Id.Value.Should().Be("job_2");
    }

    [Fact]
    public async Task Disposing_stops_listening_ends_every_waiter_and_does_not_cancel()
    {
        Task<RawJson> result = _job.GetResultAsync();
        Task<List<JobEvent>> events = _job.Events.ToListAsync().AsTask();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await _job.DisposeAsync()))).Soon();
        await Throws<ObjectDisposedException>(() => result.Soon());
        await Throws<ObjectDisposedException>(() => events.Soon());
        await Throws<ObjectDisposedException>(() => _job.GetResultAsync().Soon());
        await Throws<ObjectDisposedException>(() => _job.Events.ToListAsync().Soon());

        await PingAsync(); // the pong is the next frame: no cancel was sent
        await _peer.LogAsync("job_1", "unheard");
        await _peer.ResultAsync("job_1", "1");
        JobHandle next = await _peer.SubmitAsync(_client, "job_2");
        next.Id.Value.Should().Be("job_2");
    }

    [Fact]
    public async Task A_result_that_is_known_outlives_the_handle()
    {
        await _peer.ResultAsync("job_1", "1");
        await _job.GetResultAsync().Soon();
        await _job.DisposeAsync();
        (await _job.GetResultAsync().Soon()).ToString().Should().Be("1");
    }

    [Fact]
    public async Task Cancelling_a_wait_leaves_the_job_alone()
    {
        using var cancel = new CancellationTokenSource();
        Task<RawJson> result = _job.GetResultAsync(cancel.Token);
        Task<List<JobEvent>> events = _job.Events.ToListAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Throws<OperationCanceledException>(() => result.Soon());
        await Throws<OperationCanceledException>(() => events.Soon());
        await _peer.ResultAsync("job_1", "1");
        (await _job.GetResultAsync().Soon()).ToString().Should().Be("1");
    }

    private async Task PingAsync()
    {
        await _peer.SendAsync("session.ping", "\"id\":\"p\"", """{"nonce":"n"}""");
        await _peer.ReceiveAsync("session.pong");
    }

    private static async Task<T> Throws<T>(Func<Task> act)
        where T : Exception => (await act.Should().ThrowAsync<T>()).Which;

    internal sealed record Report(int PageCount);

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    [JsonSerializable(typeof(Report))]
    internal sealed partial class ReportContext : JsonSerializerContext;
}
