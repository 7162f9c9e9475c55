namespace Arcp.Core.Tests;

[Trait("Section", "6.2")]
public sealed class FeaturesTests
{
    private static readonly string[] Names =
    [
        "heartbeat", "ack", "list_jobs", "subscribe", "lease_expires_at", "cost.budget",
        "model.use", "provisioned_credentials", "progress", "result_chunk", "agent_versions",
    ];

    [Fact]
    public void All_features_have_the_names_of_the_contract_in_its_order()
    {
        FeatureNames.All.ToNames().Should().Equal(Names);
        FeatureNames.Parse(Names).Should().Be(FeatureNames.All);
        Enum.GetValues<Features>().Aggregate((all, one) => all | one).Should().Be(FeatureNames.All);
    }

    [Fact]
    public void Every_feature_goes_to_its_name_and_back()
    {
        foreach (Features feature in Enum.GetValues<Features>().Where(feature => feature is not Features.None))
        {
            string name = feature.ToNames().Should().ContainSingle().Subject;
            FeatureNames.Parse([name]).Should().Be(feature);
        }
    }

    [Fact]
    public void Unknown_and_repeated_names_are_ignored_and_none_is_none()
    {
        FeatureNames.Parse(["ack", "ACK", "", "telepathy", "ack", null!]).Should().Be(Features.Ack);
        FeatureNames.Parse([]).Should().Be(Features.None);
        FeatureNames.Parse(null).Should().Be(Features.None);
        Features.None.ToNames().Should().BeEmpty();
    }
}
