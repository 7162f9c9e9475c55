namespace Arcp.Runtime.Storage;

/// <summary>What this runtime writes into a store.</summary>
public static class RuntimeStoreContent
{
    /// <summary>The version of the records and of the bytes within them. A runtime reads what older ones wrote, never what newer ones did.</summary>
    public const int Version = 1;
}
