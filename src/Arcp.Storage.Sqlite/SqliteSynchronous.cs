namespace Arcp.Storage.Sqlite;

/// <summary>What a commit survives.</summary>
public enum SqliteSynchronous
{
    /// <summary>The end of the process, however it ends; after a power failure the last commits may be missing. Faster.</summary>
    Normal,

    /// <summary>A power failure, too.</summary>
    Full,
}
