using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds agents to a runtime (§7.5). A name may have many versions; a bare name means the default, else the highest by SemVer order.</summary>
public static class ArcpRuntimeBuilderAgentExtensions
{
    private const string Reflects = "Uses reflection for the input and the result; pass JsonTypeInfos when trimming or under native AOT.";

    /// <summary>Adds an agent that is a class. One instance is made for each job, in a service scope of its own.</summary>
    /// <typeparam name="TAgent">The class; its constructor may ask for services.</typeparam>
    /// <param name="builder">The runtime.</param>
    /// <param name="name">The name: <c>[a-z0-9][a-z0-9._-]*</c>.</param>
    /// <param name="version">The version: <c>[a-zA-Z0-9.+_-]+</c>.</param>
    /// <param name="isDefault">Whether a bare name means this version.</param>
    /// <exception cref="ArgumentException">The name or the version is not accepted.</exception>
    public static ArcpRuntimeBuilder AddAgent<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAgent>(
        this ArcpRuntimeBuilder builder, string name, string version, bool isDefault = false)
        where TAgent : class, IAgent
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(name, version, isDefault, static scope => ActivatorUtilities.CreateInstance<TAgent>(scope.Services));
    }

    /// <summary>Adds an agent that is a function of raw JSON.</summary>
    /// <param name="builder">The runtime.</param>
    /// <param name="name">The name: <c>[a-z0-9][a-z0-9._-]*</c>.</param>
    /// <param name="version">The version: <c>[a-zA-Z0-9.+_-]+</c>.</param>
    /// <param name="run">Runs one job; null = the JSON value null.</param>
    /// <param name="isDefault">Whether a bare name means this version.</param>
    /// <exception cref="ArgumentException">The name or the version is not accepted.</exception>
    public static ArcpRuntimeBuilder AddAgent(
        this ArcpRuntimeBuilder builder, string name, string version, Func<JobContext, CancellationToken, Task<RawJson?>> run, bool isDefault = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(run);
        var agent = new DelegateAgent(run);
        return builder.Add(name, version, isDefault, _ => agent);
    }

    /// <summary>Adds an agent that is a function with a typed input and result.</summary>
    /// <typeparam name="TInput">The input.</typeparam>
    /// <typeparam name="TResult">The result.</typeparam>
    /// <param name="builder">The runtime.</param>
    /// <param name="name">The name: <c>[a-z0-9][a-z0-9._-]*</c>.</param>
    /// <param name="version">The version: <c>[a-zA-Z0-9.+_-]+</c>.</param>
    /// <param name="run">Runs one job.</param>
    /// <param name="isDefault">Whether a bare name means this version.</param>
    /// <exception cref="ArgumentException">The name or the version is not accepted.</exception>
    [RequiresUnreferencedCode(Reflects)]
    [RequiresDynamicCode(Reflects)]
    public static ArcpRuntimeBuilder AddAgent<TInput, TResult>(
        this ArcpRuntimeBuilder builder, string name, string version, Func<TInput, JobContext, CancellationToken, Task<TResult>> run, bool isDefault = false) =>
        builder.AddTyped(name, version, AgentJson<TInput>.Reflected(), AgentJson<TResult>.Reflected(), run, isDefault);

    /// <summary>Adds an agent that is a function with a typed input and no result: its result is null.</summary>
    /// <typeparam name="TInput">The input.</typeparam>
    /// <param name="builder">The runtime.</param>
    /// <param name="name">The name: <c>[a-z0-9][a-z0-9._-]*</c>.</param>
    /// <param name="version">The version: <c>[a-zA-Z0-9.+_-]+</c>.</param>
    /// <param name="run">Runs one job.</param>
    /// <param name="isDefault">Whether a bare name means this version.</param>
    /// <exception cref="ArgumentException">The name or the version is not accepted.</exception>
    [RequiresUnreferencedCode(Reflects)]
    [RequiresDynamicCode(Reflects)]
    public static ArcpRuntimeBuilder AddAgent<TInput>(
        this ArcpRuntimeBuilder builder, string name, string version, Func<TInput, JobContext, CancellationToken, Task> run, bool isDefault = false)
    {
        ArgumentNullException.ThrowIfNull(run);
        var input = AgentJson<TInput>.Reflected();
        return builder.AddAgent(
            name,
            version,
            async Task<RawJson?> (job, cancellationToken) =>
            {
                await run(input.Read(job), job, cancellationToken).ConfigureAwait(false);
                return null;
            },
            isDefault);
    }

    /// <summary>Adds an agent that is a function with a typed input and result; works under native AOT.</summary>
    /// <typeparam name="TInput">The input.</typeparam>
    /// <typeparam name="TResult">The result.</typeparam>
    /// <param name="builder">The runtime.</param>
    /// <param name="name">The name: <c>[a-z0-9][a-z0-9._-]*</c>.</param>
    /// <param name="version">The version: <c>[a-zA-Z0-9.+_-]+</c>.</param>
    /// <param name="inputTypeInfo">How to read the input.</param>
    /// <param name="resultTypeInfo">How to write the result.</param>
    /// <param name="run">Runs one job.</param>
    /// <param name="isDefault">Whether a bare name means this version.</param>
    /// <exception cref="ArgumentException">The name or the version is not accepted.</exception>
    public static ArcpRuntimeBuilder AddAgent<TInput, TResult>(
        this ArcpRuntimeBuilder builder,
        string name,
        string version,
        JsonTypeInfo<TInput> inputTypeInfo,
        JsonTypeInfo<TResult> resultTypeInfo,
        Func<TInput, JobContext, CancellationToken, Task<TResult>> run,
        bool isDefault = false) =>
        builder.AddTyped(name, version, AgentJson<TInput>.Of(inputTypeInfo), AgentJson<TResult>.Of(resultTypeInfo), run, isDefault);

    private static ArcpRuntimeBuilder AddTyped<TInput, TResult>(
        this ArcpRuntimeBuilder builder,
        string name,
        string version,
        AgentJson<TInput> input,
        AgentJson<TResult> result,
        Func<TInput, JobContext, CancellationToken, Task<TResult>> run,
        bool isDefault)
    {
        ArgumentNullException.ThrowIfNull(run);
        return builder.AddAgent(
            name,
            version,
            async Task<RawJson?> (job, cancellationToken) =>
                result.Write(await run(input.Read(job), job, cancellationToken).ConfigureAwait(false), job),
            isDefault);
    }
}
