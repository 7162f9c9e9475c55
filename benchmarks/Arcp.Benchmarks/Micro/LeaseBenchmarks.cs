using Arcp.Core.Leases;
using BenchmarkDotNet.Attributes;

namespace Arcp.Benchmarks.Micro;

/// <summary>Asking a lease, as the guard does before every guarded operation.</summary>
public class LeaseBenchmarks
{
    private readonly CompiledLease _lease = CompiledLease.Compile(new LeaseBuilder()
        .Allow(LeaseNamespaces.FsRead, "/data/**", "/srv/*/public/**")
        .Allow(LeaseNamespaces.NetFetch, "https://api.example.com/v1/**")
        .Build());

    [Benchmark]
    public bool AllowedPath() => _lease.Allows(LeaseNamespaces.FsRead, "/data/reports/2026/november.csv");

    [Benchmark]
    public bool DeniedPath() => _lease.Allows(LeaseNamespaces.FsRead, "/etc/passwd");

    [Benchmark]
    public bool PathToNormalise() => _lease.Allows(LeaseNamespaces.FsRead, "/data/./reports/../reports/november.csv");

    [Benchmark]
    public bool AllowedUrl() => _lease.Allows(LeaseNamespaces.NetFetch, "https://api.example.com/v1/items/4711");
}
