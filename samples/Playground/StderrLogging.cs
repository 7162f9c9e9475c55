using Microsoft.Extensions.Logging.Console;

namespace Playground;

/// <summary>Warnings and worse go to standard error: standard output is for the ready line, or for envelopes.</summary>
internal static class StderrLogging
{
    public static void Configure(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddSimpleConsole(format => format.SingleLine = true);
        logging.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
