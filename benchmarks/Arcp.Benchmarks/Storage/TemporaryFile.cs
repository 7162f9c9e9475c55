namespace Arcp.Benchmarks.Storage;

/// <summary>A store's file in a directory of its own, which goes with it.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("arcp-store-");

    public string Path => System.IO.Path.Combine(_directory.FullName, "arcp.db");

    /// <summary>All that lies beside it, too.</summary>
    public long Bytes => _directory.EnumerateFiles().Sum(static file => file.Length);

    public void Dispose() => _directory.Delete(recursive: true);
}
