using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core;

namespace Arcp.Runtime.Agents;

/// <summary>An agent with a typed input and result. An input that does not fit ends the job with <c>INVALID_REQUEST</c>.</summary>
/// <typeparam name="TInput">The input, read with the runtime's <c>JsonSerializerOptions</c> or a given contract.</typeparam>
/// <typeparam name="TResult">The result, written likewise.</typeparam>
public abstract class TypedAgent<TInput, TResult> : IAgent
{
    private readonly AgentJson<TInput> _input;
    private readonly AgentJson<TResult> _result;

    /// <summary>Reads and writes with reflection.</summary>
    [RequiresUnreferencedCode("Uses reflection; pass JsonTypeInfos when trimming.")]
    [RequiresDynamicCode("Uses reflection; pass JsonTypeInfos under native AOT.")]
    protected TypedAgent()
    {
        _input = AgentJson<TInput>.Reflected();
        _result = AgentJson<TResult>.Reflected();
    }

    /// <summary>Reads and writes with the given contracts; works under native AOT.</summary>
    /// <param name="inputTypeInfo">How to read the input.</param>
    /// <param name="resultTypeInfo">How to write the result.</param>
    protected TypedAgent(JsonTypeInfo<TInput> inputTypeInfo, JsonTypeInfo<TResult> resultTypeInfo)
    {
        _input = AgentJson<TInput>.Of(inputTypeInfo);
        _result = AgentJson<TResult>.Of(resultTypeInfo);
    }

    /// <summary>Runs one job to its end.</summary>
    /// <param name="input">The job's input; null when the input is null and the type allows it.</param>
    /// <param name="job">The job.</param>
    /// <param name="cancellationToken">Cancelled when the agent has to stop.</param>
    /// <returns>The result.</returns>
    protected abstract Task<TResult> RunAsync(TInput input, JobContext job, CancellationToken cancellationToken);

    /// <inheritdoc/>
    async Task<RawJson?> IAgent.RunAsync(JobContext job, CancellationToken cancellationToken) =>
        _result.Write(await RunAsync(_input.Read(job), job, cancellationToken).ConfigureAwait(false), job);
}
