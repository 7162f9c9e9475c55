using Arcp.Runtime.Configuration;
using Arcp.Runtime.DependencyInjection;

namespace Arcp.Runtime.Tests.Configuration;

[Trait("Section", "14")]
public class ArcpRuntimeOptionsTests
{
    public static TheoryData<string, object?, string> Bad => new()
    {
        { nameof(ArcpRuntimeOptions.Name), "", "not be empty" },
        { nameof(ArcpRuntimeOptions.Name), "  ", "not be empty" },
        { nameof(ArcpRuntimeOptions.Name), null, "not be empty" },
        { nameof(ArcpRuntimeOptions.Version), "", "not be empty" },
        { nameof(ArcpRuntimeOptions.MaxFrameBytes), 1023, "1 KiB to 1 GiB" },
        { nameof(ArcpRuntimeOptions.MaxFrameBytes), (1 << 30) + 1, "1 KiB to 1 GiB" },
        { nameof(ArcpRuntimeOptions.MaxFrameBytes), -1, "1 KiB to 1 GiB" },
        { nameof(ArcpRuntimeOptions.HandshakeTimeout), TimeSpan.Zero, "greater than 0" },
        { nameof(ArcpRuntimeOptions.HandshakeTimeout), TimeSpan.FromSeconds(-1), "greater than 0" },
        { nameof(ArcpRuntimeOptions.HandshakeTimeout), TimeSpan.FromDays(2), "at most" },
        { nameof(ArcpRuntimeOptions.HandshakeTimeout), TimeSpan.MaxValue, "at most" },
        { nameof(ArcpRuntimeOptions.ResumeWindow), TimeSpan.FromTicks(-1), "0 or more" },
        { nameof(ArcpRuntimeOptions.TerminalRetention), TimeSpan.FromTicks(-1), "0 or more" },
        { nameof(ArcpRuntimeOptions.ShutdownGrace), TimeSpan.FromTicks(-1), "0" },
        { nameof(ArcpRuntimeOptions.ShutdownGrace), Timeout.InfiniteTimeSpan, "0" },
        { nameof(ArcpRuntimeOptions.ShutdownGrace), TimeSpan.MaxValue, "at most" },
        { nameof(ArcpRuntimeOptions.RejectionFrames), (RejectionFrames)7, "Both, SessionOnly, JobOnly" },
        { nameof(ArcpRuntimeOptions.MaxUnwelcomedConnections), 0, "at least 1" },
        { nameof(ArcpRuntimeOptions.MaxSessionsPerPrincipal), 0, "at least 1" },
        { nameof(ArcpRuntimeOptions.MaxRunningJobsPerPrincipal), -5, "at least 1" },
        { nameof(ArcpRuntimeOptions.MaxLogEventsPerJob), 0, "at least 1" },
        { nameof(ArcpRuntimeOptions.MaxLogBytesPerJob), 0L, "at least 1" },
        { nameof(ArcpRuntimeOptions.MaxHeldFramesPerSession), 0, "at least 1" },
        { nameof(ArcpRuntimeOptions.MaxHeldBytesPerSession), 0L, "at least 1" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_bad_value_is_named_with_what_is_accepted(string option, object? value, string accepted)
    {
        var builder = new ArcpRuntimeBuilder();
        typeof(ArcpRuntimeOptions).GetProperty(option)!.SetValue(builder.Options, value);

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().Which.Message.Should().Contain(option).And.Contain(accepted);
    }

    [Theory]
    [InlineData(nameof(ArcpRuntimeOptions.MaxFrameBytes), 1024)]
    [InlineData(nameof(ArcpRuntimeOptions.MaxFrameBytes), 1 << 30)]
    [InlineData(nameof(ArcpRuntimeOptions.MaxUnwelcomedConnections), 1)]
    [InlineData(nameof(ArcpRuntimeOptions.MaxHeldFramesPerSession), 1)]
    public async Task A_value_at_its_limit_is_accepted(string option, object value)
    {
        var builder = new ArcpRuntimeBuilder();
        typeof(ArcpRuntimeOptions).GetProperty(option)!.SetValue(builder.Options, value);

        await using ArcpRuntime runtime = builder.Build();
    }

    [Fact]
    public async Task Durations_of_zero_and_without_end_are_accepted_where_they_make_sense()
    {
        var builder = new ArcpRuntimeBuilder();
        builder.Options.ResumeWindow = TimeSpan.MaxValue;
        builder.Options.TerminalRetention = TimeSpan.Zero;
        builder.Options.ShutdownGrace = TimeSpan.Zero;

        await using ArcpRuntime runtime = builder.Build();
    }

    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        var options = new ArcpRuntimeOptions { Name = "", MaxFrameBytes = 0, HandshakeTimeout = TimeSpan.Zero };

        options.FindErrors().Should().HaveCount(3);
        new ArcpRuntimeOptions().FindErrors().Should().BeEmpty();
    }
}
