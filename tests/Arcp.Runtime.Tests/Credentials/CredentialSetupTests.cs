using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.DependencyInjection;

namespace Arcp.Runtime.Tests.Credentials;

[Trait("Section", "9.8")]
public class CredentialSetupTests
{
    public static TheoryData<string, object?> Bad => new()
    {
        { nameof(CredentialOptions.IssueTimeout), TimeSpan.Zero },
        { nameof(CredentialOptions.IssueTimeout), TimeSpan.FromDays(2) },
        { nameof(CredentialOptions.RevocationWait), TimeSpan.FromTicks(-1) },
        { nameof(CredentialOptions.RevocationWait), TimeSpan.MaxValue },
        { nameof(CredentialOptions.RevocationAttempts), 0 },
        { nameof(CredentialOptions.RevocationBackoff), TimeSpan.Zero },
        { nameof(CredentialOptions.RevocationBackoff), TimeSpan.FromMinutes(6) },
        { nameof(CredentialOptions.MaxRevocationBackoff), TimeSpan.FromMilliseconds(999) },
        { nameof(CredentialOptions.MaxRevocationBackoff), TimeSpan.FromDays(2) },
        { nameof(CredentialOptions.RevocationAttemptTimeout), Timeout.InfiniteTimeSpan },
        { nameof(CredentialOptions.MaxConcurrentRevocations), 0 },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_bad_option_is_named_with_what_is_accepted(string option, object? value)
    {
        var builder = new ArcpRuntimeBuilder();
        typeof(CredentialOptions).GetProperty(option)!.SetValue(builder.Options.Credentials, value);

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().Which.Message.Should().Contain("Credentials.").And.Contain(option).And.Contain("must be");
    }

    [Fact]
    public void Options_that_are_null_are_named()
    {
        var builder = new ArcpRuntimeBuilder();
        builder.Options.Credentials = null!;

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().Which.Message.Should().Contain("Credentials must not be null");
    }

    [Fact]
    public void A_provisioner_without_a_store_says_what_to_configure()
    {
        ArcpRuntimeBuilder builder = new ArcpRuntimeBuilder().UseCredentialProvisioner(new ScriptedProvisioner());

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().Which.Message.Should().Contain("UseRevocationStore").And.Contain("UseInMemoryRevocationStore");
    }

    [Fact]
    public void A_store_without_a_provisioner_says_what_to_configure()
    {
        ArcpRuntimeBuilder builder = new ArcpRuntimeBuilder().UseRevocationStore(new InMemoryRevocationStore());

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().Which.Message.Should().Contain("UseCredentialProvisioner");
    }

    [Fact]
    public async Task Both_together_are_accepted_and_the_provisioner_may_come_from_the_container()
    {
        var services = new ServiceCollection();
        services.AddArcpRuntime().UseCredentialProvisioner<ScriptedProvisioner>().UseInMemoryRevocationStore();
        await using ServiceProvider provider = services.BuildServiceProvider();

        provider.GetRequiredService<ArcpRuntime>().IsStopping.Should().BeFalse();
    }
}
