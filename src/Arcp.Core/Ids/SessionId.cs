using System.Text.Json.Serialization;

namespace Arcp.Core.Ids;

/// <summary>A session, which outlives its connections.</summary>
[JsonConverter(typeof(ArcpIdConverter<SessionId>))]
public readonly record struct SessionId : IArcpId<SessionId>
{
    private readonly string? _value;

    /// <summary>Wraps an id that came from elsewhere.</summary>
    /// <param name="value">1 to 128 characters.</param>
    /// <exception cref="ArgumentException">The text is empty or too long.</exception>
    public SessionId(string value) => _value = ArcpId.Checked(value);

    /// <inheritdoc/>
    public string Value => _value ?? string.Empty;

    /// <summary>Mints a new id: <c>sess_</c> and a ULID.</summary>
    /// <param name="clock">The clock that the ULID's time comes from.</param>
    public static SessionId New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new(Ulid.MintWithPrefix("sess_", clock.GetUtcNow()));
    }

    static SessionId IArcpId<SessionId>.Create(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
