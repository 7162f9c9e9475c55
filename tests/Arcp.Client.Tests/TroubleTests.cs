using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Ids;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>Every request and every kind of trouble with its answer: how it ends, and that it ends in time. Whatever happened, the client is of use afterwards.</summary>
[Trait("§", "CL")]
public sealed class TroubleTests
{
    private const string Refusal = """{"code":"PERMISSION_DENIED","message":"no","final_status":"error"}""";

    private readonly ManualClock _clock = new();
    private readonly ScriptedNetwork _network = new();
    private ArcpClient _client = null!;
    private ScriptedPeer _peer = null!;

    // The trouble: silence, the answer twice, the answers of two requests swapped, an answer that cannot be read,
    // the connection cut before or behind the answer, a refusal, the client closed.
    public static TheoryData<string, string, string> Cells()
    {
        (string Request, string[] Outcomes)[] table =
        [
            // silent, twice, swapped, malformed, cut before, cut behind, refused, closed
            ("submit", ["time-out", "result", "result", "INTERNAL_ERROR", "unknown", "result", "PERMISSION_DENIED", "unknown"]),
            ("submit with key", ["time-out", "result", "result", "INTERNAL_ERROR", "result", "result", "PERMISSION_DENIED", "unknown"]),
            ("cancel", ["time-out", "result", "result", "time-out", "result", "result", "PERMISSION_DENIED", "unknown"]),
            ("subscribe", ["time-out", "result", "result", "INTERNAL_ERROR", "result", "result", "PERMISSION_DENIED", "unknown"]),
            ("list", ["time-out", "result", "result", "INTERNAL_ERROR", "result", "result", "PERMISSION_DENIED", "unknown"]),
        ];
        string[] troubles = ["silent", "twice", "swapped", "malformed", "cut before", "cut behind", "refused", "closed"];
        var cells = new TheoryData<string, string, string>();
        foreach ((string request, string[] outcomes) in table)
        {
            for (int i = 0; i < troubles.Length; i++)
            {
                cells.Add(request, troubles[i], outcomes[i]);
            }
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task A_request_ends_as_documented_and_in_time(string request, string trouble, string expected)
    {
        ArcpClientOptions options = ScriptedNetwork.Options(_clock);
        options.Features = FeatureNames.All & ~Features.Heartbeat;
        (_client, _peer) = await _network.ConnectAsync(options);
        JobHandle[] jobs = [await _peer.SubmitAsync(_client, "job_1"), await _peer.SubmitAsync(_client, "job_2")];
        Task<string> outcome = OutcomeAsync(Start(request, jobs[0]));
        JsonElement frame = await _peer.ReceiveAsync();
        Task? wait = null;
        switch (trouble)
        {
            case "silent":
                wait = TimeOutAsync(outcome);
                break;
            case "twice":
                await AnswerAsync(frame, 1);
                await AnswerAsync(frame, 1);
                break;
            case "swapped":
                Task<string> second = OutcomeAsync(Start(request, jobs[1]));
                await AnswerAsync(await _peer.ReceiveAsync(), 2);
                (await second.Soon()).Should().Be("result");
                outcome.IsCompleted.Should().BeFalse("the answer was another request's");
                await AnswerAsync(frame, 1);
                break;
            case "malformed":
                await AnswerAsync(frame, 1, malformed: true);
                wait = expected == "time-out" ? TimeOutAsync(outcome) : null;
                break;
            case "cut before":
                await _peer.DisposeAsync();
                _peer = await _network.WelcomeAsync("sess_1", "t2", clock: _clock);
                JsonElement again = await _peer.ReceiveAsync();
                if (again.Type() == "session.ping")
                {
                    await _peer.SendAsync("session.pong", "\"id\":\"p\"", $$"""{"ping_nonce":"{{again.Payload().GetProperty("nonce").GetString()}}"}""");
                    break;
                }

                again.Id().Should().Be(frame.Id());
                await AnswerAsync(again, 1);
                break;
            case "cut behind":
                await AnswerAsync(frame, 1);
                (await outcome.Soon()).Should().Be(expected);
                await _peer.DisposeAsync();
                _peer = await _network.WelcomeAsync("sess_1", "t2", clock: _clock);
                break;
            case "refused":
                await _peer.SendAsync("session.error", $"\"request_id\":\"{frame.Id()}\"", Refusal);
                await _peer.SendAsync("job.error", $"\"id\":\"{frame.Id()}\"", Refusal);
                break;
            case "closed":
                Task closing = _client.CloseAsync();
                await _peer.ReceiveAsync("session.close");
                await _peer.CloseAsync();
                (await outcome.Soon()).Should().Be(expected);
                await closing.Soon();
                return;
        }

        await (wait ?? Task.CompletedTask).Soon();
        (await outcome.Soon()).Should().Be(expected);
        if (trouble is "silent" or "malformed" || expected == "unknown")
        {
            await AnswerAsync(frame, 1); // too late, and nobody else's
        }

        await IsOfUseAsync();
        _client.Counts.Requests.Should().Be(0);
        await EndAsync(_client, _peer);
    }

    [Theory]
    [InlineData("silent", "connection")]
    [InlineData("twice", "result")]
    [InlineData("malformed", "connection")]
    [InlineData("cut before", "connection")]
    [InlineData("cut behind", "result")]
    [InlineData("refused", "PERMISSION_DENIED")]
    public async Task A_connect_ends_as_documented_and_in_time(string trouble, string expected)
    {
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(_network.DialAsync, ScriptedNetwork.Options(_clock));
        Task<string> outcome = OutcomeAsync(connecting);
        _peer = await _network.PickUpAsync();
        await _peer.ReceiveAsync("session.hello");
        string welcome = ScriptedNetwork.Welcome("sess_1", "t1");
        switch (trouble)
        {
            case "silent":
                _clock.Advance(TimeSpan.FromSeconds(9.9));
                outcome.IsCompleted.Should().BeFalse();
                _clock.Advance(TimeSpan.FromSeconds(0.2));
                break;
            case "twice":
                await _peer.SendAsync(welcome);
                await _peer.SendAsync(welcome);
                break;
            case "malformed":
                await _peer.SendAsync("session.welcome", "", """{"capabilities":7}""");
                break;
            case "cut before":
                await _peer.DisposeAsync();
                break;
            case "cut behind":
                await _peer.SendAsync(welcome);
                await connecting.Soon();
                await _peer.DisposeAsync();
                _peer = await _network.WelcomeAsync("sess_1", "t2");
                break;
            case "refused":
                await _peer.SendAsync("session.error", "\"id\":\"e\"", Refusal);
                break;
        }

        (await outcome.Soon()).Should().Be(expected);
        if (expected == "result")
        {
            _client = await connecting;
            await IsOfUseAsync();
            await EndAsync(_client, _peer);
        }
    }

    [Theory]
    [InlineData("silent", false)]
    [InlineData("twice", true)]
    [InlineData("malformed", true)]
    [InlineData("cut before", true)]
    [InlineData("refused", true)]
    public async Task A_close_always_succeeds_and_at_the_latest_at_its_time_out(string trouble, bool isPrompt)
    {
        (_client, _peer) = await _network.ConnectAsync(ScriptedNetwork.Options(_clock));
        Task closing = _client.CloseAsync();
        JsonElement frame = await _peer.ReceiveAsync("session.close");
        switch (trouble)
        {
            case "twice":
                await _peer.SendAsync("session.closed", "\"id\":\"c\"", "{}");
                await _peer.SendAsync("session.closed", "\"id\":\"c\"", "{}");
                break;
            case "malformed":
                await _peer.SendAsync("session.closed", "\"id\":\"c\"", """{"reason":7}""");
                await _peer.CloseAsync();
                break;
            case "cut before":
                await _peer.DisposeAsync();
                break;
            case "refused":
                await _peer.SendAsync("session.error", $"\"request_id\":\"{frame.Id()}\"", Refusal);
                await _peer.ReceiveAsync("session.bye");
                await _peer.CloseAsync();
                break;
        }

        if (trouble is "twice")
        {
            await _peer.CloseAsync();
        }

        if (!isPrompt)
        {
            _clock.Advance(TimeSpan.FromSeconds(1.9));
            closing.IsCompleted.Should().BeFalse();
            _clock.Advance(TimeSpan.FromSeconds(0.2));
            await Bounded.UntilAsync(() =>
            {
                _clock.Advance(TimeSpan.FromSeconds(0.5)); // the transport gets as long again
                return closing.IsCompleted;
            });
        }

        await closing.Soon();
        _client.State.Status.Should().Be(ConnectionStatus.Closed);
        _network.Dials.Should().Be(1);
    }

    [Theory]
    [InlineData("silent")]
    [InlineData("cut before")]
    [InlineData("refused")]
    public async Task An_unsubscribe_asks_for_no_answer_and_no_trouble_with_it_is_anybodys(string trouble)
    {
        (_client, _peer) = await _network.ConnectAsync(ScriptedNetwork.Options(_clock));
        Task<Subscription> subscribing = _client.SubscribeAsync(new("job_3"));
        await AnswerAsync(await _peer.ReceiveAsync("job.subscribe"), 3);
        await (await subscribing.Soon()).DisposeAsync().Soon();
        JsonElement frame = await _peer.ReceiveAsync("job.unsubscribe");
        switch (trouble)
        {
            case "cut before":
                _peer = await _network.ReconnectAsync(_peer, "sess_1", "t2");
                break;
            case "refused":
                await _peer.SendAsync("session.error", $"\"request_id\":\"{frame.Id()}\"", Refusal);
                break;
        }

        await IsOfUseAsync();
        _client.Counts.Should().Be((0, 0));
        await EndAsync(_client, _peer);
    }

    private static async Task<string> OutcomeAsync(Task request)
    {
        try
        {
            await request;
            return "result";
        }
        catch (ArcpException e)
        {
            return e.Code.Value;
        }
        catch (ArcpConnectionException e)
        {
            return e.IsOutcomeUnknown ? "unknown" : "connection";
        }
        catch (TimeoutException)
        {
            return "time-out";
        }
    }

    private Task Start(string request, JobHandle job) => request switch
    {
        "submit" => _client.SubmitAsync("echo"),
        "submit with key" => _client.SubmitAsync("echo", options: new() { IdempotencyKey = "k" }),
        "cancel" => job.CancelAsync(),
        "subscribe" => _client.SubscribeAsync(new JobId($"job_3{job.Id}")),
        _ => _client.ListJobsAsync().ToListAsync().AsTask(),
    };

    private Task AnswerAsync(JsonElement frame, int job, bool malformed = false)
    {
        string to = $"\"request_id\":\"{frame.Id()}\"";
        return (frame.Type(), malformed) switch
        {
            ("job.submit", false) => _peer.AcceptAsync(frame, $"job_1{job}"),
            ("job.submit", true) => _peer.SendAsync("job.accepted", to, """{"job_id":7}"""),
            ("job.cancel", false) => _peer.SendAsync("job.error", $"\"job_id\":\"job_{job}\"", """{"final_status":"cancelled","code":"CANCELLED","message":"m"}"""),
            ("job.cancel", true) => _peer.SendAsync("job.cancelled", to, """{"job_id":7}"""),
            ("job.subscribe", false) => SubscribedAsync(_peer, frame, 0, replayed: false),
            ("job.subscribe", true) => _peer.SendAsync("job.subscribed", to, """{"job_id":7}"""),
            (_, false) => _peer.SendAsync("session.jobs", to, """{"jobs":[],"next_cursor":null}"""),
            (_, true) => _peer.SendAsync("session.jobs", to, """{"jobs":7}"""),
        };
    }

    private async Task TimeOutAsync(Task outcome)
    {
        _clock.Advance(TimeSpan.FromSeconds(59.9));
        outcome.IsCompleted.Should().BeFalse();
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        await outcome;
    }

    private async Task IsOfUseAsync()
    {
        Task<JobHandle> submitting = _client.SubmitAsync("echo");
        JsonElement frame;
        do
        {
            frame = await _peer.ReceiveAsync();
        }
        while (frame.Type() != "job.submit");
        await _peer.AcceptAsync(frame, "job_9");
        JobHandle job = await submitting.Soon();
        await _peer.ResultAsync("job_9", "9");
        (await job.GetResultAsync<int>().Soon()).Should().Be(9);
        await job.DisposeAsync();
    }
}
