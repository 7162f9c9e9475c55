using Arcp.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Arcp.AspNetCore.Tests;

public class HealthCheckTests
{
    [Fact]
    public async Task A_runtime_is_healthy_until_it_stops()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddArcpRuntime();
        services.AddHealthChecks().AddArcp();
        await using ServiceProvider provider = services.BuildServiceProvider();
        var health = provider.GetRequiredService<HealthCheckService>();

        HealthReport before = await health.CheckHealthAsync();
        await provider.GetRequiredService<ArcpRuntime>().StopAsync();
        HealthReport after = await health.CheckHealthAsync();

        before.Entries["arcp"].Status.Should().Be(HealthStatus.Healthy);
        before.Entries["arcp"].Data.Should().ContainKey("jobs_running").WhoseValue.Should().Be(0);
        after.Entries["arcp"].Status.Should().Be(HealthStatus.Unhealthy);
    }

    [Fact]
    public async Task Credentials_are_healthy_while_none_was_given_up()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddArcpRuntime();
        services.AddHealthChecks().AddArcpCredentials();
        await using ServiceProvider provider = services.BuildServiceProvider();

        HealthReport report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        report.Entries["arcp_credentials"].Status.Should().Be(HealthStatus.Healthy);
        report.Entries["arcp_credentials"].Data["credentials_dead_letters"].Should().Be(0);
    }

    [Theory]
    [InlineData(HealthStatus.Degraded)]
    [InlineData(HealthStatus.Unhealthy)]
    public void A_revocation_that_was_given_up_shows_with_the_status_the_host_chose(HealthStatus chosen)
    {
        HealthCheckResult result = ArcpCredentialHealthCheck.Report(new ArcpRuntimeStatistics { OutstandingCredentials = 3, CredentialDeadLetters = 2 }, chosen);

        result.Status.Should().Be(chosen);
        result.Description.Should().Contain("2 credentials");
        result.Data["credentials_outstanding"].Should().Be(3);
    }

    [Fact]
    public async Task A_runtime_without_a_store_has_none_that_fails()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddArcpRuntime();
        services.AddHealthChecks().AddArcpStore();
        await using ServiceProvider provider = services.BuildServiceProvider();

        HealthReport report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        report.Entries["arcp_store"].Status.Should().Be(HealthStatus.Healthy);
        report.Entries["arcp_store"].Data["uncommitted_bytes"].Should().Be(0L);
    }

    [Theory]
    [InlineData(HealthStatus.Degraded)]
    [InlineData(HealthStatus.Unhealthy)]
    public void A_store_that_refuses_commits_shows_with_the_status_the_host_chose(HealthStatus chosen)
    {
        HealthCheckResult result = ArcpStoreHealthCheck.Report(new ArcpRuntimeStatistics { IsStoreFailing = true, UncommittedBytes = 7 }, chosen);

        result.Status.Should().Be(chosen);
        result.Data["uncommitted_bytes"].Should().Be(7L);
    }
}
