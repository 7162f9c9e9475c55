using System.Text.Json.Serialization;

namespace Arcp.Core.Ids;

/// <summary>A credential lent to a job (§9.8).</summary>
[JsonConverter(typeof(ArcpIdConverter<CredentialId>))]
public readonly record struct CredentialId : IArcpId<CredentialId>
{
    private readonly string? _value;

    /// <summary>Wraps an id that came from elsewhere.</summary>
    /// <param name="value">1 to 128 characters.</param>
    /// <exception cref="ArgumentException">The text is empty or too long.</exception>
    public CredentialId(string value) => _value = ArcpId.Checked(value);

    /// <inheritdoc/>
    public string Value => _value ?? string.Empty;

    /// <summary>Mints a new id: <c>cred_</c> and a ULID.</summary>
    /// <param name="clock">The clock that the ULID's time comes from.</param>
    public static CredentialId New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new(Ulid.MintWithPrefix("cred_", clock.GetUtcNow()));
    }

    static CredentialId IArcpId<CredentialId>.Create(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
