using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Runtime.Agents;

namespace Arcp.Runtime.Tests.Support;

/// <summary>An agent whose runs wait until the test lets them go on; counts its runs.</summary>
public sealed class GatedAgent(bool isStubborn = false)
{
    private readonly ConcurrentDictionary<string, Gate> _gates = new();
    private int _runs;

    public int Runs => Volatile.Read(ref _runs);

    /// <summary>Ends when a job's agent has begun.</summary>
    public Task<JobContext> BegunAsync(string jobId) => GateOf(jobId).Begun.Task.WaitAsync(WireClient.Patience, TimeProvider.System);

    /// <summary>Ends when a job's agent has returned or thrown.</summary>
    public Task OverAsync(string jobId) => GateOf(jobId).Over.Task.WaitAsync(WireClient.Patience, TimeProvider.System);

    /// <summary>Lets a job's agent return its input.</summary>
    public void Open(string jobId) => Open(jobId, job => Task.FromResult<RawJson?>(job.Input));

    /// <summary>Lets a job's agent do something.</summary>
    public void Open(string jobId, Func<JobContext, Task<RawJson?>> act) => GateOf(jobId).Opened.TrySetResult(act);

    public async Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _runs);
        Gate gate = GateOf(job.JobId.Value);
        gate.Begun.TrySetResult(job);
        try
        {
            Func<JobContext, Task<RawJson?>> act = await gate.Opened.Task.WaitAsync(isStubborn ? CancellationToken.None : cancellationToken);
            return await act(job);
        }
        finally
        {
            gate.Over.TrySetResult();
        }
    }

    private Gate GateOf(string jobId) => _gates.GetOrAdd(jobId, _ => new Gate());

    private sealed class Gate
    {
        public TaskCompletionSource<JobContext> Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<Func<JobContext, Task<RawJson?>>> Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
