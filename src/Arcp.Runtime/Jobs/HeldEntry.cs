using System.Buffers;
using Arcp.Core;

namespace Arcp.Runtime.Jobs;

/// <summary>An entry that waits, with bytes of its own out of the shared pool.</summary>
internal sealed class HeldEntry : IDisposable
{
    private readonly byte[] _bytes;
    private readonly int _length;
    private readonly Features _required;

    public HeldEntry(in NewEntry entry)
    {
        _length = entry.Bytes.Length;
        _bytes = ArrayPool<byte>.Shared.Rent(_length);
        _required = entry.Required;
        entry.Bytes.CopyTo(_bytes);
    }

    public NewEntry Entry => new() { Bytes = _bytes.AsSpan(0, _length), Required = _required };

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
}
