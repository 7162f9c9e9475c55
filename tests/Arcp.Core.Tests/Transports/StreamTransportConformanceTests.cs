using System.Net.Sockets;
using Arcp.Conformance;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

public sealed class StreamTransportOverSocketsTests : TransportConformanceTests
{
    protected override async ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        (NetworkStream first, NetworkStream second) = await Loopback.ConnectSocketsAsync();
        return (new StreamTransport(first, first), new StreamTransport(second, second));
    }
}

public sealed class StreamTransportOverPipesTests : TransportConformanceTests
{
    protected override ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        (Stream firstOutput, Stream secondInput) = Loopback.CreatePipe();
        (Stream secondOutput, Stream firstInput) = Loopback.CreatePipe();
        return ValueTask.FromResult<(ITransport, ITransport)>(
            (new StreamTransport(firstInput, firstOutput), new StreamTransport(secondInput, secondOutput)));
    }
}
