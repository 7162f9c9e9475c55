namespace Arcp.EndToEnd.Tests.Support;

/// <summary>Tests that take all of the machine, and run while no other one does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
