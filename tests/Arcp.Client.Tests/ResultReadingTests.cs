using System.Text;
using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Client.Tests;

/// <summary>Results that are read while they come (§8.4).</summary>
[Trait("§", "8.4")]
public sealed class ResultReadingTests : IAsyncLifetime
{
    private ArcpClient _client = null!;
    private ScriptedPeer _peer = null!;
    private JobHandle _job = null!;

    public Task InitializeAsync() => StartAsync(new(), new());

    public async Task DisposeAsync()
    {
        await _peer.DisposeAsync();
        await _client.DisposeAsync();
    }

    [Fact]
    public async Task Each_piece_is_given_out_when_it_comes_and_none_is_empty()
    {
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> pieces = _job.ReadResultAsync().GetAsyncEnumerator();
        Task<bool> next = pieces.MoveNextAsync().AsTask();
        await ChunkAsync(0, "", more: true);
        await ChunkAsync(1, "AP8=", more: true, "base64");
        (await next.Soon()).Should().BeTrue();
        pieces.Current.ToArray().Should().Equal(0, 255);
        next = pieces.MoveNextAsync().AsTask();
        await ChunkAsync(1, "AP8=", more: true, "base64"); // again
        await _peer.LogAsync("job_1", "between");
        await ChunkAsync(2, "AQ==", more: false, "base64");
        (await next.Soon()).Should().BeTrue();
        pieces.Current.ToArray().Should().Equal(1);
        next = pieces.MoveNextAsync().AsTask();
        await EndAsync(3);
        (await next.Soon()).Should().BeFalse();
        (await BytesAsync()).Should().Equal([0, 255, 1], "a later reader reads it from the beginning");
        (await _job.GetResultAsync<byte[]>().Soon()).Should().Equal(0, 255, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4096)]
    public async Task A_stream_gives_the_bytes_in_whatever_sizes_it_is_read(int size)
    {
        await ChunkAsync(0, "abc", more: true);
        await ChunkAsync(1, "", more: true);
        await using Stream stream = _job.OpenResultStream();
        var seen = new MemoryStream();
        Task copying = stream.CopyToAsync(seen, size);
        await ChunkAsync(2, "ü", more: false);
        await EndAsync(5);
        await copying.Soon();
        Encoding.UTF8.GetString(seen.ToArray()).Should().Be("abcü");
        (await stream.ReadAsync(new byte[1]).Soon()).Should().Be(0);
    }

    [Fact]
    public async Task Text_is_never_cut_inside_a_character()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("€😀ü");
        for (int i = 0; i < bytes.Length; i++)
        {
            await ChunkAsync(i, Convert.ToBase64String(bytes, i, 1), more: i < bytes.Length - 1, "base64");
        }

        await EndAsync(bytes.Length);
        (await _job.ReadResultTextAsync().ToListAsync().Soon()).Should().Equal("€", "😀", "ü");
    }

    [Fact]
    public async Task Text_that_ends_inside_a_character_ends_with_a_replacement_as_the_assembled_one_does()
    {
        await ChunkAsync(0, "YeI=", more: false, "base64");
        await EndAsync(2);
        string.Concat(await _job.ReadResultTextAsync().ToListAsync().Soon()).Should().Be("a\uFFFD").And.Be(await _job.GetResultAsync<string>().Soon());
    }

    [Theory]
    [InlineData("\"a\\nü\"", "a\nü")]
    [InlineData("{\"a\": 1}", "{\"a\": 1}")]
    [InlineData("\"\"", "")]
    [InlineData("null", "null")]
    [InlineData("\"\\ud800\"", "\"\\ud800\"")]
    public async Task An_inline_result_is_read_as_the_text_of_a_string_or_else_as_json(string json, string expected)
    {
        Task<List<string>> waiting = _job.ReadResultTextAsync().ToListAsync().AsTask();
        await _peer.ResultAsync("job_1", json);
        string.Concat(await waiting.Soon()).Should().Be(expected);
        Encoding.UTF8.GetString(await BytesAsync()).Should().Be(expected);
        using var reader = new StreamReader(_job.OpenResultStream());
        (await reader.ReadToEndAsync().Soon()).Should().Be(expected);
    }

    [Fact]
    public async Task A_job_that_fails_half_way_gives_its_error_behind_what_came_and_again_on_every_read()
    {
        await ChunkAsync(0, "half", more: true);
        await _peer.SendAsync("job.error", "\"job_id\":\"job_1\"", """{"final_status":"error","code":"BUDGET_EXHAUSTED","message":"spent"}""");
        await Throws<ArcpException>(() => _job.GetResultAsync().Soon());
        await using Stream stream = _job.OpenResultStream();
        byte[] buffer = new byte[10];
        (await stream.ReadAsync(buffer).Soon()).Should().Be(4);
        (await Throws<ArcpException>(() => stream.ReadAsync(buffer).Soon())).Code.Should().Be(ErrorCode.BudgetExhausted);
        (await Throws<ArcpException>(() => stream.ReadAsync(buffer).Soon())).Code.Should().Be(ErrorCode.BudgetExhausted, "an error never looks like an end");
    }

    [Theory]
    [InlineData(2, "x", "utf8")]
    [InlineData(0, "other", "utf8")]
    [InlineData(1, "A", "base64")]
    public async Task A_bad_chunk_fails_the_reader_behind_the_good_ones_and_no_other_job(int number, string data, string encoding)
    {
        JobHandle other = await _peer.SubmitAsync(_client, "job_2");
        await ChunkAsync(0, "good", more: true);
        await ChunkAsync(number, data, more: true, encoding);
        var seen = new List<string>();
        (await Throws<ArcpException>(async () =>
        {
            await foreach (string piece in _job.ReadResultTextAsync())
            {
                seen.Add(piece);
            }
        })).Code.Should().Be(ErrorCode.InternalError);
        seen.Should().Equal("good");
        await _peer.ResultAsync("job_2", "2");
        (await other.ReadResultTextAsync().ToListAsync().Soon()).Should().Equal("2");
    }

    [Theory]
    [InlineData("\"result_id\":\"res_1\",\"result_size\":3")]
    [InlineData("\"result_id\":\"res_2\",\"result_size\":2")]
    public async Task An_end_that_does_not_fit_what_came_fails_the_reader(string members)
    {
        await ChunkAsync(0, "ok", more: false);
        await _peer.SendAsync("job.result", "\"job_id\":\"job_1\"", $$"""{"final_status":"success",{{members}}}""");
        await using IAsyncEnumerator<string> pieces = _job.ReadResultTextAsync().GetAsyncEnumerator();
        (await pieces.MoveNextAsync().Soon()).Should().BeTrue();
        await Throws<ArcpException>(() => pieces.MoveNextAsync().Soon());
    }

    [Fact]
    public async Task Chunks_that_an_inline_result_follows_fail_who_has_read_them()
    {
        await using IAsyncEnumerator<string> pieces = _job.ReadResultTextAsync().GetAsyncEnumerator();
        await ChunkAsync(0, "ok", more: false);
        (await pieces.MoveNextAsync().Soon()).Should().BeTrue();
        await _peer.ResultAsync("job_1", "1");
        (await Throws<ArcpException>(() => pieces.MoveNextAsync().Soon())).Message.Should().Contain("followed by another result");
    }

    [Fact]
    public async Task Without_a_buffer_a_result_of_any_size_is_read_in_the_memory_of_a_few_events()
    {
        await RestartAsync(new() { MaxResultBytes = 10, MaxEventsPerJob = 4 }, new() { BufferResult = false });
        await using IAsyncEnumerator<string> quick = _job.ReadResultTextAsync().GetAsyncEnumerator();
        for (int i = 0; i < 2000; i++)
        {
            Task<bool> next = quick.MoveNextAsync().AsTask();
            await ChunkAsync(i, "0123456789", more: i < 1999);
            (await next.Soon()).Should().BeTrue();
        }

        await EndAsync(20_000);
        (await quick.MoveNextAsync().Soon()).Should().BeFalse();
        _job.Status.Should().Be(JobStatus.Success);
        await Throws<EventsDroppedException>(() => _job.ReadResultTextAsync().ToListAsync().Soon());
        await Throws<EventsDroppedException>(() => _job.GetResultAsync<string>().Soon());
    }

    [Fact]
    public async Task Without_a_buffer_the_result_is_there_as_long_as_its_chunks_are_kept()
    {
        await RestartAsync(new() { MaxEventsPerJob = 2 }, new() { BufferResult = false });
        await ChunkAsync(0, "a", more: true);
        await ChunkAsync(1, "b", more: false);
        await EndAsync(2);
        (await _job.GetResultAsync<string>().Soon()).Should().Be("ab");
        (await _job.GetOutcomeAsync().Soon()).Should().Match<JobOutcome>(outcome => outcome.IsStreamed && outcome.IsText && outcome.Summary == "done");
    }

    [Fact]
    public async Task With_a_buffer_a_late_reader_does_not_depend_on_the_events()
    {
        await RestartAsync(new() { MaxEventsPerJob = 1 }, new());
        await ChunkAsync(0, "a", more: true);
        await ChunkAsync(1, "b", more: false);
        await EndAsync(2);
        (await _job.GetResultAsync<string>().Soon()).Should().Be("ab");
        Encoding.UTF8.GetString(await BytesAsync()).Should().Be("ab");
    }

    [Fact]
    public async Task A_duplicate_that_is_older_than_what_is_remembered_fails_the_result()
    {
        for (int i = 0; i <= 1024; i++)
        {
            await ChunkAsync(i, "", more: true);
        }

        await ChunkAsync(1, "", more: true);
        await ChunkAsync(0, "", more: true);
        (await Throws<ArcpException>(() => _job.GetResultAsync().Soon())).Message.Should().Contain("chunk 0 came where chunk 1025 was due");
    }

    [Fact]
    public async Task A_read_that_is_cancelled_loses_nothing()
    {
        await using Stream stream = _job.OpenResultStream();
        using var cancel = new CancellationTokenSource();
        Task<int> reading = stream.ReadAsync(new byte[4], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Throws<OperationCanceledException>(() => reading.Soon());
        await ChunkAsync(0, "x", more: false);
        await EndAsync(1);
        byte[] buffer = new byte[4];
        (await stream.ReadAsync(buffer).Soon()).Should().Be(1);
        buffer[0].Should().Be((byte)'x');
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disposing_stream_or_view_ends_a_read(bool stream)
    {
        Stream result = _job.OpenResultStream();
        Task<int> reading = result.ReadAsync(new byte[4]).AsTask();
        await (stream ? result.DisposeAsync() : _job.DisposeAsync());
        await Throws<ObjectDisposedException>(() => reading.Soon());
        await result.DisposeAsync().Soon();
        await result.DisposeAsync().Soon();
        result.CanRead.Should().BeFalse();
        await Throws<ObjectDisposedException>(() => result.ReadAsync(new byte[4]).Soon());
    }

    [Fact]
    public async Task A_subscription_without_history_cannot_make_up_the_beginning()
    {
        Task<Subscription> subscribing = _client.SubscribeAsync(new JobId("job_9"));
        await ReconnectTests.SubscribedAsync(_peer, await _peer.ReceiveAsync("job.subscribe"), 1, replayed: false);
        Subscription subscription = await subscribing.Soon();
        await ChunkAsync(1, "b", more: false, job: "job_9");
        (await Throws<ArcpException>(() => subscription.ReadResultTextAsync().ToListAsync().Soon())).Message.Should().Contain("chunk 1 came where chunk 0 was due");
    }

    private async Task RestartAsync(ArcpClientOptions options, SubmitOptions submit)
    {
        await DisposeAsync();
        await StartAsync(options, submit);
    }

    private async Task StartAsync(ArcpClientOptions options, SubmitOptions submit)
    {
        (_client, _peer) = await ScriptedPeer.ConnectAsync(options);
        _job = await _peer.SubmitAsync(_client, "job_1", submit);
    }

    private async Task<byte[]> BytesAsync() => [.. (await _job.ReadResultAsync().ToListAsync().Soon()).SelectMany(piece => piece.ToArray())];

    private Task ChunkAsync(long number, string data, bool more, string encoding = "utf8", string job = "job_1") =>
        _peer.EventAsync(job, "result_chunk", $$"""{"result_id":"res_1","chunk_seq":{{number}},"data":"{{data}}","encoding":"{{encoding}}","more":{{(more ? "true" : "false")}}}""");

    private Task EndAsync(int size) =>
        _peer.SendAsync("job.result", "\"job_id\":\"job_1\"", $$"""{"final_status":"success","result_id":"res_1","result_size":{{size}},"summary":"done"}""");

    private static async Task<T> Throws<T>(Func<Task> act)
        where T : Exception => (await act.Should().ThrowAsync<T>()).Which;
}
