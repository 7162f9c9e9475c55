using System.Runtime.InteropServices;

namespace Arcp.Core.Tests.Transports;

/// <summary>Notes each call, and what was written.</summary>
internal sealed class RecordingStream : MemoryStream
{
    private readonly List<byte> _bytes = [];

    public List<string> Calls { get; } = [];

    public IReadOnlyList<byte> Bytes => _bytes;

    public byte[]? LastArray { get; private set; }

    public bool FailsNext { get; set; }

    /// <summary>What writes wait for.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public bool IgnoresCancellation { get; set; }

    /// <summary>How many writes have begun.</summary>
    public int Entered { get; private set; }

    public void Reset()
    {
        Calls.Clear();
        _bytes.Clear();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (FailsNext)
        {
            FailsNext = false;
            throw new IOException("broken pipe");
        }

        Entered++;
        await Gate.WaitAsync(IgnoresCancellation ? CancellationToken.None : cancellationToken);
        Calls.Add($"write {buffer.Length}");
        _bytes.AddRange(buffer.Span);
        MemoryMarshal.TryGetArray(buffer, out ArraySegment<byte> array);
        LastArray = array.Array;
    }

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        Calls.Add("flush");
        return Task.CompletedTask;
    }
}
