using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;

namespace Arcp.Benchmarks.Server;

/// <summary>The agents that the scenarios use; none does anything but what is measured.</summary>
internal static class BenchmarkAgents
{
    private const int ResultBlock = 64 * 1024;

    public static void AddAll(ArcpRuntimeBuilder builder, StartGate gate) => builder
        .AddAgent("echo", "1.0.0", static (job, _) => Task.FromResult<RawJson?>(job.Input))
        .AddAgent("wait", "1.0.0", static async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return null;
        })
        .AddAgent<FloodInput, int>("flood", "1.0.0", async (input, job, _) =>
        {
            string message = new('x', input.Bytes);
            await EmitAsync(job, message, input.Before);
            if (input.Gated)
            {
                await gate.WaitAsync();
            }

            await EmitAsync(job, message, input.Events);
            return input.Events;
        })
        .AddAgent("result", "1.0.0", async (job, cancellationToken) =>
        {
            long size = job.Input.Deserialize<ResultInput>()!.Bytes;
            byte[] block = new byte[ResultBlock];
            Array.Fill(block, (byte)'x');
            await using ResultStream result = job.OpenResultStream();
            for (long written = 0; written < size; written += block.Length)
            {
                await result.WriteAsync(block.AsMemory(0, (int)Math.Min(block.Length, size - written)), cancellationToken);
            }

            await result.CompleteAsync();
            return null;
        });

    private static async Task EmitAsync(JobContext job, string message, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await job.LogAsync(message);
        }
    }

    /// <summary>How many events, how long their lines are, how many come before the gate.</summary>
    internal sealed record FloodInput(int Events, int Bytes, bool Gated = false, int Before = 0);

    /// <summary>How large the streamed result is.</summary>
    internal sealed record ResultInput(long Bytes);
}
