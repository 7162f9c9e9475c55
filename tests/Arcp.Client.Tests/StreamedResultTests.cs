using Arcp.Core;
using Arcp.Core.Events;

namespace Arcp.Client.Tests;

[Trait("§", "8.4")]
public sealed class StreamedResultTests : IAsyncLifetime
{
    private ArcpClient _client = null!;
    private ScriptedPeer _peer = null!;
    private JobHandle _job = null!;
    private JobHandle _other = null!;

    public async Task InitializeAsync()
    {
        (_client, _peer) = await ScriptedPeer.ConnectAsync(new() { MaxResultBytes = 64 });
        _job = await _peer.SubmitAsync(_client, "job_1");
        _other = await _peer.SubmitAsync(_client, "job_2");
    }

    public async Task DisposeAsync()
    {
        await _peer.DisposeAsync();
        await _client.DisposeAsync();
    }

    [Fact]
    public async Task Text_chunks_make_one_text()
    {
        await ChunkAsync(0, "{\\\"name\\\":", more: true);
        await ChunkAsync(1, "\\\"ü\\\"}", more: false);
        await EndAsync(13);
        (await _job.GetResultAsync<string>().Soon()).Should().Be("""{"name":"ü"}""");
        (await _job.GetResultAsync<Named>().Soon()).Name.Should().Be("ü");
        (await _job.GetResultAsync().Soon()).Deserialize<string>().Should().Be("""{"name":"ü"}""");
        (await _job.GetOutcomeAsync().Soon()).Should().Match<JobOutcome>(outcome => outcome.IsStreamed && outcome.IsText && outcome.Summary == "done");
        (await _job.Events.ToListAsync().Soon()).Select(entry => entry.Body).Should().AllBeOfType<ResultChunkEvent>().And.HaveCount(2);
    }

    [Fact]
    public async Task Base64_chunks_make_bytes()
    {
        await ChunkAsync(0, "AP8=", more: true, "base64");
        await ChunkAsync(1, "AQ==", more: false, "base64");
        await EndAsync(3);
        (await _job.GetResultAsync<byte[]>().Soon()).Should().Equal(0, 255, 1);
        (await _job.GetResultAsync().Soon()).ToString().Should().Be("\"AP8B\"");
        (await _job.GetOutcomeAsync().Soon()).IsText.Should().BeFalse();
    }

    [Fact]
    public async Task An_identical_duplicate_is_tolerated()
    {
        await ChunkAsync(0, "a", more: true);
        await ChunkAsync(0, "a", more: true);
        await ChunkAsync(1, "b", more: false);
        await ChunkAsync(0, "a", more: true);
        await ChunkAsync(1, "b", more: false);
        await EndAsync(2);
        (await _job.GetResultAsync<string>().Soon()).Should().Be("ab");
    }

    [Theory]
    [InlineData("first", "x", 1, "a", "utf8", true)]
    [InlineData("gap", "res_1", 2, "a", "utf8", true)]
    [InlineData("negative", "res_1", -1, "a", "utf8", true)]
    [InlineData("other content", "res_1", 0, "b", "utf8", true)]
    [InlineData("other more", "res_1", 0, "ok", "utf8", false)]
    [InlineData("other result", "res_2", 1, "a", "utf8", true)]
    [InlineData("other encoding", "res_1", 1, "a", "utf16", true)]
    [InlineData("bad base64", "res_1", 1, "A", "base64", true)]
    [InlineData("blank in base64", "res_1", 1, "AP 8=", "base64", true)]
    [InlineData("stray bits in base64", "res_1", 1, "AR==", "base64", true)]
    [InlineData("too large", "res_1", 1, "1234567890123456789012345678901234567890123456789012345678901234", "utf8", true)]
    public async Task A_bad_chunk_fails_that_handle_at_once_and_no_other(string what, string result, long number, string data, string encoding, bool more)
    {
        if (what != "first")
        {
            await ChunkAsync(0, "ok", more: true);
        }

        await ChunkAsync(number, data, more, encoding, result);
        ArcpException error = await Throws<ArcpException>(() => _job.GetResultAsync().Soon());
        error.Code.Should().Be(ErrorCode.InternalError);
        error.Retryable.Should().BeFalse();
        await _peer.ResultAsync("job_2", "2");
        (await _other.GetResultAsync().Soon()).ToString().Should().Be("2");

        await EndAsync(2); // the job itself ends as it ends
        (await _job.Events.ToListAsync().Soon()).Should().HaveCount(what == "first" ? 1 : 2);
        await Throws<ArcpException>(() => _job.GetResultAsync().Soon());
        _job.Status.Should().Be(JobStatus.Success);
    }

    [Fact]
    public async Task A_chunk_that_is_no_chunk_fails_the_result()
    {
        await _peer.EventAsync("job_1", "result_chunk", """{"result_id":"res_1","data":"a"}""");
        (await Throws<ArcpException>(() => _job.GetResultAsync().Soon())).Message.Should().Contain("malformed");
    }

    [Theory]
    [InlineData(true, "\"result_id\":\"res_1\",\"result_size\":2")]
    [InlineData(false, "\"result_id\":\"res_1\",\"result_size\":3")]
    [InlineData(false, "\"result_id\":\"res_9\",\"result_size\":2")]
    public async Task A_stream_that_is_not_whole_fails_the_result(bool lastIsMissing, string terminal)
    {
        await ChunkAsync(0, "ok", lastIsMissing);
        await _peer.SendAsync("job.result", "\"job_id\":\"job_1\"", $$"""{"final_status":"success",{{terminal}}}""");
        (await Throws<ArcpException>(() => _job.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.InternalError);
    }

    [Fact]
    public async Task A_result_id_without_any_chunk_fails_the_result()
    {
        await EndAsync(0);
        (await Throws<ArcpException>(() => _job.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.InternalError);
    }

    private Task ChunkAsync(long number, string data, bool more, string encoding = "utf8", string result = "res_1") =>
        _peer.EventAsync("job_1", "result_chunk", $$"""{"result_id":"{{result}}","chunk_seq":{{number}},"data":"{{data}}","encoding":"{{encoding}}","more":{{(more ? "true" : "false")}}}""");

    private Task EndAsync(int size) =>
        _peer.SendAsync("job.result", "\"job_id\":\"job_1\"", $$"""{"final_status":"success","result_id":"res_1","result_size":{{size}},"summary":"done"}""");

    private static async Task<T> Throws<T>(Func<Task> act)
        where T : Exception => (await act.Should().ThrowAsync<T>()).Which;

    internal sealed record Named(string Name);
}
