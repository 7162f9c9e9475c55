using System.Security.Cryptography;

namespace Arcp.Core;

/// <summary>Random bytes from the operating system's CSPRNG, fetched many at a time: a call for a few costs as much as one for a block.</summary>
/// <remarks>Each thread has a block of its own. For ids, which everybody may see; secrets are not taken from it, because what was given out stays in memory.</remarks>
internal sealed class RandomBlock
{
    private const int BlockBytes = 2560;

    [ThreadStatic]
    private static RandomBlock? _ofThread;

    private readonly byte[] _bytes = new byte[BlockBytes];
    private int _used = BlockBytes;

    /// <summary>Fills a few bytes.</summary>
    /// <param name="destination">Where to; far less than a block.</param>
    public static void Fill(Span<byte> destination) => (_ofThread ??= new RandomBlock()).Take(destination);

    private void Take(Span<byte> destination)
    {
        if (_used + destination.Length > _bytes.Length)
        {
            RandomNumberGenerator.Fill(_bytes);
            _used = 0;
        }

        _bytes.AsSpan(_used, destination.Length).CopyTo(destination);
        _used += destination.Length;
    }
}
