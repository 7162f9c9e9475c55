using Arcp.Runtime.Agents;

namespace Arcp.Runtime.Tests.Agents;

[Trait("Section", "7.5")]
public class VersionOrderTests
{
    /// <summary>From the lowest to the highest.</summary>
    private static readonly string[] Ladder =
    [
        "0.0.1", "0.9", "0.10", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9", "1.10", "1.10.1", "2", "10.0.0", "99999999999999999999999999", "alpha", "beta",
    ];

    [Fact]
    public void Versions_stand_in_the_order_of_semver()
    {
        for (int i = 0; i < Ladder.Length; i++)
        {
            for (int k = 0; k < Ladder.Length; k++)
            {
                Math.Sign(VersionOrder.Instance.Compare(Ladder[i], Ladder[k])).Should().Be(Math.Sign(i - k), "{0} against {1}", Ladder[i], Ladder[k]);
            }
        }
    }

    [Theory]
    [InlineData("1.0", "1.0.0")]
    [InlineData("1.0.0+a", "1.0.0+b")]
    [InlineData("01", "1")]
    public void Versions_of_equal_rank_still_have_one_order(string a, string b)
    {
        int order = VersionOrder.Instance.Compare(a, b);
        order.Should().NotBe(0);
        Math.Sign(VersionOrder.Instance.Compare(b, a)).Should().Be(-Math.Sign(order));
        VersionOrder.Instance.Compare(a, a).Should().Be(0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1.")]
    [InlineData("...")]
    [InlineData("1-")]
    [InlineData("+")]
    [InlineData("_")]
    public void Nothing_is_too_odd_to_compare(string version)
    {
        foreach (string other in Ladder)
        {
            Math.Sign(VersionOrder.Instance.Compare(version, other)).Should().Be(-Math.Sign(VersionOrder.Instance.Compare(other, version)));
        }
    }
}
