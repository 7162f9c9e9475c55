using Arcp.Conformance;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite.Tests;

public sealed class SqliteRuntimeStoreConformanceTests : RuntimeStoreConformanceTests, IDisposable
{
    private readonly StoreDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    protected override IRuntimeStore Create() => _directory.Create();
}
