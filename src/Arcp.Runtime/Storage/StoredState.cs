namespace Arcp.Runtime.Storage;

/// <summary>What a store holds when it is opened.</summary>
public sealed record StoredState
{
    /// <summary>Of an empty store.</summary>
    public static StoredState Empty { get; } = new();

    /// <summary>The jobs, in any order.</summary>
    public IReadOnlyList<StoredJob> Jobs { get; init; } = [];

    /// <summary>The answers to submits under idempotency keys.</summary>
    public IReadOnlyList<StoredAnswer> Answers { get; init; } = [];

    /// <summary>The sessions.</summary>
    public IReadOnlyList<StoredSession> Sessions { get; init; } = [];

    /// <summary>The values that must still be revoked.</summary>
    public IReadOnlyList<StoredCredential> Credentials { get; init; } = [];

    /// <summary>The key that seals the cursors of listings; null = there is none yet.</summary>
    public ReadOnlyMemory<byte>? ListingKey { get; init; }
}
