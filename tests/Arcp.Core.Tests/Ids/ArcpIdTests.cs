using System.Text.Json;
using Arcp.Core.Ids;

namespace Arcp.Core.Tests.Ids;

public abstract class ArcpIdTests<TId>(string prefix, Func<string, TId> wrap, Func<TimeProvider, TId> mint)
    where TId : struct, IArcpId<TId>
{
    [Fact]
    [Trait("Section", "5")]
    public void A_minted_id_is_its_prefix_and_a_ulid_of_the_clock_s_time()
    {
        TId id = mint(new StoppedClock());

        id.Value.Should().MatchRegex($"^{prefix}01ARYZ6S41[0-9A-HJKMNP-TV-Z]{{16}}$");
        mint(new StoppedClock()).Should().NotBe(id);
    }

    [Fact]
    [Trait("Section", "5")]
    public void An_id_is_opaque_and_has_1_to_128_characters()
    {
        Action tooShort = () => wrap(string.Empty);
        Action tooLong = () => wrap(new string('x', 129));
        Action none = () => wrap(null!);

        wrap("Any thing: é").Value.Should().Be("Any thing: é");
        wrap(new string('x', 128)).Value.Should().HaveLength(128);
        tooShort.Should().Throw<ArgumentException>();
        tooLong.Should().Throw<ArgumentException>();
        none.Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void Ids_are_equal_when_their_texts_are()
    {
        wrap("a").Should().Be(wrap("a"));
        wrap("a").Should().NotBe(wrap("A"));
        wrap("a").GetHashCode().Should().Be(wrap("a").GetHashCode());
        wrap("a").ToString().Should().Be("a");
        default(TId).Value.Should().BeEmpty();
    }

    [Fact]
    public void An_id_is_a_JSON_string()
    {
        JsonSerializer.Serialize(wrap("a\"b")).Should().Be("\"a\\u0022b\"");
        JsonSerializer.Deserialize<TId>("\"a\\u0062\"").Should().Be(wrap("ab"));
        JsonSerializer.Deserialize<TId?>("null").Should().BeNull();
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("[\"a\"]")]
    public void Other_JSON_is_no_id(string json)
    {
        Action read = () => JsonSerializer.Deserialize<TId>(json);

        read.Should().Throw<JsonException>();
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(1469918176385);
    }
}

public sealed class MessageIdTests() : ArcpIdTests<MessageId>("msg_", text => new MessageId(text), MessageId.New);

public sealed class SessionIdTests() : ArcpIdTests<SessionId>("sess_", text => new SessionId(text), SessionId.New);

public sealed class JobIdTests() : ArcpIdTests<JobId>("job_", text => new JobId(text), JobId.New);

public sealed class CredentialIdTests() : ArcpIdTests<CredentialId>("cred_", text => new CredentialId(text), CredentialId.New);

public sealed class ResultIdTests() : ArcpIdTests<ResultId>("res_", text => new ResultId(text), ResultId.New);
