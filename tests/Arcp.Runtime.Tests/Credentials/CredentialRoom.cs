using System.Globalization;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>A broker between a scripted provisioner and a scripted store, on a clock that stands still.</summary>
internal sealed class CredentialRoom : IAsyncDisposable
{
    private readonly Lazy<CredentialBroker> _broker;

    public CredentialRoom()
    {
        _broker = new(() => new CredentialBroker(Provisioner, Store, Options, Clock, Logs));
    }

    public ManualClock Clock { get; } = new();

    public CapturedLogs Logs { get; } = new();

    public ScriptedProvisioner Provisioner { get; } = new();

    public ScriptedStore Store { get; init; } = new();

    public CredentialOptions Options { get; } = new();

    public CredentialBroker Broker => _broker.Value;

    public static TimeSpan Patience => WireClient.Patience;

    public static TaskCompletionSource Gate() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static Task UntilAsync(Func<bool> isTrue, string what) => TestRuntime.UntilAsync(isTrue, what);

    public CredentialRequest Request(Principal? principal = null) => new()
    {
        JobId = JobId.New(Clock),
        Principal = principal ?? Principal.Named("alice"),
        Agent = "research@2.1.0",
        Lease = Lease.Empty,
    };

    public Task<JobCredentials> IssueAsync() => Broker.IssueAsync(Request()).WaitAsync(Patience);

    public int LogLines(int eventId) => Logs.Lines.Count(line => line.Contains($" {eventId} ", StringComparison.Ordinal));

    /// <summary>Waits until so many attempts of one value have failed and its next one is pending, then lets its time come.</summary>
    public async Task PassBackoffAsync(int failures, int eventId = 4006)
    {
        await UntilAsync(() => LogLines(eventId) == failures && Clock.ActiveTimers == 1, $"{failures} failures");
        string line = Logs.Lines.Last(line => line.Contains($" {eventId} ", StringComparison.Ordinal));
        string delay = line[(line.LastIndexOf("the next in ", StringComparison.Ordinal) + "the next in ".Length)..].TrimEnd(' ', '.');
        Clock.Advance(TimeSpan.ParseExact(delay, "c", CultureInfo.InvariantCulture)); // no further, or the time of the next attempt would pass as well
    }

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        Logs.Dispose();
    }
}
