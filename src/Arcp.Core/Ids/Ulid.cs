using System.Buffers.Binary;

namespace Arcp.Core.Ids;

/// <summary>Mints ULIDs: 48 bits of milliseconds and 80 random bits, as 26 characters of Crockford's base 32.</summary>
/// <remarks>Thread-safe. The random bits come from the operating system's CSPRNG, fetched in blocks per thread.</remarks>
public static class Ulid
{
    /// <summary>The length of a ULID in characters.</summary>
    public const int Length = 26;

    private const int RandomBytes = 10;

    private static readonly ushort[] Pairs =
        [.. Enumerable.Range(0, 1024).Select(bits => (ushort)((Alphabet[bits >> 5] << 8) | Alphabet[bits & 31]))];

    private static ReadOnlySpan<byte> Alphabet => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"u8;

    /// <summary>Mints a ULID for the moment <paramref name="now"/> as UTF-8.</summary>
    /// <param name="now">The moment to encode; milliseconds are kept.</param>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    public static void Mint(DateTimeOffset now, Span<byte> destination)
    {
        Span<byte> random = stackalloc byte[16];
        RandomBlock.Fill(random[..RandomBytes]);

        // The random 80 bits are two groups of 40: eight characters each.
        Write((ulong)now.ToUnixTimeMilliseconds(), destination[..10]);
        Write(Read40Bits(random), destination[10..18]);
        Write(Read40Bits(random[5..]), destination[18..26]);
    }

    /// <summary>Mints an id of the form <c>prefix_ULID</c>.</summary>
    /// <param name="prefix">The prefix with its underscore, for example <c>job_</c>.</param>
    /// <param name="now">The moment to encode.</param>
    public static string MintWithPrefix(string prefix, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        return string.Create(prefix.Length + Length, (prefix, now), static (chars, state) =>
        {
            state.prefix.CopyTo(chars);
            Span<byte> ulid = stackalloc byte[Length];
            Mint(state.now, ulid);
            System.Text.Encoding.ASCII.GetChars(ulid, chars[state.prefix.Length..]);
        });
    }

    private static ulong Read40Bits(ReadOnlySpan<byte> bytes) => ((ulong)BinaryPrimitives.ReadUInt32BigEndian(bytes) << 8) | bytes[4];

    // Two characters at a time.
    private static void Write(ulong bits, Span<byte> destination)
    {
        for (int i = destination.Length - 2; i >= 0; i -= 2)
        {
            BinaryPrimitives.WriteUInt16BigEndian(destination[i..], Pairs[(int)(bits & 1023)]);
            bits >>= 10;
        }
    }
}
