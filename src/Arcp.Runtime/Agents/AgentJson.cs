using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core;

namespace Arcp.Runtime.Agents;

/// <summary>How an agent's input is read or its result written: by a given contract, or by reflection with the runtime's options.</summary>
internal sealed class AgentJson<T>
{
    private readonly Func<JobContext, T?> _read;
    private readonly Func<T, JobContext, RawJson> _write;

    private AgentJson(Func<JobContext, T?> read, Func<T, JobContext, RawJson> write)
    {
        _read = read;
        _write = write;
    }

    public static AgentJson<T> Of(JsonTypeInfo<T> typeInfo)
    {
        ArgumentNullException.ThrowIfNull(typeInfo);
        return new(job => job.Input.Deserialize(typeInfo), (value, _) => RawJson.From(value, typeInfo));
    }

    [RequiresUnreferencedCode("Uses reflection; pass a JsonTypeInfo when trimming.")]
    [RequiresDynamicCode("Uses reflection; pass a JsonTypeInfo under native AOT.")]
    public static AgentJson<T> Reflected() => new(
        job => typeof(T) == typeof(RawJson) ? (T)(object)job.Input : job.Input.Deserialize<T>(job.JsonSerializerOptions),
        (value, job) => value as RawJson ?? RawJson.From(value, job.JsonSerializerOptions));

    /// <exception cref="ArcpException"><c>INVALID_REQUEST</c>: the input does not fit.</exception>
    public T Read(JobContext job)
    {
        try
        {
            return _read(job)!;
        }
        catch (JsonException e)
        {
            throw new ArcpException(
                ErrorCode.InvalidRequest,
                $"The input is not what agent '{job.AgentName}' accepts{(e.Path is { Length: > 1 } path ? $", at {path}" : string.Empty)}.",
                innerException: e);
        }
    }

    public RawJson Write(T value, JobContext job) => value is null ? RawJson.Null : _write(value, job);
}
