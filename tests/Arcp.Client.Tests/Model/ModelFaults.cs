namespace Arcp.Client.Tests.Model;

/// <summary>What happens to a frame on its way.</summary>
internal enum Fault
{
    None,
    Duplicated,
    Late,
    Lost,
    Malformed,
    CutBefore,
    CutBehind,
}

/// <summary>Draws what goes wrong. Thread-safe.</summary>
/// <param name="random">Where chance comes from.</param>
/// <param name="share">How many frames of a hundred are hit.</param>
internal sealed class ModelFaults(Random random, int share)
{
    private readonly Lock _gate = new();

    public bool IsOn { get; set; }

    public Fault NextSent() => Draw(Fault.CutBehind);

    // What is lost on the way to the runtime is lost with the connection: bytes in order are what a transport promises.
    public Fault NextReceived() => Draw(Fault.CutBehind) is var fault and (Fault.CutBefore or Fault.CutBehind) ? fault : Fault.None;

    private Fault Draw(Fault highest)
    {
        lock (_gate)
        {
            return IsOn && random.Next(100) < share ? (Fault)random.Next(1, (int)highest + 1) : Fault.None;
        }
    }
}
