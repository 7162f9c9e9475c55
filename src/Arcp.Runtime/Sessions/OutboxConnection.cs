using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Runtime.Sessions;

/// <summary>What an outbox has to know of the connection that it sends on.</summary>
internal interface IOutboxConnection
{
    /// <summary>Makes the last frame of a connection for which what it needs next, of one job perhaps, is gone.</summary>
    ReadOnlyMemory<byte> SlowConsumerFrame(JobId? jobId);

    /// <summary>Ends the connection because it has held an agent back for too long; returns at once.</summary>
    void OnStalled();
}

/// <summary>A session's connection, as its outbox knows it.</summary>
internal sealed class OutboxConnection(Session session, SessionConnection connection) : IOutboxConnection
{
    public ReadOnlyMemory<byte> SlowConsumerFrame(JobId? jobId) => Frame("what it has to be sent next is no longer held", jobId);

    public void OnStalled() => connection.End(
        ConnectionEnd.OfAbsentPeer("the submitter has held its jobs back for too long", Frame("it has held its jobs back for too long", jobId: null)));

    private ReadOnlyMemory<byte> Frame(string why, JobId? jobId)
    {
        var error = new ArcpException(ErrorCode.InternalError, $"This connection is a slow consumer: {why}.");
        return session.Frame(ControlFrames.ToSessionError(error, jobId: jobId), jobId: jobId);
    }
}
