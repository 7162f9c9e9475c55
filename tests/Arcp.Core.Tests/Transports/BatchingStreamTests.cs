using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Net.WebSockets;
using Arcp.Conformance;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

/// <summary>§4: many frames per write to the connection below a WebSocket.</summary>
public sealed class BatchingStreamTests : IDisposable
{
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(60), TimeProvider.System);
    private readonly CancellationTokenSource _end = new();
    private readonly RecordingStream _inner = new();
    private readonly BatchingStream _stream;

    public BatchingStreamTests() => _stream = new BatchingStream(_inner, BatchingStream.Over(_inner), _end.Token);

    public void Dispose()
    {
        _stream.Dispose();
        _end.Dispose();
        _timeout.Dispose();
    }

    [Fact]
    public async Task The_frames_of_a_batch_are_one_write_and_one_flush_in_order()
    {
        _stream.BeginBatch();
        for (int i = 0; i < 100; i++)
        {
            await SendAsync([(byte)i]);
        }

        _inner.Calls.Should().BeEmpty();
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 100", "flush");
        _inner.Bytes.Should().Equal(Enumerable.Range(0, 100).Select(i => (byte)i));
    }

    [Fact]
    public async Task Outside_a_batch_every_write_is_passed_on_at_once()
    {
        await SendAsync(new byte[2]);
        await SendAsync(new byte[3]);
        _inner.Calls.Should().Equal("write 2", "flush", "write 3", "flush");
    }

    [Fact]
    public async Task A_batch_that_has_ended_ends_only_once_and_the_next_one_is_another_write()
    {
        _stream.BeginBatch();
        await SendAsync(new byte[2]);
        await _stream.EndBatchAsync();
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 2", "flush");

        _stream.BeginBatch();
        await SendAsync(new byte[3]);
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 2", "flush", "write 3", "flush");
    }

    [Fact]
    public async Task What_would_be_too_much_is_passed_on_before_the_end_of_the_batch()
    {
        byte[] frame = new byte[1000];
        _stream.BeginBatch();
        int fitting = BatchingStream.Capacity / frame.Length;
        for (int i = 0; i < fitting; i++)
        {
            await SendAsync(frame);
        }

        _inner.Calls.Should().BeEmpty();
        await SendAsync(frame);
        _inner.Calls[^1].Should().Be("flush");
        _inner.Bytes.Should().HaveCount((fitting + 1) * frame.Length);
        _inner.Reset();
        await SendAsync(frame);
        _inner.Calls.Should().BeEmpty();
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 1000", "flush");
    }

    [Theory]
    [InlineData(BatchingStream.Capacity, "write 3", "write 65536", "flush", "write 4", "flush")]
    [InlineData(BatchingStream.Capacity - 3, "write 65536", "write 4", "flush")]
    [InlineData(BatchingStream.Capacity + 1, "write 3", "write 65537", "flush", "write 4", "flush")]
    public async Task A_frame_that_does_not_fit_comes_behind_those_before_it(int length, params string[] calls)
    {
        byte[] large = new byte[length];
        Random.Shared.NextBytes(large);
        _stream.BeginBatch();
        await SendAsync([1, 2, 3]);
        await SendAsync(large);
        await SendAsync([4, 5, 6, 7]);
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal(calls);
        _inner.Bytes.Should().Equal([1, 2, 3, .. large, 4, 5, 6, 7]);
    }

    [Fact]
    public async Task A_frame_that_is_too_large_to_be_collected_is_not_copied()
    {
        byte[] large = new byte[BatchingStream.Capacity + 1];
        _stream.BeginBatch();
        await SendAsync(large);
        _inner.LastArray.Should().BeSameAs(large);
    }

    [Fact]
    public async Task After_a_failed_write_nothing_more_is_sent()
    {
        _stream.BeginBatch();
        await SendAsync(new byte[2]);
        _inner.FailsNext = true;
        Func<Task> endBatch = () => _stream.EndBatchAsync().AsTask();
        (await endBatch.Should().ThrowAsync<IOException>()).Which.Message.Should().Be("broken pipe");

        Func<Task> write = () => SendAsync(new byte[2]);
        await write.Should().ThrowAsync<IOException>();
        await endBatch.Should().ThrowAsync<IOException>();
        _inner.Calls.Should().BeEmpty();
    }

    [Fact]
    public async Task The_end_cancels_a_write_whose_caller_gave_no_token()
    {
        _inner.Gate = new TaskCompletionSource().Task;
        _stream.BeginBatch();
        await SendAsync(new byte[2]);
        Task ending = _stream.EndBatchAsync().AsTask();
        Task waiting = _stream.WriteAsync(new byte[3], CancellationToken.None).AsTask();
        ending.IsCompleted.Should().BeFalse();
        await _end.CancelAsync();
        Func<Task> end = () => ending.WaitAsync(_timeout.Token);
        await end.Should().ThrowAsync<OperationCanceledException>();

        // It may still get its turn, and then hears that the one before has failed.
        Exception? error = await Record.ExceptionAsync(() => waiting.WaitAsync(_timeout.Token));
        (error is OperationCanceledException or IOException).Should().BeTrue($"it ended with {error}");
        _timeout.IsCancellationRequested.Should().BeFalse();
        _inner.Calls.Should().BeEmpty();
    }

    [Fact]
    public async Task A_control_frame_waits_while_a_batch_is_passed_on()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _inner.Gate = gate.Task;
        _stream.BeginBatch();
        await SendAsync(new byte[2]);
        Task batch = _stream.EndBatchAsync().AsTask();
        Task control = SendAsync(new byte[3]);
        _inner.Entered.Should().Be(1);
        gate.SetResult();
        await Task.WhenAll(batch, control).WaitAsync(_timeout.Token);
        _inner.Calls.Should().Equal("write 2", "flush", "write 3", "flush");
    }

    [Fact]
    public async Task A_batch_waits_while_a_control_frame_is_passed_on()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _inner.Gate = gate.Task;
        Task control = SendAsync(new byte[2]);
        _stream.TryBeginFrames().Should().BeNull();
        _stream.BeginBatch();
        Task write = _stream.WriteAsync(new byte[3], CancellationToken.None).AsTask();
        Task batch = _stream.EndBatchAsync().AsTask();
        _inner.Calls.Should().BeEmpty();
        batch.IsCompleted.Should().BeFalse();
        gate.SetResult();
        await Task.WhenAll(control, write, batch).WaitAsync(_timeout.Token);
        _inner.Calls.Should().Equal("write 2", "flush", "write 3", "flush");
    }

    [Fact]
    public async Task Control_frames_beside_batches_stay_whole_and_are_never_held_back()
    {
        // As a WebSocket writes pongs while its owner's batch ends.
        for (int round = 0; round < 2000; round++)
        {
            using var start = new Barrier(2);
            Task batch = Task.Run(async () =>
            {
                _stream.BeginBatch();
                await SendAsync([1, 1]);
                start.SignalAndWait(_timeout.Token);
                await _stream.EndBatchAsync();
            });
            await Task.Run(async () =>
            {
                start.SignalAndWait(_timeout.Token);
                await SendAsync([2, 2]);
            });
            await batch;
            _inner.Bytes.Should().HaveCount(4);
            _inner.Bytes.Chunk(2).Should().OnlyContain(frame => frame[0] == frame[1]);
            _inner.Calls[^1].Should().Be("flush");
            _inner.Reset();
        }
    }

    [Fact]
    public async Task A_transport_over_a_stream_writes_once_per_flush()
    {
        await using WebSocketTransport transport = WebSocketTransport.OverStream(_inner, new WebSocketCreationOptions { IsServer = true });
        for (int i = 0; i < 50; i++)
        {
            await transport.WriteAsync("12345678"u8.ToArray(), _timeout.Token);
        }

        _inner.Calls.Should().BeEmpty();
        await transport.FlushAsync(_timeout.Token);
        _inner.Calls.Should().Equal("write 500", "flush");
        _inner.Bytes.Chunk(10).Should().AllSatisfy(frame => frame.Should().Equal([0x81, 8, .. "12345678"u8]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(200_000)]
    public void The_header_of_a_servers_message_says_its_length(int length)
    {
        byte[] expected = length switch
        {
            < 126 => [0x81, (byte)length],
            < 65536 => [0x81, 126, (byte)(length >> 8), (byte)length],
            _ => [0x81, 127, 0, 0, 0, 0, 0, (byte)(length >> 16), (byte)(length >> 8), (byte)length],
        };
        byte[] header = new byte[FrameLayout.LongestHeader];
        header.AsSpan(0, ServerMessageLayout.Instance.WriteHeader(header, length)).ToArray().Should().Equal(expected);
    }

    [Fact]
    public async Task Frames_that_are_put_together_already_come_behind_what_was_collected()
    {
        _stream.BeginBatch();
        await SendAsync([1, 2]);
        await _stream.WriteFramesAsync(new byte[] { 3, 4, 5 });
        await SendAsync([6]);
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 6", "flush");
        _inner.Bytes.Should().Equal(1, 2, 3, 4, 5, 6);
    }

    [Fact]
    public async Task Frames_that_are_put_together_in_place_are_passed_on_by_the_end_of_the_batch()
    {
        IBufferWriter<byte> output = _stream.TryBeginFrames()!;
        output.Write((byte[])[1, 2]);
        output.Write((byte[])[3]);
        _inner.Calls.Should().BeEmpty();
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 3", "flush");
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 3", "flush");
        _inner.Bytes.Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task Frames_in_place_go_on_as_a_batch_when_others_follow()
    {
        _stream.TryBeginFrames()!.Write((byte[])[1, 2]);
        _stream.TryBeginFrames().Should().BeNull("the first call has not ended");
        await _stream.WriteFramesAsync(new byte[] { 3 });
        _stream.TryBeginFrames()!.Write((byte[])[4]);
        _stream.BeginBatch();
        await SendAsync([5]);
        _inner.Calls.Should().BeEmpty();
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 5", "flush");
        _inner.Bytes.Should().Equal(1, 2, 3, 4, 5);
    }

    [Fact]
    public async Task A_control_frame_waits_while_frames_are_put_together_in_place()
    {
        IBufferWriter<byte> output = _stream.TryBeginFrames()!;
        output.GetSpan(2).Fill(1);
        Task control = SendAsync([2, 2]);
        output.Advance(2);
        control.IsCompleted.Should().BeFalse();
        await _stream.EndBatchAsync();
        await control.WaitAsync(_timeout.Token);
        _inner.Bytes.Should().Equal(1, 1, 2, 2);
        _inner.Calls[^1].Should().Be("flush");
    }

    [Fact]
    public async Task After_a_failure_or_the_end_nothing_is_put_together_in_place()
    {
        _stream.TryBeginFrames()!.Write((byte[])[1]);
        _inner.FailsNext = true;
        Func<Task> endBatch = () => _stream.EndBatchAsync().AsTask();
        await endBatch.Should().ThrowAsync<IOException>();
        _stream.TryBeginFrames().Should().BeNull();

        var other = new BatchingStream(_inner, BatchingStream.Over(_inner), _end.Token);
        await _end.CancelAsync();
        other.TryBeginFrames().Should().BeNull();
        Func<Task> write = () => other.WriteAsync(new byte[1], CancellationToken.None).AsTask();
        await write.Should().ThrowAsync<OperationCanceledException>();
        await other.WaitForEndAsync();
    }

    [Fact]
    public async Task The_end_waits_for_a_control_frame_that_is_passed_on_and_not_for_the_writer()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _inner.Gate = gate.Task;
        _inner.IgnoresCancellation = true;
        Task control = SendAsync(new byte[2]);
        await _end.CancelAsync();
        Task over = _stream.WaitForEndAsync().AsTask();
        over.IsCompleted.Should().BeFalse();
        gate.SetResult();
        await over.WaitAsync(_timeout.Token);
        _inner.Calls[0].Should().Be("write 2");
        await Record.ExceptionAsync(() => control.WaitAsync(_timeout.Token)); // it may hear of the end, and does not wait for anything any more
        _timeout.IsCancellationRequested.Should().BeFalse();

        using var end = new CancellationTokenSource();
        var other = new BatchingStream(_inner, BatchingStream.Over(_inner), end.Token);
        other.TryBeginFrames().Should().NotBeNull();
        await end.CancelAsync();
        await other.WaitForEndAsync().AsTask().WaitAsync(_timeout.Token);
    }

    [Fact]
    public async Task A_pipe_whose_reader_has_gone_is_a_lost_connection()
    {
        var pipe = new Pipe();
        await using WebSocketTransport transport = WebSocketTransport.OverStream(_inner, pipe.Writer, new WebSocketCreationOptions { IsServer = true });
        await pipe.Reader.CompleteAsync();
        await transport.WriteAsync("x"u8.ToArray(), _timeout.Token);
        Func<Task> flush = async () => await transport.FlushAsync(_timeout.Token);
        await flush.Should().ThrowAsync<TransportException>();
    }

    [Fact]
    public async Task Frames_that_are_put_together_already_are_flushed_though_no_batch_was_begun()
    {
        await _stream.WriteFramesAsync(new byte[10]);
        await _stream.EndBatchAsync();
        _inner.Calls.Should().Equal("write 10", "flush");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Messages_and_the_frames_of_the_WebSocket_stay_whole_beside_each_other(bool inPlace)
    {
        byte[] small = [.. Enumerable.Repeat((byte)1, 300)];
        byte[] large = [.. Enumerable.Repeat((byte)2, BatchingStream.Capacity + 300)];
        byte[] block = LaidOutTransport.LayOut(ServerMessageLayout.Instance, small, large);
        byte[] pong = [0x8A, 2, 3, 3];
        int begun = 0;
        using var over = new CancellationTokenSource();
        Task pongs = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                await SendAsync(pong);
            }
        });
        for (int round = 0; round < 300; round++)
        {
            if (inPlace && _stream.TryBeginFrames() is { } output)
            {
                begun++;
                foreach (byte[] part in block.Concat(block.Take(small.Length + 4)).Chunk(1000))
                {
                    output.Write(part);
                }
            }
            else
            {
                await _stream.WriteFramesAsync(block);
                await _stream.WriteFramesAsync(block.AsMemory(0, small.Length + 4));
            }

            await _stream.EndBatchAsync();
        }

        await over.CancelAsync();
        await pongs;
        (begun > 0).Should().Be(inPlace);
        ReadOnlySpan<byte> rest = _inner.Bytes.ToArray();
        var messages = new List<int>();
        while (!rest.IsEmpty)
        {
            int header = rest[1] switch { 126 => 4, 127 => 10, _ => 2 };
            int length = rest[1] switch { 126 => (rest[2] << 8) | rest[3], 127 => (rest[7] << 16) | (rest[8] << 8) | rest[9], var one => one };
            rest.Slice(header, length).ContainsAnyExcept(rest[header]).Should().BeFalse();
            if (rest[0] == 0x81)
            {
                messages.Add(length);
            }

            rest = rest[(header + length)..];
        }

        messages.Should().Equal(Enumerable.Repeat(new[] { small.Length, large.Length, small.Length }, 300).SelectMany(lengths => lengths));
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task What_a_server_does_not_send_plainly_the_WebSocket_puts_together(bool isServer, bool deflates)
    {
        await using WebSocketTransport transport = WebSocketTransport.OverStream(_inner, new WebSocketCreationOptions
        {
            IsServer = isServer,
            DangerousDeflateOptions = deflates ? new WebSocketDeflateOptions() : null,
        });
        await transport.WriteAsync(new byte[100], _timeout.Token);
        await transport.FlushAsync(_timeout.Token);
        (_inner.Bytes[0] == 0xC1).Should().Be(deflates);
        ((_inner.Bytes[1] & 0x80) != 0).Should().Be(!isServer);
    }

    [Fact]
    public async Task Closing_sends_what_was_written_first()
    {
        await using WebSocketTransport transport = WebSocketTransport.OverStream(_inner, new WebSocketCreationOptions { IsServer = true });
        await transport.WriteAsync("x"u8.ToArray(), _timeout.Token);
        await transport.CloseAsync(_timeout.Token);
        _inner.Bytes.Should().Equal(0x81, 1, (byte)'x', 0x88, 2, 0x03, 0xE8);
        _inner.Calls[^1].Should().Be("flush");
    }

    [Theory]
    [InlineData(10, false)]
    [InlineData(10, true)]
    [InlineData(BatchingStream.Capacity, false)]
    public async Task A_stream_that_fails_is_a_lost_connection(int length, bool isClose)
    {
        await using WebSocketTransport transport = WebSocketTransport.OverStream(_inner, new WebSocketCreationOptions { IsServer = true });
        _inner.FailsNext = true;
        Func<Task> send = async () =>
        {
            await transport.WriteAsync(new byte[length], _timeout.Token);
            await (isClose ? transport.CloseAsync(_timeout.Token) : transport.FlushAsync(_timeout.Token));
        };
        await send.Should().ThrowAsync<TransportException>();
        Func<Task> again = async () => await transport.WriteAsync(new byte[1], _timeout.Token);
        await again.Should().ThrowAsync<TransportException>();
        _inner.Calls.Should().BeEmpty();
    }

    [Fact]
    public async Task A_ping_is_answered_while_nothing_is_sent_and_behind_a_frame_that_waits()
    {
        (NetworkStream client, NetworkStream server) = await Loopback.ConnectSocketsAsync();
        await using NetworkStream raw = client;
        await using WebSocketTransport transport = WebSocketTransport.OverStream(server, new WebSocketCreationOptions { IsServer = true });
        using var frame = new FrameBuffer(100);
        byte[] ping = [0x89, 0x80, 0, 0, 0, 0];
        byte[] text = [0x81, 0x81, 0, 0, 0, 0, (byte)'a'];
        byte[] received = new byte[5];

        await raw.WriteAsync((byte[])[.. ping, .. text], _timeout.Token);
        (await transport.ReadAsync(frame, _timeout.Token)).Should().Be(FrameReadStatus.Frame);
        await raw.ReadExactlyAsync(received.AsMemory(0, 2), _timeout.Token);
        received[..2].Should().Equal(0x8A, 0);

        await transport.WriteAsync("b"u8.ToArray(), _timeout.Token);
        await raw.WriteAsync((byte[])[.. ping, .. text], _timeout.Token);
        (await transport.ReadAsync(frame, _timeout.Token)).Should().Be(FrameReadStatus.Frame);
        await transport.FlushAsync(_timeout.Token);
        await raw.ReadExactlyAsync(received, _timeout.Token);
        received.Should().Equal(0x81, 1, (byte)'b', 0x8A, 0);
    }

    private async Task SendAsync(byte[] frame)
    {
        await _stream.WriteAsync(frame, CancellationToken.None);
        await _stream.FlushAsync(CancellationToken.None);
    }
}
