using System.Runtime.CompilerServices;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>What a session that only waits does not hold.</summary>
public class IdleTests
{
    [Fact]
    public async Task What_the_host_knows_of_a_connection_is_let_go_when_its_session_is_open()
    {
        await using var runtime = new TestRuntime();
        WeakReference properties = Connect(runtime, out WireClient connected);
        await using WireClient client = connected;
        await client.HelloAsync();
        await client.ExpectQuietAsync();

        await TestRuntime.UntilAsync(
            () =>
            {
                GC.Collect();
                return !properties.IsAlive;
            },
            "the end of what only the handshake needs");
        await client.RunJobAsync("echo", 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Connect(TestRuntime runtime, out WireClient client)
    {
        var properties = new Dictionary<string, object?>();
        client = runtime.Connect(new ConnectionContext { Properties = properties });
        return new WeakReference(properties);
    }
}
