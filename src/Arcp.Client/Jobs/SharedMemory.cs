namespace Arcp.Client.Jobs;

/// <summary>Counts the bytes that several logs keep together.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SharedMemory(long maxBytes)
{
    private long _bytes;

    public bool IsExceeded => Volatile.Read(ref _bytes) > maxBytes;

    public bool HasRoom(long bytes) => Volatile.Read(ref _bytes) + bytes <= maxBytes;

    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);
}
