using System.Collections.Frozen;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>The one place where a wire name meets a message type.</summary>
internal static class MessageCatalog
{
    private const int LongestName = 64;

    private static readonly Entry[] Entries =
    [
        new("session.hello", WireJson.Context.SessionHello, Peer.Client),
        new("session.resume", WireJson.Context.SessionResume, Peer.Client),
        new("session.ping", WireJson.Context.SessionPing, Sender: null),
        new("session.pong", WireJson.Context.SessionPong, Sender: null),
        new("session.ack", WireJson.Context.SessionAck, Peer.Client),
        new("session.list_jobs", WireJson.Context.SessionListJobs, Peer.Client),
        new("session.close", WireJson.Context.SessionClose, Peer.Client),
        new("session.bye", WireJson.Context.SessionClose, Peer.Client, DecodeOnly: true),
        new("job.submit", WireJson.Context.JobSubmit, Peer.Client),
        new("job.cancel", WireJson.Context.JobCancel, Peer.Client),
        new("job.subscribe", WireJson.Context.JobSubscribe, Peer.Client),
        new("job.unsubscribe", WireJson.Context.JobUnsubscribe, Peer.Client),
        new("session.welcome", WireJson.Context.SessionWelcome, Peer.Runtime),
        new("session.error", WireJson.Context.SessionError, Peer.Runtime),
        new("session.jobs", WireJson.Context.SessionJobs, Peer.Runtime),
        new("session.closed", WireJson.Context.SessionClosed, Peer.Runtime),
        new("job.accepted", WireJson.Context.JobAccepted, Peer.Runtime),
        new("job.event", WireJson.Context.JobEvent, Peer.Runtime),
        new("job.result", WireJson.Context.JobResult, Peer.Runtime),
        new("job.error", WireJson.Context.JobError, Peer.Runtime),
        new("job.cancelled", WireJson.Context.JobCancelled, Peer.Runtime),
        new("job.subscribed", WireJson.Context.JobSubscribed, Peer.Runtime),
    ];

    private static readonly FrozenDictionary<string, Entry>.AlternateLookup<ReadOnlySpan<char>> ByName =
        Entries.ToFrozenDictionary(entry => entry.Name).GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly FrozenDictionary<Type, Entry> ByType =
        Entries.Where(entry => !entry.DecodeOnly).ToFrozenDictionary(entry => entry.Contract.Type);

    /// <summary>The entry of the message that comes most often.</summary>
    public static Entry JobEvent { get; } = Of<JobEvent>();

    public static IEnumerable<Entry> All => Entries;

    public static Entry? Find(ReadOnlySpan<char> name) => ByName.TryGetValue(name, out Entry? entry) ? entry : null;

    /// <summary>Finds by an unescaped UTF-8 name without allocating.</summary>
    public static Entry? Find(ReadOnlySpan<byte> utf8Name)
    {
        if (utf8Name.SequenceEqual(JobEvent.Utf8Name))
        {
            return JobEvent;
        }

        Span<char> name = stackalloc char[LongestName];
        return utf8Name.Length <= LongestName && Encoding.UTF8.TryGetChars(utf8Name, name, out int length)
            ? Find(name[..length])
            : null;
    }

    public static Entry Of(ArcpMessage message) => ByType[message.GetType()];

    public static Entry Of<TMessage>()
        where TMessage : ArcpMessage => ByType[typeof(TMessage)];

    /// <summary>One message type.</summary>
    /// <param name="Name">The wire name.</param>
    /// <param name="Contract">How the payload is read and written.</param>
    /// <param name="Sender">Who sends it; null = both sides.</param>
    /// <param name="DecodeOnly">Whether the name is an alias that is never written.</param>
    internal sealed record Entry(string Name, JsonTypeInfo Contract, Peer? Sender, bool DecodeOnly = false)
    {
        public byte[] Utf8Name { get; } = Encoding.UTF8.GetBytes(Name);
    }
}
