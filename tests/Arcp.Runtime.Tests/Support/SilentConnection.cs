using Arcp.Core.Ids;
using Arcp.Runtime.Sessions;

namespace Arcp.Runtime.Tests.Support;

/// <summary>A connection that never has anything to say for itself.</summary>
internal sealed class SilentConnection : IOutboxConnection
{
    public ReadOnlyMemory<byte> SlowConsumerFrame(JobId? jobId) => "slow"u8.ToArray();

    public void OnStalled()
    {
        // It has no peer.
    }
}
