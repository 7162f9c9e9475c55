using System.Text.Json.Serialization;

namespace Arcp.Core.Ids;

/// <summary>One message; unique per message, minted by its sender.</summary>
[JsonConverter(typeof(ArcpIdConverter<MessageId>))]
public readonly record struct MessageId : IArcpId<MessageId>
{
    private readonly string? _value;

    /// <summary>Wraps an id that came from elsewhere.</summary>
    /// <param name="value">1 to 128 characters.</param>
    /// <exception cref="ArgumentException">The text is empty or too long.</exception>
    public MessageId(string value) => _value = ArcpId.Checked(value);

    /// <inheritdoc/>
    public string Value => _value ?? string.Empty;

    /// <summary>Mints a new id: <c>msg_</c> and a ULID.</summary>
    /// <param name="clock">The clock that the ULID's time comes from.</param>
    public static MessageId New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new(Ulid.MintWithPrefix("msg_", clock.GetUtcNow()));
    }

    static MessageId IArcpId<MessageId>.Create(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
