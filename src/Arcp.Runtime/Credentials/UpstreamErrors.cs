using System.Diagnostics.CodeAnalysis;
using System.Net;
using Arcp.Core;

namespace Arcp.Runtime.Credentials;

/// <summary>Recognises what a service behind a provisioned credential says when the credential's budget is spent (§9.6).</summary>
/// <remarks>It knows the words of LiteLLM: status 400, 402 or 429 with <c>budget_exceeded</c> or <c>ExceededBudget</c> in the body.</remarks>
public static class UpstreamErrors
{
    private static readonly string[] Marks = ["budget_exceeded", "ExceededBudget", "BudgetExceeded", "budget has been exceeded"];

    /// <summary>Recognises an answer.</summary>
    /// <param name="status">Its status.</param>
    /// <param name="body">Its body, as far as it was read; null = none.</param>
    /// <param name="error">The error to throw: <see cref="ErrorCode.BudgetExhausted"/>, with a text of our own that quotes nothing.</param>
    /// <returns>Whether it says that the budget is spent.</returns>
    public static bool TryTranslate(HttpStatusCode status, string? body, [NotNullWhen(true)] out ArcpException? error)
    {
        error = status is HttpStatusCode.BadRequest or HttpStatusCode.PaymentRequired or HttpStatusCode.TooManyRequests && IsMarked(body)
            ? BudgetExhausted(null)
            : null;
        return error is not null;
    }

    /// <summary>Recognises an exception that carries such an answer in its message, as SDKs throw them. Its inner exceptions are looked at as well.</summary>
    /// <param name="exception">The exception. When it names a status, that has to fit too.</param>
    /// <param name="error">The error to throw, with the exception as its cause; or the <see cref="ErrorCode.BudgetExhausted"/> error that was found.</param>
    /// <returns>Whether it says that the budget is spent.</returns>
    public static bool TryTranslate(Exception exception, [NotNullWhen(true)] out ArcpException? error)
    {
        ArgumentNullException.ThrowIfNull(exception);
        error = null;
        for (Exception? next = exception; next is not null && error is null; next = next.InnerException)
        {
            error = next switch
            {
                ArcpException { Code: var code } known => code == ErrorCode.BudgetExhausted ? known : null,
                HttpRequestException { StatusCode: { } status } => TryTranslate(status, next.Message, out _) ? BudgetExhausted(exception) : null,
                _ => IsMarked(next.Message) ? BudgetExhausted(exception) : null,
            };
        }

        return error is not null;
    }

    private static bool IsMarked(string? text) => text is not null && Array.Exists(Marks, mark => text.Contains(mark, StringComparison.OrdinalIgnoreCase));

    private static ArcpException BudgetExhausted(Exception? cause) =>
        new(ErrorCode.BudgetExhausted, "The budget of the job's credential is spent, says the service behind it.", innerException: cause);
}
