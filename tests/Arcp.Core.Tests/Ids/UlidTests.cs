using System.Collections.Concurrent;
using System.Text;
using Arcp.Core.Ids;

namespace Arcp.Core.Tests.Ids;

[Trait("Section", "5")]
public sealed class UlidTests
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    [Theory]
    [InlineData(0, "0000000000")]
    [InlineData(1, "0000000001")]
    [InlineData(31, "000000000Z")]
    [InlineData(32, "0000000010")]
    [InlineData(1469918176385, "01ARYZ6S41")] // the example of the ULID specification
    [InlineData(253402300799999, "76EZ91ZPZZ")] // the last millisecond of the year 9999
    public void The_first_ten_characters_are_the_milliseconds_since_1970(long milliseconds, string expected)
    {
        Mint(DateTimeOffset.FromUnixTimeMilliseconds(milliseconds))[..10].Should().Be(expected);
    }

    [Fact]
    public void A_ulid_has_26_characters_of_Crockford_s_alphabet_and_uses_all_of_them()
    {
        string[] ulids = [.. Enumerable.Range(0, 2_000).Select(_ => Mint(DateTimeOffset.UnixEpoch))];

        ulids.Should().OnlyContain(ulid => ulid.Length == Ulid.Length && ulid.All(c => Alphabet.Contains(c)));
        for (int place = 10; place < Ulid.Length; place++)
        {
            ulids.Select(ulid => ulid[place]).Distinct().Should().HaveCount(32, "place {0} carries five random bits", place);
        }
    }

    [Fact]
    public void No_random_byte_is_used_for_two_ulids()
    {
        byte[][] random = [.. Enumerable.Range(0, 1_000).Select(_ => RandomBytes(Mint(DateTimeOffset.UnixEpoch)))];

        for (int i = 1; i < random.Length; i++)
        {
            for (int from = 0; from + 5 <= random[i].Length; from++)
            {
                random[i - 1].AsSpan().IndexOf(random[i].AsSpan(from, 5)).Should().Be(-1);
            }
        }
    }

    [Fact]
    public void Ulids_sort_by_time()
    {
        DateTimeOffset moment = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
        string[] ulids = [.. Enumerable.Range(0, 5_000).Select(i => Mint(moment.AddMilliseconds(i * 37L)))];

        ulids.Should().BeInAscendingOrder(StringComparer.Ordinal);
    }

    [Fact]
    public void A_million_ulids_of_one_moment_minted_on_many_threads_differ()
    {
        const int threads = 8;
        const int each = 125_000;
        var all = new ConcurrentBag<string[]>();

        Thread[] workers = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
            all.Add([.. Enumerable.Range(0, each).Select(_ => Mint(DateTimeOffset.UnixEpoch))])))];
        Array.ForEach(workers, worker => worker.Start());
        Array.ForEach(workers, worker => worker.Join());

        var distinct = new HashSet<string>(all.SelectMany(ulids => ulids), StringComparer.Ordinal);
        distinct.Count.Should().Be(threads * each);
    }

    private static byte[] RandomBytes(string ulid) =>
        ulid[10..].Aggregate(System.Numerics.BigInteger.Zero, (sum, c) => (sum * 32) + Alphabet.IndexOf(c, StringComparison.Ordinal)).ToByteArray(isUnsigned: true, isBigEndian: true);

    private static string Mint(DateTimeOffset now)
    {
        Span<byte> ulid = stackalloc byte[Ulid.Length];
        Ulid.Mint(now, ulid);
        return Encoding.ASCII.GetString(ulid);
    }
}
