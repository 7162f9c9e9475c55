using System.Text.Json;

namespace Arcp.Core.Tests;

[Trait("Section", "12")]
public sealed class ErrorCodeTests
{
    [Theory]
    [InlineData("PERMISSION_DENIED", false, false)]
    [InlineData("LEASE_SUBSET_VIOLATION", false, false)]
    [InlineData("JOB_NOT_FOUND", false, false)]
    [InlineData("DUPLICATE_KEY", false, false)]
    [InlineData("AGENT_NOT_AVAILABLE", true, false)]
    [InlineData("AGENT_VERSION_NOT_AVAILABLE", false, false)]
    [InlineData("CANCELLED", false, false)]
    [InlineData("TIMEOUT", false, false)]
    [InlineData("RESUME_WINDOW_EXPIRED", false, false)]
    [InlineData("HEARTBEAT_LOST", true, false)]
    [InlineData("LEASE_EXPIRED", false, true)]
    [InlineData("BUDGET_EXHAUSTED", false, true)]
    [InlineData("INVALID_REQUEST", false, false)]
    [InlineData("UNAUTHENTICATED", false, false)]
    [InlineData("INTERNAL_ERROR", true, false)]
    [InlineData("SOMETHING_NEW", false, false)]
    public void The_table_of_codes_says_what_may_be_retried(string code, bool byDefault, bool never)
    {
        ErrorCode errorCode = new(code);

        errorCode.IsRetryableByDefault.Should().Be(byDefault);
        errorCode.IsNeverRetryable.Should().Be(never);
        new ArcpException(errorCode, "m").Retryable.Should().Be(byDefault);
        new ArcpException(errorCode, "m", retryable: true).Retryable.Should().Be(!never);
        new ArcpException(errorCode, "m", retryable: false).Retryable.Should().BeFalse();
    }

    [Fact]
    public void The_named_codes_are_the_fifteen_of_the_contract()
    {
        typeof(ErrorCode).GetProperties().Where(property => property.PropertyType == typeof(ErrorCode))
            .Select(property => ((ErrorCode)property.GetValue(null)!).Value)
            .Should().BeEquivalentTo(
                "PERMISSION_DENIED", "LEASE_SUBSET_VIOLATION", "JOB_NOT_FOUND", "DUPLICATE_KEY", "AGENT_NOT_AVAILABLE",
                "AGENT_VERSION_NOT_AVAILABLE", "CANCELLED", "TIMEOUT", "RESUME_WINDOW_EXPIRED", "HEARTBEAT_LOST",
                "LEASE_EXPIRED", "BUDGET_EXHAUSTED", "INVALID_REQUEST", "UNAUTHENTICATED", "INTERNAL_ERROR");
    }

    [Fact]
    public void An_unknown_code_keeps_its_text_and_none_at_all_is_an_internal_error()
    {
        JsonSerializer.Deserialize<ErrorCode>("\"weird\"").Value.Should().Be("weird");
        default(ErrorCode).Should().Be(ErrorCode.InternalError);
        new ErrorCode(string.Empty).GetHashCode().Should().Be(ErrorCode.InternalError.GetHashCode());
        new ErrorCode("timeout").Should().NotBe(ErrorCode.Timeout);
        JsonSerializer.Serialize(ErrorCode.Timeout).Should().Be("\"TIMEOUT\"");
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void An_exception_s_message_is_never_empty(string message)
    {
        new ArcpException(ErrorCode.Timeout, message).Message.Should().Be("TIMEOUT");
    }

    [Fact]
    public void An_exception_keeps_its_cause_and_its_facts()
    {
        var cause = new IOException("disk");

        var exception = new ArcpException(ErrorCode.InternalError, "m", innerException: cause) { Details = RawJson.Parse("{}") };

        exception.InnerException.Should().BeSameAs(cause);
        exception.Message.Should().NotContain("disk");
        exception.Details.Should().Be(RawJson.Parse("{}"));
        new ArcpException(ErrorCode.Timeout, "m") { Details = RawJson.Null }.Details.Should().BeNull();
    }
}
