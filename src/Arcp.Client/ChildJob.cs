using System.Text.Json;
using Arcp.Client.Jobs;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Client;

/// <summary>A job that another job has started (§10), from <see cref="JobView.OpenChildAsync"/>: its events from the first on, its result, and the way to cancel it.</summary>
/// <remarks>
/// Disposing it stops listening here; the parent's view keeps following the child until it is disposed itself. Left open, it outlives the parent's view.
/// See <see cref="JobView"/> for the rest.
/// </remarks>
public sealed class ChildJob : JobView
{
    private readonly DelegateEvent _announced;

    internal ChildJob(ClientSession session, JobTracker tracker, JobId parentId, DelegateEvent announced, JsonSerializerOptions? json)
        : base(session, tracker, after: 0, json) => (ParentJobId, _announced) = (parentId, announced);

    /// <summary>Identifies the delegation among those of the parent.</summary>
    public string DelegateId => _announced.DelegateId;

    /// <inheritdoc/>
    public override string Agent => _announced.Agent;

    /// <inheritdoc/>
    public override Lease Lease => _announced.LeaseRequest ?? Lease.Empty;

    /// <inheritdoc/>
    public override LeaseConstraints? LeaseConstraints => _announced.LeaseConstraints;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, decimal>? Budget => LeaseBudget.Of(_announced.LeaseRequest);

    /// <inheritdoc/>
    public override JobId? ParentJobId { get; }

    /// <summary>Asks the runtime to cancel this child alone and waits until it has ended (§7.4). Only the session that has submitted the parent may.</summary>
    /// <param name="reason">Why; for the runtime's and the agent's eyes.</param>
    /// <param name="cancellationToken">Ends the wait; a request that has been sent stays in force.</param>
    /// <returns>How the job ended: <c>cancelled</c>, or something else when that came first. A job that has ended already is not asked again.</returns>
    /// <exception cref="ArcpException">The runtime has refused, for example with <c>PERMISSION_DENIED</c>.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed.</exception>
    /// <exception cref="TimeoutException">The job has not ended within <see cref="ArcpClientOptions.RequestTimeout"/>.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed.</exception>
    public Task<JobStatus> CancelAsync(string? reason = null, CancellationToken cancellationToken = default) => CancelJobAsync(reason, cancellationToken);
}
