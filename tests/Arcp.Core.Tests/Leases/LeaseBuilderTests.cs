using Arcp.Core.Leases;

namespace Arcp.Core.Tests.Leases;

[Trait("Section", "9")]
public class LeaseBuilderTests
{
    [Fact]
    public void A_lease_is_built_in_the_order_of_the_calls()
    {
        Lease lease = new LeaseBuilder()
            .AllowTool("search.*").AllowRead("/a", "/b/**").AllowWrite("/c").AllowFetch("https://h/**").AllowDelegate("w").AllowModel("m").Allow("x-vendor.acme", "z")
            .Budget("USD", 5.00m).Budget("EUR", 0.1m).Budget("USD", 1).AllowTool("fetch").Build();

        lease.ToString().Should().Be("tool.call: search.*, fetch; fs.read: /a, /b/**; fs.write: /c; net.fetch: https://h/**; agent.delegate: w; model.use: m; x-vendor.acme: z; cost.budget: USD:5.00, EUR:0.1, USD:1");
        LeaseGrammar.FindError(lease).Should().BeNull();
        CompiledLease.Compile(lease).Budgets.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 6, ["EUR"] = 0.1m });
    }

    [Fact]
    public void A_mistake_is_reported_where_it_is_made_and_changes_nothing()
    {
        var builder = new LeaseBuilder();
        builder.AllowRead("/a");
        (Action Act, string Says)[] mistakes =
        [
            (() => builder.AllowRead(string.Empty), "empty"),
            (() => builder.AllowRead("/ok", "/a/../b"), ".."),
            (() => builder.AllowRead("/a\\b"), "backslashes"),
            (() => builder.AllowRead(new string('x', LeaseGrammar.MaxPatternLength + 1)), "1024"),
            (() => builder.AllowFetch("https://u@h/**"), "user information"),
            (() => builder.AllowFetch("https://h/%2e%2E/**"), ".."),
            (() => builder.Allow("fs.delete", "/a"), "fs.delete"),
            (() => builder.Allow("x-vendor."), "x-vendor."),
            (() => builder.Allow(LeaseNamespaces.CostBudget, "USD:1"), "Budget"),
            (() => builder.Budget("USD", -1), "USD:-1"),
            (() => builder.Budget("5", 1), "5:1"),
            (() => builder.AllowTool(null!, "x"), "null"),
            (() => builder.AllowTool([.. Enumerable.Repeat(new string('x', 1000), 40)]), "together"),
        ];

        foreach ((Action act, string says) in mistakes)
        {
            act.Should().Throw<ArgumentException>().WithMessage($"*{says}*");
        }

        builder.Build().ToString().Should().Be("fs.read: /a");
    }

    [Fact]
    public void A_pattern_that_is_not_accepted_compiles_nowhere()
    {
        Action pattern = () => CapabilityPattern.Parse(LeaseNamespaces.FsRead, "/a/./b");
        Action lease = () => CompiledLease.Compile(new Lease([new(LeaseNamespaces.FsRead, ["/a", "/a/./b"])]));

        pattern.Should().Throw<ArgumentException>().WithMessage("*/a/./b*");
        lease.Should().Throw<ArgumentException>().WithMessage("*/a/./b*");
    }
}
