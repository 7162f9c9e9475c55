using Arcp.Benchmarks.Server;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.DependencyInjection;
using BenchmarkDotNet.Attributes;

namespace Arcp.Benchmarks.Micro;

/// <summary>What goes through the runtime and one session in the same process. Allocations are those of runtime and reader together.</summary>
public class RuntimeBenchmarks
{
    private const int Batch = 10_000;
    private const int Replayed = 1_000;

    private static readonly byte[] Echo = InProcessSession.Bytes("job.submit", "{\"agent\":\"echo\",\"input\":{\"text\":\"hello\"}}");
    private static readonly byte[] EchoOnce = InProcessSession.Bytes("job.submit", "{\"agent\":\"echo\",\"input\":{\"text\":\"hello\"},\"idempotency_key\":\"one\"}");
    private static readonly byte[] Accepted = "\"type\":\"job.accepted\""u8.ToArray();
    private static readonly byte[] Result = "\"type\":\"job.result\""u8.ToArray();

    private InProcessSession _session = null!;
    private long _key;

    [GlobalSetup]
    public void Open() => _session = InProcessSession.OpenAsync(AddAgents).GetAwaiter().GetResult();

    [GlobalSetup(Target = nameof(ReplayIdempotentSubmit))]
    public void OpenAndSubmit()
    {
        Open();
        SubmitAsync(EchoOnce, Result).GetAwaiter().GetResult();
    }

    [GlobalSetup(Target = nameof(ResumeReplay))]
    public void OpenAndEmit()
    {
        Open();
        SubmitAsync(InProcessSession.Bytes("job.submit", $"{{\"agent\":\"flood\",\"input\":{EndToEnd.Flood.Input(Replayed)}}}"), Result).GetAwaiter().GetResult();
    }

    [GlobalCleanup]
    public void Close() => _session.DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>One event, from the agent's call to the reader's hands.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public Task EmitEvent() =>
        SubmitAsync(InProcessSession.Bytes("job.submit", $"{{\"agent\":\"flood\",\"input\":{EndToEnd.Flood.Input(Batch)}}}"), Result);

    /// <summary>One check by a job's guard, asked by its agent.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public Task CheckGuard() =>
        SubmitAsync(InProcessSession.Bytes("job.submit", $"{{\"agent\":\"guarded\",\"input\":{Batch},\"lease_request\":{{\"fs.read\":[\"/data/**\"]}}}}"), Result);

    /// <summary>From submit to result.</summary>
    [Benchmark]
    public Task SubmitEcho() => SubmitAsync(Echo, Result);

    /// <summary>A submit whose key was used for the same request: the stored answer (§7.2).</summary>
    [Benchmark]
    public Task ReplayIdempotentSubmit() => SubmitAsync(EchoOnce, Accepted);

    /// <summary>A submit with a new key: claim, job, stored answer, result.</summary>
    [Benchmark]
    public Task ClaimIdempotentSubmit() =>
        SubmitAsync(InProcessSession.Bytes("job.submit", $"{{\"agent\":\"echo\",\"input\":{{\"text\":\"hello\"}},\"idempotency_key\":\"{_key++}\"}}"), Result);

    /// <summary>A new connection that resumes and is sent 1,000 events again.</summary>
    [Benchmark]
    public async Task<int> ResumeReplay()
    {
        await _session.ResumeAsync(_session.ResumeToken, lastEventSeq: 0);
        return await _session.ReadUntilAsync(Result);
    }

    private static void AddAgents(ArcpRuntimeBuilder builder)
    {
        BenchmarkAgents.AddAll(builder, new StartGate());
        builder.AddAgent<int>("guarded", "1.0.0", static (count, job, _) =>
        {
            for (int i = 0; i < count; i++)
            {
                if (!job.TryAuthorize(LeaseNamespaces.FsRead, "/data/reports/2026/november.csv", out ArcpException? denial))
                {
                    throw denial;
                }
            }

            return Task.CompletedTask;
        });
    }

    private async Task SubmitAsync(byte[] submit, byte[] answer)
    {
        await _session.SendAsync(submit);
        await _session.ReadUntilAsync(answer);
    }
}
