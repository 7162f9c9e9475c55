using System.Buffers.Binary;

namespace Arcp.Core.Ids;

/// <summary>Mints ULIDs: 48 bits of milliseconds and 80 random bits, as 26 characters of Crockford's base 32.</summary>
/// <remarks>Thread-safe. The random bits come from the operating system's CSPRNG, fetched in blocks per thread.</remarks>
public static class Ulid
{
    /// <summary>The length of a ULID in characters.</summary>
    public const int Length = 26;

    private const int RandomBytes = 10;

    private static ReadOnlySpan<byte> Alphabet => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"u8;

    /// <summary>Mints a ULID for the moment <paramref name="now"/> as UTF-8.</summary>
    /// <param name="now">The moment to encode; milliseconds are kept.</param>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    public static void Mint(DateTimeOffset now, Span<byte> destination)
    {
        Span<byte> random = stackalloc byte[16];
        RandomBlock.Fill(random[..RandomBytes]);

        ulong milliseconds = (ulong)now.ToUnixTimeMilliseconds();
        for (int i = 9; i >= 0; i--)
        {
            destination[i] = Alphabet[(int)(milliseconds & 31)];
            milliseconds >>= 5;
        }

        // 80 bits are two groups of 40: eight characters each.
        WriteGroup(random, destination[10..18]);
        WriteGroup(random[5..], destination[18..26]);
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

    private static void WriteGroup(ReadOnlySpan<byte> fiveBytes, Span<byte> destination)
    {
        ulong bits = ((ulong)BinaryPrimitives.ReadUInt32BigEndian(fiveBytes) << 8) | fiveBytes[4];
        for (int i = 7; i >= 0; i--)
        {
            destination[i] = Alphabet[(int)(bits & 31)];
            bits >>= 5;
        }
    }
}
