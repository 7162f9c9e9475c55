namespace Arcp.Runtime.Storage;

/// <summary>An entry of a job's log as a store keeps it.</summary>
/// <param name="Number">Its number, 1..n.</param>
/// <param name="Tag">What the runtime notes about it, opaque to the store.</param>
/// <param name="Bytes">Its bytes, those without secrets.</param>
/// <param name="Secret">Its bytes with secrets, encrypted; empty = it holds none.</param>
public readonly record struct StoredEntry(long Number, long Tag, ReadOnlyMemory<byte> Bytes, ReadOnlyMemory<byte> Secret);
