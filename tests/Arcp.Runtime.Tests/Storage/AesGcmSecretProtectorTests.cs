using System.Security.Cryptography;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Tests.Storage;

[Trait("Section", "9.8")]
public class AesGcmSecretProtectorTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] OtherKey = RandomNumberGenerator.GetBytes(32);
    private static readonly byte[] Secret = "sk-1234567890"u8.ToArray();

    private readonly AesGcmSecretProtector _protector = new(Key);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(100_000)]
    public void What_was_protected_is_read_again_also_by_a_later_run(int length)
    {
        byte[] secret = RandomNumberGenerator.GetBytes(length);
        byte[] kept = _protector.Protect(secret, "credential");

        _protector.Unprotect(kept, "credential").Should().Equal(secret);
        new AesGcmSecretProtector([.. Key]).Unprotect(kept, "credential").Should().Equal(secret);
    }

    [Fact]
    public void The_secret_does_not_show()
    {
        byte[] kept = _protector.Protect(Secret, "credential");

        kept.AsSpan().IndexOf(Secret.AsSpan(0, 4)).Should().Be(-1);
        kept.AsSpan().IndexOf(Key.AsSpan(0, 8)).Should().Be(-1);
    }

    [Fact]
    public void One_secret_protected_often_is_never_the_same_bytes()
    {
        string[] kept = [.. Enumerable.Range(0, 100).Select(_ => Convert.ToHexString(_protector.Protect(Secret, "credential")))];

        kept.Should().OnlyHaveUniqueItems();
        kept.Select(each => each[10..34]).Should().OnlyHaveUniqueItems("a nonce used twice under one key gives the key's stream away");
    }

    [Fact]
    public void A_change_at_any_byte_is_noticed()
    {
        byte[] kept = _protector.Protect(Secret, "credential");
        for (int i = 0; i < kept.Length; i++)
        {
            byte[] changed = [.. kept];
            changed[i] ^= 1;
            _protector.Invoking(protector => protector.Unprotect(changed, "credential")).Should().Throw<CryptographicException>($"byte {i} was changed");
        }
    }

    [Fact]
    public void What_was_cut_off_or_added_to_is_noticed()
    {
        byte[] kept = _protector.Protect(Secret, "credential");
        for (int length = 0; length < kept.Length; length++)
        {
            _protector.Invoking(protector => protector.Unprotect(kept.AsSpan(0, length), "credential")).Should().Throw<CryptographicException>($"only {length} bytes are left");
        }

        _protector.Invoking(protector => protector.Unprotect([.. kept, 0], "credential")).Should().Throw<CryptographicException>();
    }

    [Fact]
    public void What_is_for_one_purpose_is_not_read_for_another()
    {
        byte[] kept = _protector.Protect(Secret, "credential a");

        _protector.Invoking(protector => protector.Unprotect(kept, "credential b")).Should().Throw<CryptographicException>();
        _protector.Invoking(protector => protector.Unprotect(kept, string.Empty)).Should().Throw<CryptographicException>();
    }

    [Fact]
    public void Older_keys_are_read_and_the_first_one_writes()
    {
        byte[] old = _protector.Protect(Secret, "credential");
        var changed = new AesGcmSecretProtector(OtherKey, RandomNumberGenerator.GetBytes(32), Key);

        changed.Unprotect(old, "credential").Should().Equal(Secret);
        byte[] fresh = changed.Protect(Secret, "credential");
        new AesGcmSecretProtector(OtherKey).Unprotect(fresh, "credential").Should().Equal(Secret);
        _protector.Invoking(protector => protector.Unprotect(fresh, "credential")).Should().Throw<CryptographicException>();
    }

    [Fact]
    public void A_key_that_was_not_given_is_said_to_be_missing()
    {
        byte[] kept = _protector.Protect(Secret, "credential");

        new AesGcmSecretProtector(OtherKey).Invoking(protector => protector.Unprotect(kept, "credential"))
            .Should().Throw<CryptographicException>().WithMessage("*encrypted with a key that is not among those given*");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_key_of_another_length_is_refused(int length)
    {
        Func<AesGcmSecretProtector> asFirst = () => new AesGcmSecretProtector(new byte[length]);
        Func<AesGcmSecretProtector> asOlder = () => new AesGcmSecretProtector(Key, new byte[length]);

        asFirst.Should().Throw<ArgumentException>().WithMessage($"*32 bytes*{length}*");
        asOlder.Should().Throw<ArgumentException>().WithMessage($"*32 bytes*{length}*");
    }

    [Fact]
    public void The_keys_are_copied()
    {
        byte[] given = [.. Key];
        var protector = new AesGcmSecretProtector(given);
        Array.Clear(given);

        _protector.Unprotect(protector.Protect(Secret, "credential"), "credential").Should().Equal(Secret);
    }
}
