using System.Text;
using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

[Trait("Section", "8.4")]
public class ResultStreamTests
{
    private const int Chunk = 1024;

    private static readonly string[] WithoutChunks = ["agent_versions", "progress", "subscribe", "ack", "list_jobs"];

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(Chunk - 1, 1)]
    [InlineData(Chunk, 1)]
    [InlineData(Chunk + 1, 2)]
    [InlineData(10 * Chunk, 10)]
    public async Task Text_comes_in_full_chunks_and_the_last_one_says_so(int size, int chunks)
    {
        string text = new('x', size);
        List<WireFrame> frames = await RunAsync(ResultEncoding.Utf8, stream => stream.WriteAsync(text), summary: "done");

        frames.Should().HaveCount(chunks + 2);
        List<WireFrame> parts = Chunks(frames);
        parts.Select(part => (string)part.Body["data"]!).Should().OnlyContain(data => data.Length <= Chunk);
        string.Concat(parts.Select(part => (string)part.Body["data"]!)).Should().Be(text);
        WireFrame result = frames[^1];
        result.Payload["result_id"]!.ToJsonString().Should().Be(parts[0].Body["result_id"]!.ToJsonString());
        ((long)result.Payload["result_size"]!).Should().Be(size);
        ((string?)result.Payload["summary"]).Should().Be("done");
        result.Payload.Should().NotContainKey("result", "a streamed result is never mixed with an inline one");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Chunk)]
    [InlineData((10 << 20) + 1)]
    public async Task Bytes_come_as_base64(int size)
    {
        byte[] bytes = new byte[size];
        new Random(7).NextBytes(bytes);
        List<WireFrame> frames = await RunAsync(ResultEncoding.Base64, stream => stream.WriteAsync(bytes), size > Chunk ? 256 * 1024 : Chunk);

        byte[] joined = [.. Chunks(frames).SelectMany(part => Convert.FromBase64String((string)part.Body["data"]!))];
        joined.AsSpan().SequenceEqual(bytes).Should().BeTrue();
        ((long)frames[^1].Payload["result_size"]!).Should().Be(size);
        Chunks(frames).Should().OnlyContain(part => ((string)part.Body["data"]!).Length <= 256 * 1024, "a chunk is bounded as it is encoded");
    }

    [Theory]
    [InlineData("é")]
    [InlineData("€")]
    [InlineData("🦉")]
    public async Task No_character_is_cut_wherever_a_chunk_ends(string character)
    {
        byte[] unit = Encoding.UTF8.GetBytes(character);
        for (int offset = 0; offset < 4; offset++)
        {
            string text = new string('a', offset) + string.Concat(Enumerable.Repeat(character, 2 * Chunk / unit.Length)) + "b";
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            List<WireFrame> frames = await RunAsync(ResultEncoding.Utf8, async stream =>
            {
                foreach (byte[] piece in bytes.Chunk(700))
                {
                    await stream.WriteAsync(piece);
                }
            });

            string.Concat(Chunks(frames).Select(part => (string)part.Body["data"]!)).Should().Be(text);
            ((long)frames[^1].Payload["result_size"]!).Should().Be(bytes.Length);
        }
    }

    [Fact]
    public async Task Flushing_shows_what_is_there_and_waits_for_the_rest_of_a_character()
    {
        byte[] owl = Encoding.UTF8.GetBytes("🦉");
        List<WireFrame> frames = await RunAsync(ResultEncoding.Utf8, async stream =>
        {
            await stream.FlushAsync();
            await stream.WriteAsync("one");
            await stream.FlushAsync();
            await stream.WriteAsync(owl.AsMemory(0, 3));
            await stream.FlushAsync();
            await stream.WriteAsync(owl.AsMemory(3));
        });

        Chunks(frames).Select(part => (string)part.Body["data"]!).Should().Equal("one", "🦉");
    }

    [Fact]
    public async Task What_is_not_utf8_fails_the_job()
    {
        List<WireFrame> frames = await RunAsync(ResultEncoding.Utf8, async stream =>
        {
            await stream.WriteAsync(new byte[] { 0xC3, 0x28 });
            Func<Task> complete = async () => await stream.CompleteAsync();
            await complete.Should().ThrowAsync<InvalidDataException>();
        }, completes: false);

        ExpectFailure(frames);
    }

    [Fact]
    public async Task A_result_that_is_left_open_fails_the_job()
    {
        List<WireFrame> frames = await RunAsync(ResultEncoding.Utf8, stream => stream.WriteAsync("half"), completes: false);

        ExpectFailure(frames).Should().Contain("did not complete");
        Chunks(frames).Should().BeEmpty();
    }

    [Fact]
    public async Task A_result_beyond_the_limit_fails_the_job_even_when_the_agent_does_not_care()
    {
        List<WireFrame> frames = await RunAsync(
            ResultEncoding.Utf8,
            async stream =>
            {
                await stream.WriteAsync(new string('x', 5000));
                Func<Task> more = async () => await stream.WriteAsync("y");
                (await more.Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);
            },
            completes: false,
            configure: builder => builder.Options.MaxResultBytes = 5000);

        ExpectFailure(frames, chunks: 4);
    }

    [Fact]
    public async Task A_streamed_result_and_an_inline_one_fail_the_job()
    {
        await using var runtime = new TestRuntime(builder => builder.Add("stream", "1", false, _ => new DelegateAgent(async (job, _) =>
        {
            await job.OpenResultStream().CompleteAsync();
            Action again = () => job.OpenResultStream();
            again.Should().Throw<InvalidOperationException>();
            return RawJson.Parse("1");
        })));
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitAsync("stream");

        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        ExpectFailure(frames, chunks: 1).Should().Contain("both");
    }

    [Theory]
    [Trait("Section", "6.2")]
    [InlineData(ResultEncoding.Utf8, "\"a€a€a€\"")]
    [InlineData(ResultEncoding.Base64, "\"YeKCrGHigqxh4oKs\"")]
    public async Task A_session_that_takes_no_chunks_gets_the_result_inline(ResultEncoding encoding, string result)
    {
        await using TestRuntime runtime = Create(encoding, async stream =>
        {
            for (int i = 0; i < 3; i++)
            {
                await stream.WriteAsync("a€");
                await stream.FlushAsync();
            }
        });
        await using WireClient plain = await runtime.OpenAsync("secret-a", WithoutChunks);
        await using WireClient full = await runtime.OpenFullAsync();

        // Submitted by one that takes none: it is put together while it is written.
        WireFrame accepted = await plain.SubmitAsync("stream");
        List<WireFrame> frames = await plain.ReadJobAsync(accepted.JobId!);
        frames.Should().HaveCount(2);
        frames[^1].Raw("result").Should().Be(result);
        frames[^1].Payload.Should().NotContainKeys("result_id", "result_size");

        // Submitted by one that takes them, watched by one that does not, also when it comes again.
        accepted = await full.SubmitAsync("stream");
        Chunks(await full.ReadJobAsync(accepted.JobId!)).Should().HaveCount(4, "the last one is empty");
        await plain.SendAsync("job.subscribe", new { job_id = accepted.JobId, history = true });
        await plain.ExpectAsync("job.subscribed");
        frames = await plain.ReadJobAsync(accepted.JobId!);
        frames.Select(frame => frame.EventSeq).Should().Equal(3, 4);
        frames[^1].Raw("result").Should().Be(result);
        frames[^1].Payload.Should().NotContainKeys("result_id", "result_size");
        await plain.DisposeAsync();
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(plain.ResumeToken, 3);
        (await again.ExpectAsync("job.result")).Text.Should().Be(frames[^1].Text);
    }

    [Fact]
    public async Task A_slow_client_slows_the_writer_and_loses_nothing()
    {
        await using TestRuntime runtime = Create(ResultEncoding.Base64, async stream =>
        {
            byte[] block = new byte[64 * 1024];
            for (int i = 0; i < 100; i++)
            {
                Array.Fill(block, (byte)i);
                await stream.WriteAsync(block);
            }
        }, configure: builder => builder.Options.MaxLogBytesPerJob = 512 * 1024, chunk: 64 * 1024);
        WireClient client = runtime.Connect(capacity: 1);
        await client.HelloAsync("secret-a", LeaseRequests.Features);
        WireFrame accepted = await client.SubmitAsync("stream");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().BufferedBytes > 400 * 1024, "the log is full");

        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        byte[] joined = [.. Chunks(frames).SelectMany(part => Convert.FromBase64String((string)part.Body["data"]!))];
        joined.Should().HaveCount(100 * 64 * 1024);
        Enumerable.Range(0, 100).Should().OnlyContain(i => joined[(i * 64 * 1024) + 5] == i);
        ((long)frames[^1].Payload["result_size"]!).Should().Be(joined.Length);
        await client.DisposeAsync();
    }

    private static List<WireFrame> Chunks(List<WireFrame> frames)
    {
        List<WireFrame> parts = [.. frames.Where(frame => frame.Kind == "result_chunk")];
        parts.Select(part => (long)part.Body["chunk_seq"]!).Should().Equal(Enumerable.Range(0, parts.Count).Select(i => (long)i));
        if (frames[^1].Type == "job.result")
        {
            parts.Select(part => (bool)part.Body["more"]!).Should().Equal(Enumerable.Range(1, parts.Count).Select(i => i < parts.Count));
        }

        return parts;
    }

    private static string ExpectFailure(List<WireFrame> frames, int chunks = 0)
    {
        WireFrame error = frames[^1];
        error.Type.Should().Be("job.error");
        error.Code.Should().Be("INTERNAL_ERROR");
        error.FinalStatus.Should().Be("error");
        frames.Should().HaveCount(2 + chunks);
        return error.Message!;
    }

    private static async Task<List<WireFrame>> RunAsync(
        ResultEncoding encoding,
        Func<ResultStream, ValueTask> write,
        int chunk = Chunk,
        string? summary = null,
        bool completes = true,
        Action<ArcpRuntimeBuilder>? configure = null)
    {
        await using TestRuntime runtime = Create(encoding, write, configure, chunk, summary, completes);
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitAsync("stream");
        return await client.ReadJobAsync(accepted.JobId!);
    }

    private static TestRuntime Create(
        ResultEncoding encoding,
        Func<ResultStream, ValueTask> write,
        Action<ArcpRuntimeBuilder>? configure = null,
        int chunk = Chunk,
        string? summary = null,
        bool completes = true) => new(builder =>
    {
        builder.Options.MaxResultChunkBytes = chunk;
        configure?.Invoke(builder);
        builder.Add("stream", "1", false, _ => new DelegateAgent(async (job, _) =>
        {
            await using ResultStream stream = job.OpenResultStream(encoding);
            await write(stream);
            if (completes)
            {
                await stream.CompleteAsync(summary);
            }

            return null;
        }));
    });
}
