using System.IO.Pipelines;
using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

/// <summary>§4: one envelope per line.</summary>
public sealed class StreamTransportTests : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly List<int> _dropped = [];

    [Theory]
    [InlineData("a\nb\n")]
    [InlineData("a\r\nb\r\n")]
    [InlineData("\n\na\n\r\n \t\r\n\nb\n\n")]
    public async Task Lines_may_end_in_a_carriage_return_and_blank_ones_are_skipped(string input)
    {
        (await ReadAllAsync(input)).Should().Equal("a", "b");
        _dropped.Should().BeEmpty();
    }

    [Theory]
    [InlineData("a\rb\n", "a\rb")]
    [InlineData("a\r\r\n", "a\r")]
    [InlineData("\ra\n", "\ra")]
    [InlineData(" a \n", " a ")]
    public async Task Only_one_carriage_return_before_the_line_feed_is_dropped(string input, string expected)
    {
        (await ReadAllAsync(input)).Should().Equal(expected);
        (await ReadAllAsync(input, bytesPerRead: 1)).Should().Equal(expected);
    }

    [Fact]
    public async Task Lines_are_the_same_however_the_bytes_are_cut()
    {
        string input = string.Concat(Enumerable.Range(0, 300).Select(i => new string('x', i) + "é\r\n\r\n"));
        string[] expected = [.. Enumerable.Range(0, 300).Select(i => new string('x', i) + "é")];
        foreach (int bytesPerRead in new[] { 1, 2, 3, 7, 1000, 16 * 1024 })
        {
            (await ReadAllAsync(input, bytesPerRead)).Should().Equal(expected);
        }
    }

    [Theory]
    [InlineData("a\nbcd", 3)]
    [InlineData("a\nbcd\r", 4)]
    [InlineData("a\né", 2)]
    public async Task A_line_without_end_at_eof_is_dropped_and_reported(string input, int droppedBytes)
    {
        (await ReadAllAsync(input)).Should().Equal("a");
        _dropped.Should().Equal(droppedBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\r")]
    [InlineData("  ")]
    public async Task Blanks_without_end_at_eof_are_nothing_to_report(string rest)
    {
        (await ReadAllAsync("a\n" + rest)).Should().Equal("a");
        _dropped.Should().BeEmpty();
    }

    [Fact]
    public async Task A_line_of_exactly_the_limit_may_end_in_a_carriage_return()
    {
        (await ReadAllAsync("12345\r\nb\n", limit: 5)).Should().Equal("12345", "b");
        (await ReadAllAsync("12345\r\nb\n", bytesPerRead: 1, limit: 5)).Should().Equal("12345", "b");
    }

    [Theory]
    [InlineData("123456\nb\n")]
    [InlineData("12345\r6\nb\n")]
    [InlineData("12345\r\r\nb\n")]
    [InlineData("123456 and no end")]
    public async Task A_line_beyond_the_limit_is_too_large_and_nothing_after_it_is_read(string input)
    {
        foreach (int bytesPerRead in new[] { 1, 100 })
        {
            await using StreamTransport transport = Over(input, bytesPerRead);
            using var frame = new FrameBuffer(5);
            (await transport.ReadAsync(frame, default)).Should().Be(FrameReadStatus.TooLarge);
            (await transport.ReadAsync(frame, default)).Should().Be(FrameReadStatus.Closed);
            _dropped.Should().BeEmpty();
        }
    }

    [Fact]
    public async Task An_endless_line_is_given_up_within_one_block_of_the_limit()
    {
        var input = new EndlessStream();
        await using var transport = new StreamTransport(input, _output);
        using var frame = new FrameBuffer(100_000);
        (await transport.ReadAsync(frame, default)).Should().Be(FrameReadStatus.TooLarge);
        input.Taken.Should().BeLessThanOrEqualTo(100_000 + 16 * 1024);
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_pass_through()
    {
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(i => (byte)i).Where(b => b != '\n')];
        await using var transport = new StreamTransport(new MemoryStream([.. bytes, (byte)'\n']), _output);
        using var frame = new FrameBuffer(1000);
        (await transport.ReadAsync(frame, default)).Should().Be(FrameReadStatus.Frame);
        frame.WrittenSpan.ToArray().Should().Equal(bytes);
    }

    [Fact]
    public async Task What_arrived_in_one_read_is_given_line_by_line()
    {
        await using StreamTransport transport = Over("a\nb\nc", bytesPerRead: 100);
        using var frame = new FrameBuffer(10);
        foreach (string expected in new[] { "a", "b" })
        {
            (await transport.ReadAsync(frame, default)).Should().Be(FrameReadStatus.Frame);
            Encoding.UTF8.GetString(frame.WrittenSpan).Should().Be(expected);
        }

        (await transport.ReadAsync(frame, default)).Should().Be(FrameReadStatus.Closed);
    }

    [Fact]
    public async Task A_frame_with_a_line_feed_is_refused_and_leaves_no_trace()
    {
        await using StreamTransport transport = Over("");
        Func<Task> write = () => transport.WriteAsync("{\n}"u8.ToArray(), default).AsTask();
        await write.Should().ThrowAsync<ArgumentException>();
        await transport.WriteAsync("{}"u8.ToArray(), default);
        await transport.FlushAsync(default);
        Sent().Should().Be("{}\n");
    }

    [Fact]
    public async Task Nothing_is_sent_before_the_flush_and_all_of_it_in_one_piece()
    {
        var output = new CountingStream();
        await using var transport = new StreamTransport(Stream.Null, output);
        for (int i = 0; i < 1000; i++)
        {
            await transport.WriteAsync("0123456789"u8.ToArray(), default);
        }

        output.Pieces.Should().BeEmpty();
        await transport.FlushAsync(default);
        output.Pieces.Should().Equal(11_000);
    }

    [Fact]
    public async Task What_is_not_flushed_is_sent_when_it_fills_the_buffer()
    {
        var output = new CountingStream();
        await using var transport = new StreamTransport(Stream.Null, output);
        await transport.WriteAsync(new byte[200_000], default);
        output.Pieces.Should().NotBeEmpty().And.OnlyContain(size => size <= 64 * 1024);
        (200_001 - output.Pieces.Sum()).Should().BeLessThan(64 * 1024);
        await transport.FlushAsync(default);
        output.Pieces.Sum().Should().Be(200_001);
    }

    [Fact]
    public async Task After_a_write_that_failed_nothing_more_is_sent()
    {
        var output = new CountingStream { FailsNext = true };
        await using var transport = new StreamTransport(new MemoryStream("a\n"u8.ToArray()), output);
        await transport.WriteAsync("1"u8.ToArray(), default);
        Func<Task> flush = () => transport.FlushAsync(default).AsTask();
        await flush.Should().ThrowAsync<TransportException>();
        await flush.Should().ThrowAsync<TransportException>();
        output.Pieces.Should().BeEmpty();

        using var frame = new FrameBuffer(10);
        (await transport.ReadAsync(frame, default)).Should().Be(FrameReadStatus.Frame, "the peer's last words can still be read");
    }

    [Fact]
    public async Task Calls_end_even_when_the_streams_ignore_cancellation_and_what_they_do_later_is_harmless()
    {
        var stream = new DeafStream();
        var transport = new StreamTransport(stream, stream);
        using var frame = new FrameBuffer(100);
        Task reading = transport.ReadAsync(frame, default).AsTask();
        byte[] memory = "secret-free"u8.ToArray();
        await transport.WriteAsync(memory, default);
        Task flushing = transport.FlushAsync(default).AsTask();
        await stream.BothPending.WaitAsync(Patience, TimeProvider.System);

        await transport.DisposeAsync().AsTask().WaitAsync(Patience, TimeProvider.System);
        foreach (Task call in new[] { reading, flushing })
        {
            Func<Task> end = () => call.WaitAsync(Patience, TimeProvider.System);
            await end.Should().ThrowAsync<TransportException>();
        }

        Array.Fill(memory, (byte)'#');
        stream.PendingWrite.ToArray().Should().Equal("secret-free\n"u8.ToArray(), "an abandoned write must not see memory that its caller reuses");
    }

    [Fact]
    public async Task A_stream_is_not_disposed_while_a_call_is_inside()
    {
        using var stream = new LingeringStream();
        var transport = new StreamTransport(Stream.Null, stream);
        await transport.WriteAsync("{}"u8.ToArray(), default);
        Task flushing = Task.Run(() => transport.FlushAsync(default).AsTask());
        await stream.Entered.WaitAsync(Patience, TimeProvider.System);

        await transport.DisposeAsync().AsTask().WaitAsync(Patience, TimeProvider.System);
        Func<Task> end = () => flushing.WaitAsync(Patience, TimeProvider.System);
        await end.Should().ThrowAsync<TransportException>();
        stream.WasDisposedUnderACall.Should().BeFalse();
        stream.CanWrite.Should().BeFalse("it belongs to the transport");
    }

    [Fact]
    public async Task Streams_that_belong_to_somebody_else_stay_open()
    {
        var input = new MemoryStream();
        var transport = new StreamTransport(input, _output, leaveOpen: true);
        await transport.WriteAsync("{}"u8.ToArray(), default);
        await transport.CloseAsync(default);
        await transport.DisposeAsync();
        input.CanRead.Should().BeTrue();
        _output.CanWrite.Should().BeTrue();
        Sent().Should().Be("{}\n");
    }

    [Fact]
    public async Task Streams_of_the_transport_are_closed_with_it()
    {
        var input = new MemoryStream();
        await new StreamTransport(input, _output).DisposeAsync();
        input.CanRead.Should().BeFalse();
        _output.CanWrite.Should().BeFalse();
    }

    [Fact]
    public void Streams_for_the_wrong_direction_are_refused()
    {
        var pipe = new Pipe();
        FluentActions.Invoking(() => new StreamTransport(pipe.Writer.AsStream(), Stream.Null)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => new StreamTransport(Stream.Null, pipe.Reader.AsStream())).Should().Throw<ArgumentException>();
    }

    public void Dispose() => _output.Dispose();

    private static TimeSpan Patience => TimeSpan.FromSeconds(30);

    private string Sent() => Encoding.UTF8.GetString(_output.ToArray());

    private StreamTransport Over(string input, int bytesPerRead = 16 * 1024) =>
        new(new SlicedStream(Encoding.UTF8.GetBytes(input), bytesPerRead), _output, leaveOpen: true) { PartialLineDropped = _dropped.Add };

    private async Task<List<string>> ReadAllAsync(string input, int bytesPerRead = 16 * 1024, int limit = 1000)
    {
        await using StreamTransport transport = Over(input, bytesPerRead);
        using var frame = new FrameBuffer(limit);
        var lines = new List<string>();
        while (await transport.ReadAsync(frame, default) is var status && status != FrameReadStatus.Closed)
        {
            status.Should().Be(FrameReadStatus.Frame);
            lines.Add(Encoding.UTF8.GetString(frame.WrittenSpan));
        }

        frame.Length.Should().Be(0);
        return lines;
    }
}
