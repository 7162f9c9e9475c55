using Arcp.Core;

namespace Arcp.Runtime.Credentials;

/// <summary>Says what failed without saying a secret.</summary>
/// <remarks>
/// A message of the host's code may quote a key that the runtime has never seen, so it is left out; what remains are the types, and what HTTP
/// says about itself. An <see cref="ArcpException"/> may leave the process by contract, so its message is kept, without the values known here.
/// </remarks>
internal static class FailureText
{
    public static string Of(Exception exception, params ReadOnlySpan<string?> secrets)
    {
        string text = string.Join(" <- ", Chain(exception).Select(Describe));
        foreach (string? secret in secrets)
        {
            text = string.IsNullOrEmpty(secret) ? text : text.Replace(secret, "***", StringComparison.Ordinal);
        }

        return text;
    }

    private static IEnumerable<Exception> Chain(Exception exception)
    {
        for (Exception? next = exception; next is not null; next = next.InnerException)
        {
            yield return next;
        }
    }

    private static string Describe(Exception exception) => exception switch
    {
        ArcpException arcp => $"{arcp.Code}: {arcp.Message}",
        HttpRequestException { StatusCode: { } status } => $"{nameof(HttpRequestException)} {(int)status}",
        HttpRequestException http => $"{nameof(HttpRequestException)} {http.HttpRequestError}",
        _ => exception.GetType().Name,
    };
}
