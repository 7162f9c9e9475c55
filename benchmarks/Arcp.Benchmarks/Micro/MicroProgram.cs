namespace Arcp.Benchmarks.Micro;

internal static class MicroProgram
{
    public static int Run(string[] args) => args.Length;
}
