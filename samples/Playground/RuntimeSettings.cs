using Arcp.Runtime.Configuration;
using Arcp.Runtime.DependencyInjection;
using Playground.Agents;

namespace Playground;

/// <summary>The one place where the command line becomes a runtime.</summary>
internal static class RuntimeSettings
{
    /// <summary>How long jobs may wind down when the playground ends. It has 5 seconds for everything.</summary>
    private static readonly TimeSpan ShutdownGrace = TimeSpan.FromSeconds(1);

    public static void Apply(PlaygroundFlags flags, ArcpRuntimeOptions options)
    {
        options.AllowAnonymous = flags.Anonymous;
        options.ResumeWindow = flags.ResumeWindow;
        options.TerminalRetention = flags.Retention;
        options.ShutdownGrace = ShutdownGrace;
        options.HeartbeatInterval = flags.Heartbeat;
        options.BackPressureThreshold = flags.BackPressure;
    }

    public static DemonstrationCredentials? OpenCredentials(PlaygroundFlags flags) => flags switch
    {
        { Credentials: false } => null,
        { StoreFile: { } file } => new(new CredentialLedger($"{file}.credentials")),
        _ => new(),
    };

    public static void AddParts(PlaygroundFlags flags, DemonstrationCredentials? credentials, ArcpRuntimeBuilder builder)
    {
        foreach ((string token, string principal) in flags.Tokens)
        {
            builder.AddBearerToken(token, principal);
        }

        if (flags.StoreFile is { } file)
        {
            DurableParts.AddTo(builder, file, credentials);
        }
        else if (credentials is not null)
        {
            builder.UseCredentialProvisioner(credentials).UseRevocationStore(credentials);
        }

        builder
            .AddAgent<EchoAgent>("echo", "1.0.0")
            .AddAgent<EchoAgent>("echo", "2.0.0", isDefault: true)
            .AddAgent<CounterAgent>("counter", "1.0.0")
            .AddAgent<SleeperAgent>("sleeper", "1.0.0")
            .AddAgent<StubbornAgent>("stubborn", "1.0.0")
            .AddAgent<FailerAgent>("failer", "1.0.0")
            .AddAgent<ChunkerAgent>("chunker", "1.0.0")
            .AddAgent<SpenderAgent>("spender", "1.0.0")
            .AddAgent<GateAgent>("gate", "1.0.0")
            .AddAgent<ModelAgent>("model", "1.0.0")
            .AddAgent<DelegatorAgent>("delegator", "1.0.0")
            .AddAgent<RotatorAgent>("rotator", "1.0.0")
            .AddAgent<KitchenSinkAgent>("kitchen-sink", "1.0.0")
            .AddAgent<FloodAgent>("flood", "1.0.0");
    }
}
