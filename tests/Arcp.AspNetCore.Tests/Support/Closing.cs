using Arcp.Core.Transports;
using Arcp.Runtime.Tests.Support;

namespace Arcp.AspNetCore.Tests.Support;

/// <summary>The end of a connection as a well-behaved client does it.</summary>
internal static class Closing
{
    /// <summary>The server must have closed; the client then does, too.</summary>
    public static async Task ExpectCloseAsync(this WireClient client)
    {
        (await client.ReceiveAsync()).Should().BeNull("the server has closed");
        await client.CloseSideAsync();
    }

    /// <summary>Closes this side, if there is still somebody to tell.</summary>
    public static async Task CloseSideAsync(this WireClient client)
    {
        using CancellationTokenSource patience = Patience.New();
        try
        {
            await client.Transport.CloseAsync(patience.Token);
        }
        catch (TransportException)
        {
            // The server did not wait for it.
        }
    }
}
