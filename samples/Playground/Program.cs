using Arcp.Runtime.Storage;
using Playground;

if (!PlaygroundFlags.TryParse(args, out PlaygroundFlags? flags, out string? error))
{
    await Console.Error.WriteLineAsync($"playground: {error}");
    await Console.Error.WriteLineAsync("Run with --help for the flags.");
    return 2;
}

if (flags.Help)
{
    await Console.Out.WriteLineAsync(PlaygroundFlags.Usage);
    return 0;
}

try
{
    return flags.Stdio ? await StdioHost.RunAsync(flags) : await HttpHost.RunAsync(flags);
}
catch (Exception e) when (e is RuntimeStoreException || (flags.StoreFile is not null && e is IOException or UnauthorizedAccessException))
{
    await Console.Error.WriteLineAsync($"playground: it cannot use the store '{flags.StoreFile}': {e.Message}");
    return 1;
}
