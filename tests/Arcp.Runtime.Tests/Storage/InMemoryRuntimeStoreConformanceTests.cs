using Arcp.Conformance;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Tests.Storage;

public sealed class InMemoryRuntimeStoreConformanceTests : RuntimeStoreConformanceTests
{
    private readonly Func<IRuntimeStore> _create;

    public InMemoryRuntimeStoreConformanceTests()
    {
        var store = new InMemoryRuntimeStore();
        _create = () => store;
    }

    protected override IRuntimeStore Create() => _create();
}
