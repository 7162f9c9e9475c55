using System.Security.Cryptography;
using Arcp.Runtime;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.AspNetCore.Tests;

[Trait("Section", "9.8")]
public class DataProtectionTests
{
    private static readonly byte[] Secret = "sk-1234567890"u8.ToArray();

    private readonly DataProtectionSecretProtector _protector = new(new EphemeralDataProtectionProvider());

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public void What_was_protected_is_read_again(int length)
    {
        byte[] secret = RandomNumberGenerator.GetBytes(length);

        _protector.Unprotect(_protector.Protect(secret, "credential"), "credential").Should().Equal(secret);
    }

    [Fact]
    public void The_secret_does_not_show() => _protector.Protect(Secret, "credential").AsSpan().IndexOf(Secret.AsSpan(0, 4)).Should().Be(-1);

    [Fact]
    public void What_is_for_one_purpose_is_not_read_for_another()
    {
        byte[] kept = _protector.Protect(Secret, "credential a");

        _protector.Invoking(protector => protector.Unprotect(kept, "credential b")).Should().Throw<CryptographicException>();
    }

    [Fact]
    public void What_the_host_protects_for_itself_is_not_read()
    {
        var provider = new EphemeralDataProtectionProvider();
        byte[] cookie = provider.CreateProtector("credential").Protect(Secret);

        new DataProtectionSecretProtector(provider).Invoking(protector => protector.Unprotect(cookie, "credential")).Should().Throw<CryptographicException>();
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
    public async Task A_host_with_data_protection_can_build_its_runtime()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IDataProtectionProvider, EphemeralDataProtectionProvider>();
        services.AddArcpRuntime().UseDataProtection();
        await using ServiceProvider provider = services.BuildServiceProvider();

        provider.Invoking(each => each.GetRequiredService<ArcpRuntime>()).Should().NotThrow();
    }

    [Fact]
    public async Task A_host_without_data_protection_is_told_what_to_call()
    {
        var services = new ServiceCollection();
        services.AddArcpRuntime().UseDataProtection();
        await using ServiceProvider provider = services.BuildServiceProvider();

        provider.Invoking(each => each.GetRequiredService<ArcpRuntime>()).Should().Throw<InvalidOperationException>().WithMessage("*services.AddDataProtection()*");
    }
}
