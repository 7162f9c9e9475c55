using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Jobs;

/// <summary>Counts the bytes in all jobs' logs against the runtime's limit (§14).</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class LogMemory(long limit)
{
    private long _bytes;

    public long Bytes => Volatile.Read(ref _bytes);

    public bool IsFull => Bytes > limit;

    public void Add(long bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        ArcpTelemetry.BytesBuffered.Add(bytes);
    }
}
