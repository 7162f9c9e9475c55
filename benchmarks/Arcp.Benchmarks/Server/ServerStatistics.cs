namespace Arcp.Benchmarks.Server;

/// <summary>What the server tells of itself.</summary>
internal sealed record ServerStatistics
{
    /// <summary>Bytes allocated since the start.</summary>
    public required long Allocated { get; init; }

    /// <summary>Bytes on the managed heap, garbage included.</summary>
    public required long Managed { get; init; }

    /// <summary>The highest of <see cref="Managed"/> since sampling was started.</summary>
    public required long PeakManaged { get; init; }

    /// <summary>Bytes of the process that are in memory.</summary>
    public required long Resident { get; init; }

    /// <summary>Processor time since the start, in seconds.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>Jobs at work or retained.</summary>
    public required int Jobs { get; init; }

    /// <summary>Sessions, connected or not.</summary>
    public required int Sessions { get; init; }

    /// <summary>Bytes of events in all jobs' logs.</summary>
    public required long LogBytes { get; init; }

    /// <summary>Agents that wait for the gate.</summary>
    public required int Waiting { get; init; }
}
