using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>A runtime that lends credentials, on a clock that stands still, with an agent <c>gate</c> that waits for the test.</summary>
public sealed class LendingRuntime : IAsyncDisposable
{
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public LendingRuntime(Action<ArcpRuntimeBuilder>? configure = null, bool isStubborn = false, bool holdsRevocations = false, ManualClock? clock = null)
    {
        Clock = clock ?? new ManualClock();
        Agent = new GatedAgent(isStubborn);
        if (holdsRevocations)
        {
            Provisioner.OnRevoke = async (_, _, _) => await _opened.Task;
        }

        Provisioner.OnIssue = (_, _) => new([Provisioner.Next(), Provisioner.Next()]);
        Host = new TestRuntime(
            builder =>
            {
                builder.UseCredentialProvisioner(Provisioner).UseRevocationStore(Store).AddAgent("gate", "1", Agent.RunAsync);
                configure?.Invoke(builder);
            },
            Clock);
    }

    public ManualClock Clock { get; }

    public ScriptedProvisioner Provisioner { get; } = new();

    public ScriptedStore Store { get; } = new();

    public GatedAgent Agent { get; }

    public TestRuntime Host { get; }

    /// <summary>Lets revocations that were held go on.</summary>
    public void LetRevoke() => _opened.TrySetResult();

    /// <summary>Nothing that was ever issued is outstanding, and each value was revoked once.</summary>
    public async Task ExpectAllTakenBackAsync()
    {
        await TestRuntime.UntilAsync(() => Provisioner.Revoked.Count == Provisioner.Values.Count, "all are revoked");
        await TestRuntime.UntilAsync(() => Host.Runtime.GetStatistics().OutstandingCredentials == 0, "nothing outstanding");
        await TestRuntime.UntilAsync(() => Store.Records.Count == 0, "nothing recorded");
        Provisioner.Revoked.Keys.Order(StringComparer.Ordinal).Should().Equal(Provisioner.Values.Order(StringComparer.Ordinal)); // equivalence would take the square of the time
        Provisioner.Revoked.Values.Should().OnlyContain(times => times == 1);
        Provisioner.Values.Should().OnlyContain(value => Provisioner.AttemptsOn(value) == 1);
    }

    /// <summary>Frames that wait, up to the answer to a ping.</summary>
    public static async Task<List<WireFrame>> ReadToPongAsync(WireClient client)
    {
        await client.SendAsync("session.ping", new { nonce = "now" });
        var frames = new List<WireFrame>();
        while (await client.ReceiveAsync() is { } frame && frame.Type != "session.pong")
        {
            frames.Add(frame);
        }

        return frames;
    }

    public async ValueTask DisposeAsync()
    {
        LetRevoke();
        await Host.DisposeAsync();
    }
}
