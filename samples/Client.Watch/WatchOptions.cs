using System.Diagnostics.CodeAnalysis;

namespace Client.Watch;

/// <summary>What the command line asks for.</summary>
/// <param name="Uri">The runtime; null = one of its own.</param>
/// <param name="Token">The bearer token; null = anonymous.</param>
internal sealed record WatchOptions(Uri? Uri, string? Token)
{
    public static bool TryParse(string[] args, [NotNullWhen(true)] out WatchOptions? options)
    {
        options = args switch
        {
            [] => new WatchOptions(null, null),
            ["--url", var url] when Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) => new WatchOptions(uri, null),
            ["--url", var url, "--token", var token] when Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) => new WatchOptions(uri, token),
            _ => null,
        };
        return options is not null;
    }
}
