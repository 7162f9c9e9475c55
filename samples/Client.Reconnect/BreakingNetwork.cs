using System.Text.Json;
using Arcp.Core.Transports;

namespace Client.Reconnect;

/// <summary>Opens WebSockets that die after some frames, and notes which events each has carried.</summary>
internal sealed class BreakingNetwork(Uri uri, int framesPerConnection)
{
    private readonly List<List<long>> _carried = [];

    /// <summary>The <c>event_seq</c> of each frame that arrived, per connection.</summary>
    public IReadOnlyList<IReadOnlyList<long>> Carried => _carried;

    public async ValueTask<ITransport> DialAsync(CancellationToken cancellationToken)
    {
        ITransport socket = await WebSocketTransport.ConnectAsync(uri, cancellationToken: cancellationToken);
        List<long> numbers = [];
        _carried.Add(numbers);
        return new BreakingTransport(socket, framesPerConnection, numbers);
    }

    private sealed class BreakingTransport(ITransport inner, int frames, List<long> numbers) : ITransport
    {
        private int _left = frames;

        public async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
        {
            if (_left-- == 0)
            {
                await inner.DisposeAsync();
                throw new TransportException("The cable was pulled out.");
            }

            FrameReadStatus status = await inner.ReadAsync(frame, cancellationToken);
            if (status is FrameReadStatus.Frame)
            {
                using var envelope = JsonDocument.Parse(frame.WrittenMemory);
                if (envelope.RootElement.TryGetProperty("event_seq", out JsonElement seq))
                {
                    numbers.Add(seq.GetInt64());
                }
            }

            return status;
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken) => inner.WriteAsync(frame, cancellationToken);

        public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
