using Arcp.Conformance;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

public sealed class InMemoryTransportTests : TransportConformanceTests
{
    protected override ValueTask<(ITransport First, ITransport Second)> ConnectAsync() => ValueTask.FromResult<(ITransport, ITransport)>(InMemoryTransport.CreatePair());
}
