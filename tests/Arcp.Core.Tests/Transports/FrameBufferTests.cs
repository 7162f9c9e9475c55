using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

/// <summary>§4: never unbounded buffering.</summary>
public sealed class FrameBufferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(100_000)]
    public void A_buffer_takes_exactly_its_limit(int limit)
    {
        using var frame = new FrameBuffer(limit);
        for (int i = 0; i < limit; i++)
        {
            frame.TryWrite([(byte)i]).Should().BeTrue();
        }

        frame.TryWrite([1]).Should().BeFalse();
        frame.Remaining.Should().Be(0);
        frame.WrittenMemory.ToArray().Should().Equal(Enumerable.Range(0, limit).Select(i => (byte)i));
        FluentActions.Invoking(() => frame.GetMemory()).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void Bytes_that_do_not_fit_are_not_written_in_part()
    {
        using var frame = new FrameBuffer(5);
        frame.TryWrite("abc"u8).Should().BeTrue();
        frame.TryWrite("def"u8).Should().BeFalse();
        frame.TryWrite("de"u8).Should().BeTrue();
        frame.WrittenSpan.SequenceEqual("abcde"u8).Should().BeTrue();
    }

    [Fact]
    public void Nothing_fits_into_a_full_buffer_too()
    {
        using var frame = new FrameBuffer(1);
        frame.TryWrite("a"u8).Should().BeTrue();
        frame.TryWrite([]).Should().BeTrue();
    }

    [Fact]
    public void Room_never_reaches_beyond_the_limit()
    {
        using var frame = new FrameBuffer(700);
        frame.GetMemory(600).Length.Should().BeInRange(600, 700);
        frame.Advance(600);
        frame.GetSpan().Length.Should().BeInRange(1, 100);
        FluentActions.Invoking(() => frame.GetMemory(101)).Should().Throw<InvalidOperationException>();
        FluentActions.Invoking(() => frame.Advance(101)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => frame.Advance(-1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_buffer_can_be_used_again_after_clearing_and_after_disposal()
    {
        using var frame = new FrameBuffer(100_000);
        foreach (Action forget in new Action[] { frame.Clear, frame.Dispose, frame.Dispose, frame.Clear })
        {
            frame.TryWrite(new byte[100_000]).Should().BeTrue();
            forget();
            frame.Length.Should().Be(0);
            frame.TryWrite("ab"u8).Should().BeTrue();
            frame.WrittenSpan.SequenceEqual("ab"u8).Should().BeTrue();
            forget();
        }
    }

    [Fact]
    public void A_limit_is_at_least_one() =>
        FluentActions.Invoking(() => new FrameBuffer(0)).Should().Throw<ArgumentOutOfRangeException>();
}
