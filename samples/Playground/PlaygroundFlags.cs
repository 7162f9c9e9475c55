using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Playground;

/// <summary>The command line.</summary>
internal sealed record PlaygroundFlags
{
    public const string Usage = """
        Playground: an ARCP runtime with demonstration agents.

          --urls URL[;URL]         where to listen, http only; port 0 = any free one (http://127.0.0.1:5080)
          --path PATH              the endpoint's path (/arcp)
          --token TOKEN=PRINCIPAL  accepts a bearer token; repeatable (test-token=tester and other-token=other, unless any is given)
          --anonymous              accepts sessions without a token
          --heartbeat SECONDS      how often idle sessions are pinged, greater than 0 (30)
          --resume-window SECONDS  how long a disconnected session can be resumed (600)
          --retention SECONDS      how long a job that has ended is remembered (600)
          --back-pressure EVENTS   how far a client may lag before it is told, 0 = never (1000)
          --credentials            lends every job a demonstration credential; /debug/credentials counts what is revoked
          --store sqlite:FILE      keeps jobs, sessions and credentials in FILE over restarts; beside it FILE.key, and FILE.credentials with --credentials
          --stdio                  speaks ARCP on standard input and output instead of HTTP
          --help                   shows this
        """;

    private static readonly TimeSpan LongestTime = TimeSpan.FromDays(365);

    private static readonly Dictionary<string, Reader> Table = new(StringComparer.Ordinal)
    {
        ["--urls"] = (flags, value) => ReadUrls(value) is { } urls ? flags with { Urls = urls } : null,
        ["--path"] = (flags, value) => IsPath(value) ? flags with { Path = value } : null,
        ["--token"] = (flags, value) => ReadToken(value) is { } token ? flags with { GivenTokens = [.. flags.GivenTokens, token] } : null,
        ["--heartbeat"] = (flags, value) => ReadSeconds(value) is { } time && time > TimeSpan.Zero ? flags with { Heartbeat = time } : null,
        ["--resume-window"] = (flags, value) => ReadSeconds(value) is { } time ? flags with { ResumeWindow = time } : null,
        ["--retention"] = (flags, value) => ReadSeconds(value) is { } time ? flags with { Retention = time } : null,
        ["--store"] = (flags, value) => ReadStore(value) is { } file ? flags with { StoreFile = file } : null,
        ["--back-pressure"] = (flags, value) =>
            int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int events) ? flags with { BackPressure = events } : null,
    };

    private static readonly Dictionary<string, Func<PlaygroundFlags, PlaygroundFlags>> Switches = new(StringComparer.Ordinal)
    {
        ["--anonymous"] = flags => flags with { Anonymous = true },
        ["--credentials"] = flags => flags with { Credentials = true },
        ["--stdio"] = flags => flags with { Stdio = true },
        ["--help"] = flags => flags with { Help = true },
    };

    private delegate PlaygroundFlags? Reader(PlaygroundFlags flags, string value);

    public IReadOnlyList<string> Urls { get; private init; } = ["http://127.0.0.1:5080"];

    public string Path { get; private init; } = "/arcp";

    /// <summary>The tokens that are accepted. Giving any replaces the defaults: a host with a secret of its own must not open to a published one.</summary>
    public IReadOnlyList<(string Token, string Principal)> Tokens =>
        GivenTokens.Count > 0 ? GivenTokens : [("test-token", "tester"), ("other-token", "other")];

    public bool Anonymous { get; private init; }

    public TimeSpan Heartbeat { get; private init; } = TimeSpan.FromSeconds(30);

    public TimeSpan ResumeWindow { get; private init; } = TimeSpan.FromSeconds(600);

    public TimeSpan Retention { get; private init; } = TimeSpan.FromSeconds(600);

    public int BackPressure { get; private init; } = 1000;

    public bool Credentials { get; private init; }

    /// <summary>The SQLite file of the durable store; null = everything lives in memory.</summary>
    public string? StoreFile { get; private init; }

    public bool Stdio { get; private init; }

    public bool Help { get; private init; }

    private IReadOnlyList<(string Token, string Principal)> GivenTokens { get; init; } = [];

    /// <summary>Reads <c>--flag value</c> and <c>--flag=value</c>.</summary>
    public static bool TryParse(IReadOnlyList<string> args, [NotNullWhen(true)] out PlaygroundFlags? flags, [NotNullWhen(false)] out string? error)
    {
        flags = new PlaygroundFlags();
        error = null;
        for (int i = 0; i < args.Count && flags is not null; i++)
        {
            string[] parts = args[i].Split('=', 2);
            string name = parts[0];
            string? value = parts.Length > 1 ? parts[1] : null;
            if (Switches.TryGetValue(name, out Func<PlaygroundFlags, PlaygroundFlags>? turnOn))
            {
                flags = value is null ? turnOn(flags) : null;
                error = $"{name} takes no value.";
            }
            else if (!Table.TryGetValue(name, out Reader? read))
            {
                flags = null;
                error = $"'{args[i]}' is not a flag.";
            }
            else if (value is null && ++i == args.Count)
            {
                flags = null;
                error = $"{name} needs a value.";
            }
            else
            {
                value ??= args[i];
                flags = read(flags, value);
                error = name switch
                {
                    "--token" => "--token does not accept this value; it takes TOKEN=PRINCIPAL.",
                    "--store" => $"--store does not accept '{value}'; it takes sqlite:FILE.",
                    _ => $"{name} does not accept '{value}'.",
                };
            }
        }

        error = flags is null ? error ?? string.Empty : null;
        return flags is not null;
    }

    private static List<string>? ReadUrls(string value)
    {
        List<string> urls = [.. value.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        return urls.Count > 0 && urls.TrueForAll(IsUrl) ? urls : null;
    }

    private static bool IsUrl(string url)
    {
        try
        {
            // A port that is no number would become a part of the host, and that a listener on every address.
            return BindingAddress.Parse(url) is { Scheme: "http", PathBase: "", Host: [_, ..] host } && (host[0] == '[' || !host.Contains(':'));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // A plain path, not a route pattern: the ready line names it.
    private static bool IsPath(string value) =>
        value is ['/', ..] && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '_' or '.' or '~');

    // Of several = the last one divides: base64 tokens end with them, principals do not.
    private static (string Token, string Principal)? ReadToken(string value)
    {
        int end = value.LastIndexOf('=');
        return end > 0 && !string.IsNullOrWhiteSpace(value[..end]) && !string.IsNullOrWhiteSpace(value[(end + 1)..])
            ? (value[..end], value[(end + 1)..])
            : null;
    }

    // SQLite's name for a database in memory is no file, and a name that ends like a folder's is none either.
    private static string? ReadStore(string value) =>
        value.StartsWith("sqlite:", StringComparison.Ordinal) && value["sqlite:".Length..] is var file
        && !string.IsNullOrWhiteSpace(file) && file != ":memory:" && !file.Contains('\0') && System.IO.Path.GetFileName(file).Length > 0
            ? file
            : null;

    private static TimeSpan? ReadSeconds(string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds <= LongestTime.TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
