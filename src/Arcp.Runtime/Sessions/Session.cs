using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>A session: who it is, what it negotiated, what it has to send. It outlives its connections (§6.3).</summary>
/// <remarks>Thread-safe. It can only be made for a principal that has been authenticated.</remarks>
internal sealed class Session(SessionId id, Principal principal, SessionOutbox outbox, SessionStore store, TimeProvider clock)
{
    public SessionId Id { get; } = id;

    public Principal Principal { get; } = principal;

    /// <summary>What was negotiated last; set by the handshake, before the connection's loops begin.</summary>
    public Features Features { get; set; }

    public SessionOutbox Outbox { get; } = outbox;

    /// <summary>What of the session is kept.</summary>
    public SessionStore Store { get; } = store;

    /// <summary>The answer to the last submit, which the answer to the next one waits for (§7.1). Touched by the one read loop; never fails.</summary>
    public Task LastAnswer { get; set; } = Task.CompletedTask;

    /// <summary>How this session is told of a job's agent: bare names for those who do not know versions (§7.5).</summary>
    public string AgentLabel(JobSpec spec) => Has(Features.AgentVersions) ? spec.Agent.Reference : spec.Agent.Name;

    public bool Has(Features feature) => (Features & feature) == feature;

    /// <summary>Makes a frame without a number.</summary>
    /// <param name="message">The payload.</param>
    /// <param name="answers">The request that it answers, whose trace it echoes.</param>
    /// <param name="jobId">The job concerned.</param>
    /// <param name="id">The frame's id; null = a new one.</param>
    public ReadOnlyMemory<byte> Frame(ArcpMessage message, in FrameHeader answers = default, JobId? jobId = null, MessageId? id = null) =>
        ControlFrames.Frame(message, new FrameHeader { Id = id, SessionId = Id, JobId = jobId, Trace = answers.Trace }, clock);

    /// <summary>Queues a frame for this connection, which waits until what it shows is committed.</summary>
    public void Post(ArcpMessage message, FrameHeader answers = default) =>
        Outbox.Post(new ControlFrame(Frame(message, answers), OutlivesConnection: false));

    /// <summary>Queues a frame for this connection that shows nothing which is kept: it waits for no commit.</summary>
    public void PostAtOnce(ArcpMessage message, FrameHeader answers = default) =>
        Outbox.Post(new ControlFrame(Frame(message, answers), OutlivesConnection: false) { IsCommitted = true });

    /// <summary>Queues the frame that ends this connection.</summary>
    public void PostLast(ArcpMessage message, FrameHeader answers = default) =>
        Outbox.Post(new ControlFrame(Frame(message, answers), OutlivesConnection: false) { IsLast = true });
}
