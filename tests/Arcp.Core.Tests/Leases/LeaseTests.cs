using Arcp.Core.Leases;
using Arcp.Core.Messages;

namespace Arcp.Core.Tests.Leases;

[Trait("Section", "9")]
public sealed class LeaseTests
{
    [Theory]
    [InlineData("fs.read", "/data/**")]
    [InlineData("fs.write", "*")]
    [InlineData("net.fetch", "https://example.com/**")]
    [InlineData("tool.call", "search")]
    [InlineData("agent.delegate", "a@1")]
    [InlineData("model.use", "m/*")]
    [InlineData("cost.budget", "USD:5")]
    [InlineData("x-vendor.acme", "anything at all")]
    [InlineData("x-vendor.a.b.c", " ")]
    public void The_contract_s_namespaces_and_vendors_are_accepted(string name, string pattern)
    {
        LeaseGrammar.FindError(Of(name, pattern)).Should().BeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("fs")]
    [InlineData("fs.delete")]
    [InlineData("FS.read")]
    [InlineData(" fs.read")]
    [InlineData("x-vendor")]
    [InlineData("x-vendor.")]
    [InlineData("X-vendor.a")]
    [InlineData("cost")]
    public void Other_namespaces_are_refused_by_name(string name)
    {
        LeaseGrammar.FindError(Of(name, "x")).Should().Contain($"'{name}'").And.Contain("fs.read").And.Contain("x-vendor.<name>");
    }

    [Fact]
    public void An_empty_pattern_is_refused_and_an_empty_list_or_lease_is_not()
    {
        LeaseGrammar.FindError(Of("fs.read", "/a", string.Empty)).Should().Contain("'fs.read'");
        LeaseGrammar.FindError(Of("fs.read")).Should().BeNull();
        LeaseGrammar.FindError(Lease.Empty).Should().BeNull();
    }

    [Fact]
    public void A_lease_with_a_null_in_it_cannot_be_made()
    {
        KeyValuePair<string, IReadOnlyList<string>>[] broken = [new("fs.read", [null!]), new("fs.read", ["/a", null!]), new("fs.read", null!), new(null!, ["/a"])];
        foreach (KeyValuePair<string, IReadOnlyList<string>> entry in broken)
        {
            FluentActions.Invoking(() => new Lease([entry])).Should().Throw<ArgumentException>().WithMessage($"Namespace '{entry.Key}'*null*");
        }
    }

    [Theory]
    [InlineData("USD:5", 5)]
    [InlineData("USD:5.00", 5)]
    [InlineData("USD:0.1", 0.1)]
    [InlineData("USD:0", 0)]
    [InlineData("USD:007", 7)]
    [InlineData("u:1", 1)]
    [InlineData("a-b_9:1.5", 1.5)]
    [InlineData("USD:1.0000000000000000000000000000000000000000", 1)]
    [Trait("Section", "9.6")]
    public void An_amount_is_a_currency_and_a_plain_decimal(string amount, double expected)
    {
        Lease lease = Of("cost.budget", amount);

        LeaseGrammar.FindError(lease).Should().BeNull();
        LeaseGrammar.Budgets(lease).Should().Equal(new Dictionary<string, decimal> { [amount[..amount.IndexOf(':', StringComparison.Ordinal)]] = (decimal)expected });
    }

    [Theory]
    [InlineData("5")]
    [InlineData("USD")]
    [InlineData("USD:")]
    [InlineData(":5")]
    [InlineData("USD:-5")]
    [InlineData("USD:+5")]
    [InlineData("USD:1e3")]
    [InlineData("USD:1E3")]
    [InlineData("USD:NaN")]
    [InlineData("USD:Infinity")]
    [InlineData("USD:.5")]
    [InlineData("USD:5.")]
    [InlineData("USD:5.0.0")]
    [InlineData("USD:1,000")]
    [InlineData("USD:1_000")]
    [InlineData("USD: 5")]
    [InlineData("USD:5 ")]
    [InlineData(" USD:5")]
    [InlineData("US D:5")]
    [InlineData("USD :5")]
    [InlineData("9USD:5")]
    [InlineData("_USD:5")]
    [InlineData("€:5")]
    [InlineData("USD:٥")]
    [InlineData("USD:5\0")]
    [InlineData("USD:0x5")]
    [InlineData("USD:5:5")]
    [InlineData("USD:123456789012345678901234567890")]
    [InlineData("USD:0.12345678901234567890123456789")]
    [Trait("Section", "9.6")]
    public void Other_amounts_are_refused(string amount)
    {
        LeaseGrammar.FindError(Of("cost.budget", amount)).Should().Contain($"'{amount}'").And.Contain("USD:5.00");
    }

    [Fact]
    [Trait("Section", "9.6")]
    public void A_currency_given_twice_adds_up_exactly()
    {
        Lease lease = Of("cost.budget", [.. Enumerable.Repeat("USD:0.1", 10), "EUR:1", "usd:2"]);

        LeaseGrammar.FindError(lease).Should().BeNull();
        LeaseGrammar.Budgets(lease).Should().Equal(new Dictionary<string, decimal> { ["USD"] = 1.0m, ["EUR"] = 1m, ["usd"] = 2m });
        LeaseGrammar.Budgets(Of("fs.read", "/a")).Should().BeNull();
    }

    [Theory]
    [InlineData("USD:9999999999999999999999999999", 10)]
    [InlineData("USD:0.0000000000000000000000000001", 1, "USD:1000000000000000000000000000")]
    [Trait("Section", "9.6")]
    public void Amounts_that_cannot_be_added_up_exactly_are_refused(string amount, int times, string? other = null)
    {
        Lease lease = Of("cost.budget", [.. Enumerable.Repeat(amount, times), other ?? amount]);
        Action add = () => LeaseGrammar.Budgets(lease);

        LeaseGrammar.FindError(lease).Should().Contain("cost.budget");
        add.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void A_long_name_or_pattern_is_not_echoed_at_full_length()
    {
        LeaseGrammar.FindError(Of(new string('n', 100_000), "x"))!.Length.Should().BeLessThan(500);
        LeaseGrammar.FindError(Of("cost.budget", new string('n', 100_000)))!.Length.Should().BeLessThan(500);
    }

    [Fact]
    public void A_lease_keeps_the_order_in_which_it_came_and_is_equal_to_its_like()
    {
        var submit = (JobSubmit)Frames.Read("""{"type":"job.submit","payload":{"agent":"a","lease_request":{"tool.call":["b","a"],"fs.read":[]}}}""", Peer.Runtime).Message;

        submit.LeaseRequest!.Keys.Should().Equal("tool.call", "fs.read");
        submit.LeaseRequest["tool.call"].Should().Equal("b", "a");
        submit.LeaseRequest.Should().BeEquivalentTo(new Lease([new("tool.call", ["b", "a"]), new("fs.read", [])]));
        submit.LeaseRequest.Equals(new Lease([new("tool.call", ["b", "a"]), new("fs.read", [])])).Should().BeTrue();
        submit.LeaseRequest.Equals(new Lease([new("tool.call", ["a", "b"]), new("fs.read", [])])).Should().BeFalse();
        submit.LeaseRequest.Equals(new Lease([new("tool.call", ["b", "a"])])).Should().BeFalse();
        new Lease([new("a", ["b"])]).GetHashCode().Should().Be(new Lease([new("a", ["b"])]).GetHashCode());
    }

    [Fact]
    public void A_lease_does_not_change_when_the_lists_that_it_was_made_of_do()
    {
        List<string> patterns = ["/a"];
        var lease = new Lease([new("fs.read", patterns)]);

        patterns.Add("/b");

        lease["fs.read"].Should().Equal("/a");
    }

    private static Lease Of(string name, params string[] patterns) => new([new(name, patterns)]);
}
