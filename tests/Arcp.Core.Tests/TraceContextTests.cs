namespace Arcp.Core.Tests;

[Trait("Section", "5")]
public sealed class TraceContextTests
{
    private const string Hex = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Zeros = "00000000000000000000000000000000";
    private const string Span = "00f067aa0ba902b7";

    [Theory]
    [InlineData(Hex, true)]
    [InlineData($"00-{Hex}-{Span}-01", true)]
    [InlineData($"00-{Hex}-{Span}-00", false)]
    [InlineData($"00-{Hex}-{Span}-03", true)]
    [InlineData($"00-{Hex}-{Span}-fe", false)]
    [InlineData($"01-{Hex}-{Span}-01", true)]
    [InlineData($"fe-{Hex}-{Span}-01-more.of_it~!", true)]
    public void A_trace_id_or_a_traceparent_is_read(string text, bool sampled)
    {
        TraceContext.TryParse(text, out TraceContext? trace).Should().BeTrue();

        trace!.Value.Should().Be(text);
        trace.ToString().Should().Be(text);
        trace.TraceId.ToHexString().Should().Be(Hex);
        trace.ParentSpanId.ToHexString().Should().Be(text == Hex ? "0000000000000000" : Span);
        trace.IsSampled.Should().Be(sampled);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("x")]
    [InlineData(Zeros)]
    [InlineData("4BF92F3577B34DA6A3CE929D0E0E4736")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e473")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e47366")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e473g")]
    [InlineData(" 4bf92f3577b34da6a3ce929d0e0e473")]
    [InlineData($"00-{Zeros}-{Span}-01")]
    [InlineData($"00-{Hex}-0000000000000000-01")]
    [InlineData($"00-{Hex}-00F067AA0BA902B7-01")]
    [InlineData($"00-{Hex}-{Span}-0")]
    [InlineData($"00-{Hex}-{Span}-0x")]
    [InlineData($"00-{Hex}-{Span}-AB")]
    [InlineData($"00-{Hex}-{Span}-01-more")]
    [InlineData($"00-{Hex}-{Span}-011")]
    [InlineData($"01-{Hex}-{Span}-01more")]
    [InlineData($"ff-{Hex}-{Span}-01")]
    [InlineData($"0-{Hex}-{Span}-01x")]
    [InlineData($"00_{Hex}_{Span}_01")]
    [InlineData($"01-{Hex}-{Span}-01-a b")]
    [InlineData($"01-{Hex}-{Span}-01-line\n")]
    [InlineData($"01-{Hex}-{Span}-01-é")]
    public void Anything_else_counts_as_absent(string? text)
    {
        TraceContext.TryParse(text, out TraceContext? trace).Should().BeFalse();

        trace.Should().BeNull();
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void A_traceparent_is_at_most_as_long_as_an_id(int length, bool expected)
    {
        TraceContext.TryParse($"01-{Hex}-{Span}-01-".PadRight(length, 'x'), out _).Should().Be(expected);
    }

    [Fact]
    public void A_minted_trace_is_one_that_can_be_read_and_no_two_are_equal()
    {
        TraceContext[] traces = [.. Enumerable.Range(0, 1_000).Select(_ => TraceContext.New())];

        traces.Should().AllSatisfy(trace => TraceContext.TryParse(trace.Value, out _).Should().BeTrue());
        traces.Select(trace => trace.Value).Should().OnlyHaveUniqueItems();
        traces[0].IsSampled.Should().BeTrue();
    }
}
