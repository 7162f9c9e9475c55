using System.Text.Json.Serialization;

namespace Arcp.Core.Ids;

/// <summary>A result that is streamed in chunks (§8.4).</summary>
[JsonConverter(typeof(ArcpIdConverter<ResultId>))]
public readonly record struct ResultId : IArcpId<ResultId>
{
    private readonly string? _value;

    /// <summary>Wraps an id that came from elsewhere.</summary>
    /// <param name="value">1 to 128 characters.</param>
    /// <exception cref="ArgumentException">The text is empty or too long.</exception>
    public ResultId(string value) => _value = ArcpId.Checked(value);

    /// <inheritdoc/>
    public string Value => _value ?? string.Empty;

    /// <summary>Mints a new id: <c>res_</c> and a ULID.</summary>
    /// <param name="clock">The clock that the ULID's time comes from.</param>
    public static ResultId New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new(Ulid.MintWithPrefix("res_", clock.GetUtcNow()));
    }

    static ResultId IArcpId<ResultId>.Create(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
