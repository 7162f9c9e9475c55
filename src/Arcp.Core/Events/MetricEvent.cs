using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary><c>metric</c>: a measurement.</summary>
public sealed record MetricEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "metric";

    /// <summary>What is measured.</summary>
    public required string Name { get; init; }

    /// <summary>The value, decimal-exact.</summary>
    public required decimal Value { get; init; }

    /// <summary>The value's unit, for example a currency.</summary>
    public string? Unit { get; init; }

    /// <summary>What the value is about.</summary>
    public IReadOnlyDictionary<string, string>? Dimensions
    {
        get;
        init => field = Absent.IfNull(value);
    }

    /// <summary>Another name for <see cref="Dimensions"/> that some runtimes use; read only.</summary>
    [JsonInclude]
    internal IReadOnlyDictionary<string, string>? Dims
    {
        get => null;
        init => Dimensions ??= value;
    }
}
