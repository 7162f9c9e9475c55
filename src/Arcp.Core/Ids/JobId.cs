using System.Text.Json.Serialization;

namespace Arcp.Core.Ids;

/// <summary>A job.</summary>
[JsonConverter(typeof(ArcpIdConverter<JobId>))]
public readonly record struct JobId : IArcpId<JobId>
{
    private readonly string? _value;

    /// <summary>Wraps an id that came from elsewhere.</summary>
    /// <param name="value">1 to 128 characters.</param>
    /// <exception cref="ArgumentException">The text is empty or too long.</exception>
    public JobId(string value) => _value = ArcpId.Checked(value);

    /// <inheritdoc/>
    public string Value => _value ?? string.Empty;

    /// <summary>Mints a new id: <c>job_</c> and a ULID.</summary>
    /// <param name="clock">The clock that the ULID's time comes from.</param>
    public static JobId New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return new(Ulid.MintWithPrefix("job_", clock.GetUtcNow()));
    }

    static JobId IArcpId<JobId>.Create(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
