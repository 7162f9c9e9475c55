using System.Text.Json;
using Arcp.Client.Requests;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;

namespace Arcp.Client;

/// <summary>A job that this client watches (§7.6), whoever has submitted it: its events and its result. It ends with the job; disposing it ends it before.</summary>
/// <inheritdoc cref="JobView" path="/remarks"/>
public sealed class Subscription : JobView
{
    private readonly JobSubscribed _subscribed;

    internal Subscription(ClientSession session, Observation observation, JsonSerializerOptions? json)
        : base(session, observation.Tracker, observation.After, json, observation.IsPartial) => _subscribed = observation.Subscribed;

    /// <inheritdoc/>
    public override string Agent => _subscribed.Agent ?? string.Empty;

    /// <inheritdoc/>
    public override Lease Lease => _subscribed.Lease ?? Lease.Empty;

    /// <inheritdoc/>
    public override LeaseConstraints? LeaseConstraints => _subscribed.LeaseConstraints;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, decimal>? Budget => _subscribed.Budget;

    /// <inheritdoc/>
    public override JobId? ParentJobId => _subscribed.ParentJobId;

    /// <summary>How many events the job's log had when the subscription began (§8.3), when the runtime says so.</summary>
    public long? SubscribedFrom => _subscribed.SubscribedFrom;
}
