using System.Runtime.InteropServices;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.DependencyInjection;

namespace Playground;

/// <summary>The playground over standard input and output: one connection, and the process ends with it.</summary>
internal static class StdioHost
{
    /// <summary>
    /// How long jobs may go on when the input has ended. Enough for a script that pipes its requests in and waits for the answers;
    /// bounded, because the end of the input is also all that is seen of a parent that died.
    /// </summary>
    private static readonly TimeSpan PatienceWithJobs = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    public static async Task<int> RunAsync(PlaygroundFlags flags)
    {
        using ILoggerFactory logging = LoggerFactory.Create(StderrLogging.Configure);
        ILogger logger = logging.CreateLogger("Playground");

        // From here on standard output is the transport's.
        var transport = new StdioConnection(StreamTransport.OverConsole(
            bytes => logger.LogWarning("The input ended within a line; its {Bytes} bytes are dropped.", bytes)));
        var builder = new ArcpRuntimeBuilder { LoggerFactory = logging };
        RuntimeSettings.Apply(flags, builder.Options);
        RuntimeSettings.AddParts(flags, RuntimeSettings.OpenCredentials(flags), builder);
        await using ArcpRuntime runtime = builder.Build();
        await runtime.StartAsync();

        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration terminate = OnSignal(PosixSignal.SIGTERM, asked);
        using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, asked);

        Task connection = runtime.RunConnectionAsync(transport, new ConnectionContext { RemoteAddress = "stdio" });
        await Task.WhenAny(connection, transport.InputEnded, asked.Task);
        if (!connection.IsCompleted && !asked.Task.IsCompleted)
        {
            await WaitForJobsAsync(runtime, asked.Task);
        }

        await runtime.StopAsync(); // sends what there is to send
        await connection;
        return 0;
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, TaskCompletionSource asked) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true; // this process ends in order by itself
            asked.TrySetResult();
        });

    private static async Task WaitForJobsAsync(ArcpRuntime runtime, Task asked)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var tick = new PeriodicTimer(LookInterval, TimeProvider.System);
        while (runtime.GetStatistics().RunningJobs > 0 && !asked.IsCompleted && TimeProvider.System.GetElapsedTime(start) < PatienceWithJobs)
        {
            await tick.WaitForNextTickAsync();
        }
    }
}
