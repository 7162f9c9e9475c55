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
}
