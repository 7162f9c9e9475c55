using System.Globalization;
using Arcp.Core.Leases;

namespace Arcp.Core.Tests.Leases;

/// <summary>Leases put together in code.</summary>
[Trait("Section", "9")]
public sealed class LeaseBuilderTests
{
    [Fact]
    public void A_builder_makes_the_lease_that_was_spelled_out()
    {
        Lease lease = new LeaseBuilder()
            .AllowRead("/data/**")
            .AllowWrite("/out/*")
            .AllowFetch("https://api.example.com/**")
            .AllowTool("search.*")
            .AllowRead("/etc/hosts")
            .AllowDelegate("worker")
            .AllowModel("gpt-*")
            .Budget("USD", 5.00m)
            .Budget("USD", 0)
            .Allow("x-vendor.acme.gpu", "a100")
            .Build();

        lease.Should().BeEquivalentTo(
            new Lease([
                new("fs.read", ["/data/**", "/etc/hosts"]), new("fs.write", ["/out/*"]), new("net.fetch", ["https://api.example.com/**"]), new("tool.call", ["search.*"]),
                new("agent.delegate", ["worker"]), new("model.use", ["gpt-*"]), new("cost.budget", ["USD:5.00", "USD:0"]), new("x-vendor.acme.gpu", ["a100"])]));
        LeaseGrammar.FindError(lease).Should().BeNull();
        new LeaseBuilder().Build().Should().BeEquivalentTo(Lease.Empty);
    }

    [Fact]
    public void A_mistake_throws_where_it_is_made_and_leaves_the_builder_as_it_was()
    {
        LeaseBuilder builder = new LeaseBuilder().AllowRead("/a").Budget("USD", 1000);
        Action[] mistakes =
        [
            () => builder.AllowRead(string.Empty),
            () => builder.AllowRead("/../a"),
            () => builder.AllowWrite("C:\\a"),
            () => builder.AllowFetch("api.example.com/**"),
            () => builder.AllowFetch("https://user@h/**"),
            () => builder.AllowTool(null!),
            () => builder.AllowModel(new string('m', LeaseGrammar.MaxPatternLength + 1)),
            () => builder.Budget("US D", 1),
            () => builder.Budget(string.Empty, 1),
            () => builder.Budget("USD", -0.01m),
            () => builder.Budget("USD", decimal.MaxValue),
            () => builder.Budget("USD", 0.0000000000000000000000000001m),
            () => builder.Allow("fs.delete", "/a"),
            () => builder.Allow("x-vendor.", "/a"),
            () => builder.Allow("cost.budget", "5"),
        ];

        foreach (Action mistake in mistakes)
        {
            mistake.Should().Throw<ArgumentException>();
        }

        builder.Build().Should().BeEquivalentTo(new Lease([new("fs.read", ["/a"]), new("cost.budget", ["USD:1000"])]));
    }

    [Fact]
    public void A_built_lease_does_not_change_with_its_builder()
    {
        LeaseBuilder builder = new LeaseBuilder().AllowTool("a");
        Lease lease = builder.Build();

        builder.AllowTool("b").AllowModel("m");

        lease.Should().BeEquivalentTo(new Lease([new("tool.call", ["a"])]));
    }

    [Fact]
    public void An_amount_is_written_the_same_in_every_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            comma.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = comma;
            new LeaseBuilder().Budget("USD", 1234.50m).Build()["cost.budget"].Should().Equal("USD:1234.50");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    [Trait("Section", "14")]
    public void The_size_of_a_lease_is_bounded()
    {
        string[] longest = [.. Enumerable.Repeat(new string('a', LeaseGrammar.MaxPatternLength), LeaseGrammar.MaxTotalLength / LeaseGrammar.MaxPatternLength)];
        string[] most = [.. Enumerable.Repeat("a", LeaseGrammar.MaxPatterns)];

        Error(longest).Should().BeNull();
        Error([.. longest, "a"]).Should().Contain("65536 characters");
        Error(most).Should().BeNull();
        Error([.. most, "a"]).Should().Contain("1024 patterns");
        Error(longest[0] + "a").Should().Contain("4096 characters");
        Added(longest).Should().NotThrow();
        Added([.. longest, "a"]).Should().Throw<ArgumentException>().WithMessage("*65536*");
        Added([.. most, "a"]).Should().Throw<ArgumentException>().WithMessage("*1024*");
    }

    private static string? Error(params string[] patterns) => LeaseGrammar.FindError(new Lease([new("tool.call", patterns)]));

    private static Action Added(string[] patterns) => () =>
    {
        var builder = new LeaseBuilder();
        foreach (string pattern in patterns)
        {
            builder.AllowTool(pattern);
        }
    };
}
