namespace Playground;

/// <summary>What happened to a value of a demonstration credential.</summary>
/// <param name="What"><see cref="Issued"/>, <see cref="Revoked"/> or <see cref="Reclaimed"/>.</param>
/// <param name="Key">The provider's name of the value.</param>
/// <param name="JobId">The job.</param>
/// <param name="Detail">Issued: the SHA-256 of the value, to know it again by. Revoked: the id the runtime gave the credential. Reclaimed: a dash.</param>
internal readonly record struct LedgerLine(string What, string Key, string JobId, string Detail)
{
    public const string Issued = "issued";

    public const string Revoked = "revoked";

    /// <summary>Taken back by the provider, because no runtime has a record of it.</summary>
    public const string Reclaimed = "reclaimed";
}

/// <summary>The demonstration provider's memory over the end of the process: a file of lines, never of values.</summary>
/// <remarks>A line is with the operating system when <see cref="Append"/> returns, so a killed process leaves all of them. Not thread-safe.</remarks>
internal sealed class CredentialLedger
{
    private readonly string _path;
    private string _before = string.Empty;

    public CredentialLedger(string path)
    {
        _path = path;
        string text = File.Exists(path) ? File.ReadAllText(path) : string.Empty;
        Earlier = [.. text.Split('\n').SkipLast(1).Select(static line => line.Split(' ')).Where(static parts => parts.Length == 4)
            .Select(static parts => new LedgerLine(parts[0], parts[1], parts[2], parts[3]))];
        if (text.Length > 0 && text[^1] != '\n')
        {
            _before = "\n"; // what the machine's end has cut off stays alone on its line
        }
    }

    /// <summary>What earlier runs have written.</summary>
    public IReadOnlyList<LedgerLine> Earlier { get; }

    public void Append(LedgerLine line)
    {
        File.AppendAllText(_path, $"{_before}{line.What} {line.Key} {line.JobId} {line.Detail}\n");
        _before = string.Empty;
    }
}
