using System.Net;
using Arcp.Core;
using Arcp.Runtime.Credentials;

namespace Arcp.Runtime.Tests.Credentials;

[Trait("Section", "9.6")]
public class UpstreamErrorsTests
{
    [Theory]
    [InlineData(400, "{\"type\":\"budget_exceeded\"}", true)]
    [InlineData(402, "BUDGET_EXCEEDED", true)]
    [InlineData(429, "ExceededBudget: 1.0 of 1.0", true)]
    [InlineData(429, "rate limit", false)]
    [InlineData(402, "", false)]
    [InlineData(402, null, false)]
    [InlineData(500, "budget_exceeded", false)]
    [InlineData(200, "budget_exceeded", false)]
    public void An_answer_says_that_the_budget_is_spent_by_status_and_body(int status, string? body, bool expected)
    {
        UpstreamErrors.TryTranslate((HttpStatusCode)status, body, out ArcpException? error).Should().Be(expected);

        (error?.Code == ErrorCode.BudgetExhausted).Should().Be(expected);
    }

    [Fact]
    public void An_exception_says_so_by_its_message_or_that_of_a_cause()
    {
        var known = new ArcpException(ErrorCode.BudgetExhausted, "spent");
        (Exception Exception, bool Expected)[] table =
        [
            (new InvalidOperationException("HTTP 400 (budget_exceeded: BadRequest)"), true),
            (new InvalidOperationException("outer", new InvalidOperationException("ExceededBudget")), true),
            (new HttpRequestException("budget_exceeded", null, HttpStatusCode.TooManyRequests), true),
            (new HttpRequestException("budget_exceeded", null, HttpStatusCode.BadGateway), false),
            (new InvalidOperationException("the budget is fine"), false),
            (new ArcpException(ErrorCode.PermissionDenied, "budget_exceeded"), false),
            (known, true),
        ];

        foreach ((Exception exception, bool expected) in table)
        {
            UpstreamErrors.TryTranslate(exception, out ArcpException? error).Should().Be(expected, "of {0}", exception.Message);
            (error?.Code == ErrorCode.BudgetExhausted).Should().Be(expected);
        }

        UpstreamErrors.TryTranslate(known, out ArcpException? same);
        same.Should().BeSameAs(known);
    }
}
