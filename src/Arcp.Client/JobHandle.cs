using System.Text.Json;
using Arcp.Client.Requests;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;

namespace Arcp.Client;

/// <summary>A job that this client has submitted: its events, its result, and the way to cancel it.</summary>
/// <inheritdoc cref="JobView" path="/remarks"/>
public sealed class JobHandle : JobView
{
    private readonly JobAccepted _accepted;

    internal JobHandle(ClientSession session, AcceptedJob acceptance, JsonSerializerOptions? json)
        : base(session, acceptance.Tracker, after: 0, json, acceptance.IsPartial) => _accepted = acceptance.Accepted;

    /// <inheritdoc/>
    public override string Agent => _accepted.Agent ?? string.Empty;

    /// <inheritdoc/>
    public override Lease Lease => _accepted.Lease ?? Lease.Empty;

    /// <inheritdoc/>
    public override LeaseConstraints? LeaseConstraints => _accepted.LeaseConstraints;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, decimal>? Budget => _accepted.Budget;

    /// <inheritdoc/>
    public override JobId? ParentJobId => _accepted.ParentJobId;

    /// <summary>When the job was accepted, by the runtime's clock, when it says so.</summary>
    public DateTimeOffset? AcceptedAt => _accepted.AcceptedAt;

    /// <summary>Asks the runtime to cancel the job and waits until it has ended (§7.4).</summary>
    /// <param name="reason">Why; for the runtime's and the agent's eyes.</param>
    /// <param name="cancellationToken">Ends the wait; a request that has been sent stays in force.</param>
    /// <returns>How the job ended: <c>cancelled</c>, or something else when that came first. A job that has ended already is not asked again.</returns>
    /// <exception cref="ArcpException">The runtime has refused, for example with <c>PERMISSION_DENIED</c>.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed.</exception>
    /// <exception cref="TimeoutException">The job has not ended within <see cref="ArcpClientOptions.RequestTimeout"/>.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed.</exception>
    public Task<JobStatus> CancelAsync(string? reason = null, CancellationToken cancellationToken = default) =>
        CancelJobAsync(reason, cancellationToken);
}
