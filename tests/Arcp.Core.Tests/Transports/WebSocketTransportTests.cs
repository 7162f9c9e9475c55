using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

/// <summary>§4: one envelope per text message; here the peer is a bare WebSocket.</summary>
public sealed class WebSocketTransportTests : IAsyncLifetime, IDisposable
{
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(60), TimeProvider.System);
    private readonly FrameBuffer _frame = new(1000);
    private WebSocket _peer = null!;
    private WebSocketTransport _transport = null!;

    public async Task InitializeAsync()
    {
        (NetworkStream client, NetworkStream server) = await Loopback.ConnectSocketsAsync();
        _peer = WebSocket.CreateFromStream(client, new WebSocketCreationOptions { IsServer = false });
        _transport = new WebSocketTransport(WebSocket.CreateFromStream(server, new WebSocketCreationOptions { IsServer = true }));
    }

    public async Task DisposeAsync() => await _transport.DisposeAsync();

    public void Dispose()
    {
        _peer.Dispose();
        _frame.Dispose();
        _timeout.Dispose();
    }

    [Fact]
    public async Task Fragments_are_put_together()
    {
        await SendTextAsync("{\"a\"", isEnd: false);
        await SendTextAsync("", isEnd: false);
        await SendTextAsync(":1", isEnd: false);
        await SendTextAsync("}", isEnd: true);
        await SendTextAsync("next", isEnd: true);
        (await ReadTextAsync()).Should().Be("{\"a\":1}");
        (await ReadTextAsync()).Should().Be("next");
    }

    [Fact]
    public async Task A_control_frame_between_fragments_does_not_matter()
    {
        // A pong nobody asked for, as some clients send to keep a connection open; WebSocket has no method to send one.
        (NetworkStream client, NetworkStream server) = await Loopback.ConnectSocketsAsync();
        await using NetworkStream raw = client;
        await using var transport = new WebSocketTransport(WebSocket.CreateFromStream(server, new WebSocketCreationOptions { IsServer = true }));
        await raw.WriteAsync(new byte[] { 0x01, 0x81, 0, 0, 0, 0, (byte)'{' }, _timeout.Token);
        await raw.WriteAsync(new byte[] { 0x8A, 0x80, 0, 0, 0, 0 }, _timeout.Token);
        await raw.WriteAsync(new byte[] { 0x80, 0x81, 0, 0, 0, 0, (byte)'}' }, _timeout.Token);
        (await transport.ReadAsync(_frame, _timeout.Token)).Should().Be(FrameReadStatus.Frame);
        Encoding.UTF8.GetString(_frame.WrittenSpan).Should().Be("{}");
    }

    [Fact]
    public async Task Fragments_without_content_after_a_full_frame_do_not_make_it_too_large()
    {
        await SendTextAsync(new string('x', 1000), isEnd: false);
        await SendTextAsync("", isEnd: false);
        await SendTextAsync("", isEnd: true);
        (await ReadTextAsync()).Should().HaveLength(1000);
    }

    [Fact]
    public async Task Fragments_that_together_exceed_the_limit_are_too_large()
    {
        await SendTextAsync(new string('x', 1000), isEnd: false);
        await SendTextAsync("", isEnd: false);
        await SendTextAsync("y", isEnd: false);
        (await ReadAsync()).Should().Be(FrameReadStatus.TooLarge);
        _frame.Length.Should().Be(0);
    }

    [Fact]
    public async Task An_endless_message_is_too_large_before_it_ends()
    {
        await SendTextAsync(new string('x', 600), isEnd: false);
        await SendTextAsync(new string('x', 600), isEnd: false);
        (await ReadAsync()).Should().Be(FrameReadStatus.TooLarge);
    }

    [Fact]
    public async Task An_empty_text_message_is_a_frame_without_content()
    {
        await SendTextAsync("", isEnd: true);
        await SendTextAsync("next", isEnd: true);
        (await ReadTextAsync()).Should().BeEmpty();
        (await ReadTextAsync()).Should().Be("next");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(1000)]
    public async Task A_binary_message_is_not_text_and_the_next_frame_is_fine(int length)
    {
        await _peer.SendAsync(new byte[length], WebSocketMessageType.Binary, endOfMessage: true, _timeout.Token);
        await SendTextAsync("next", isEnd: true);
        (await ReadAsync()).Should().Be(FrameReadStatus.NotText);
        _frame.Length.Should().Be(0);
        (await ReadTextAsync()).Should().Be("next");
    }

    [Fact]
    public async Task An_endless_binary_message_is_too_large()
    {
        for (int i = 0; i < 3; i++)
        {
            await _peer.SendAsync(new byte[400], WebSocketMessageType.Binary, endOfMessage: false, _timeout.Token);
        }

        (await ReadAsync()).Should().Be(FrameReadStatus.TooLarge);
    }

    [Fact]
    public async Task After_an_endless_binary_message_the_peer_sees_an_answer_and_a_close()
    {
        await _peer.SendAsync(new byte[2000], WebSocketMessageType.Binary, endOfMessage: false, _timeout.Token);
        (await ReadAsync()).Should().Be(FrameReadStatus.TooLarge);
        await _transport.WriteAsync("why"u8.ToArray(), _timeout.Token);
        await _transport.CloseAsync(_timeout.Token);

        byte[] received = new byte[100];
        WebSocketReceiveResult answer = await _peer.ReceiveAsync(received, _timeout.Token);
        answer.MessageType.Should().Be(WebSocketMessageType.Text);
        Encoding.UTF8.GetString(received, 0, answer.Count).Should().Be("why");
        (await _peer.ReceiveAsync(received, _timeout.Token)).CloseStatus.Should().Be(WebSocketCloseStatus.NormalClosure);
    }

    [Fact]
    public async Task A_close_frame_ends_reading_and_is_answered_by_the_owners_close()
    {
        Task closing = _peer.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", _timeout.Token);
        (await ReadAsync()).Should().Be(FrameReadStatus.Closed);
        (await ReadAsync()).Should().Be(FrameReadStatus.Closed);
        await _transport.CloseAsync(_timeout.Token);
        await closing;
        _peer.State.Should().Be(WebSocketState.Closed);
    }

    [Fact]
    public async Task A_close_frame_within_a_message_drops_the_message()
    {
        await SendTextAsync("{", isEnd: false);
        await _peer.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _timeout.Token);
        (await ReadAsync()).Should().Be(FrameReadStatus.Closed);
        _frame.Length.Should().Be(0);
    }

    [Fact]
    public async Task A_connection_that_breaks_within_a_message_is_lost()
    {
        await SendTextAsync("{", isEnd: false);
        _peer.Abort();
        Func<Task> read = ReadAsync;
        await read.Should().ThrowAsync<TransportException>();
        _frame.Length.Should().Be(0);
    }

    [Fact]
    public async Task Text_that_is_not_UTF8_is_a_lost_connection()
    {
        await _peer.SendAsync(new byte[] { 0xFF, 0xFE }, WebSocketMessageType.Text, endOfMessage: true, _timeout.Token);
        Func<Task> read = ReadAsync;
        await read.Should().ThrowAsync<TransportException>();
    }

    [Fact]
    public async Task A_read_that_waits_holds_no_memory()
    {
        _frame.TryWrite("from the last frame"u8).Should().BeTrue();
        Task<FrameReadStatus> reading = ReadAsync();
        reading.IsCompleted.Should().BeFalse();
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(_frame.WrittenMemory, out ArraySegment<byte> memory).Should().BeTrue();
        memory.Array.Should().BeEmpty();

        await SendTextAsync("next", isEnd: true);
        (await reading).Should().Be(FrameReadStatus.Frame);
        Encoding.UTF8.GetString(_frame.WrittenSpan).Should().Be("next");
    }

    [Fact]
    public async Task A_frame_is_one_text_message()
    {
        await _transport.WriteAsync("{\n}"u8.ToArray(), _timeout.Token);
        byte[] received = new byte[100];
        WebSocketReceiveResult result = await _peer.ReceiveAsync(received, _timeout.Token);
        result.MessageType.Should().Be(WebSocketMessageType.Text);
        result.EndOfMessage.Should().BeTrue();
        Encoding.UTF8.GetString(received, 0, result.Count).Should().Be("{\n}");
    }

    private Task SendTextAsync(string text, bool isEnd) =>
        _peer.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, isEnd, _timeout.Token);

    private Task<FrameReadStatus> ReadAsync() => _transport.ReadAsync(_frame, _timeout.Token).AsTask();

    private async Task<string> ReadTextAsync()
    {
        (await ReadAsync()).Should().Be(FrameReadStatus.Frame);
        return Encoding.UTF8.GetString(_frame.WrittenSpan);
    }
}
