using Arcp.Benchmarks.EndToEnd;
using Arcp.Benchmarks.Micro;
using Arcp.Benchmarks.Server;
using Arcp.Benchmarks.Storage;

const string usage = """
    Arcp.Benchmarks: what the runtime costs.

      micro [--filter PATTERN …]                      single operations with their allocations (BenchmarkDotNet's own flags)
      e2e [--only NAME,…] [--rounds N] [--json FILE]  whole paths against bare baselines, server and load in two processes
      store [--rounds N] [--events N] [--jobs N]      what a durable store costs, beside none
      server [--leap]                                 what e2e starts; ends with its standard input
    """;

switch (args)
{
    case ["micro", .. string[] rest]:
        return MicroProgram.Run(rest);
    case ["e2e", .. string[] rest]:
        return await EndToEndProgram.RunAsync(rest);
    case ["store", .. string[] rest]:
        return await StoreProgram.RunAsync(rest);
    case ["server", .. string[] rest]:
        return await BenchmarkServer.RunAsync(rest);
    default:
        await Console.Error.WriteLineAsync(usage);
        return 2;
}
