using System.Threading.Channels;
using Arcp.Core.Serialization;

namespace Arcp.Client;

/// <summary>Messages that belong to no handle. Bounded: of more than the limit the oldest are let go.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class UnclaimedMessages(int limit)
{
    private readonly Channel<Envelope> _messages = Channel.CreateBounded<Envelope>(new BoundedChannelOptions(limit) { FullMode = BoundedChannelFullMode.DropOldest });

    public void Add(Envelope envelope) => _messages.Writer.TryWrite(envelope);

    /// <summary>Nothing follows.</summary>
    public void Complete() => _messages.Writer.TryComplete();

    /// <summary>Takes messages until there are no more.</summary>
    public IAsyncEnumerable<Envelope> ReadAllAsync() => _messages.Reader.ReadAllAsync();
}
