using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Credentials;

/// <summary>Gets credentials from the host's provisioner for jobs, and sees to it that every value it ever got is revoked (§9.8).</summary>
/// <remarks>Thread-safe. It owns the calls that it made: one that answers when nobody waits any more has its values revoked.</remarks>
[SuppressMessage("Design", "CA2213", Justification = "A call that comes late may still ask for a token; the sources hold no timer and no wait handle.")]
internal sealed class CredentialBroker : IAsyncDisposable
{
    private readonly ICredentialProvisioner _provisioner;
    private readonly IRevocationStore _store;
    private readonly CredentialOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly RevocationQueue _queue;
    private readonly CredentialRecovery _recovery;
    private readonly RunningTasks _calls = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cut = new();
    private readonly Lock _lock = new();
    private bool _isStopping;
    private Task? _stopped;

    public CredentialBroker(ICredentialProvisioner provisioner, IRevocationStore store, CredentialOptions options, TimeProvider clock, ILogger logger)
    {
        _provisioner = provisioner;
        _store = store;
        _options = options;
        _clock = clock;
        _logger = logger;
        _queue = new RevocationQueue(provisioner, store, options, clock, logger);
        _recovery = new CredentialRecovery(store, _queue, options, clock, logger);
    }

    /// <summary>Values that are lent or not known to be revoked, dead letters included.</summary>
    public int Outstanding => _queue.Values.Count;

    /// <summary>Values whose revocation was given up.</summary>
    public int DeadLetters => _queue.DeadLetters;

    /// <summary>Revokes what earlier runs left. Call it once, before anything is issued.</summary>
    /// <returns>Ends when the store has been listed, or the first attempt to has failed; it is then tried until it succeeds. Never fails, and does not wait for the revocations.</returns>
    public Task StartAsync() => _recovery.StartAsync(_cut.Token);

    /// <summary>Issues the credentials of a job that is about to be accepted.</summary>
    /// <param name="request">The job; an anonymous principal gets none.</param>
    /// <param name="cancellationToken">Stops waiting; what comes late is revoked.</param>
    /// <exception cref="ArcpException">Refused (<c>BUDGET_EXHAUSTED</c>, <c>INTERNAL_ERROR</c>); what was issued is with the revocation queue.</exception>
    public async Task<JobCredentials> IssueAsync(CredentialRequest request, CancellationToken cancellationToken = default)
    {
        if (request.Principal.IsAnonymous)
        {
            return JobCredentials.None;
        }

        Task<IReadOnlyList<IssuedValue>> issue = Begin(() => ProvideAsync(request, null, token => _provisioner.IssueAsync(request, token)));
        try
        {
            IReadOnlyList<IssuedValue> issued = await WaitAsync(issue, request.JobId, cancellationToken).ConfigureAwait(false);
            Log.CredentialsIssued(_logger, request.JobId, issued.Count);
            return issued.Count == 0 ? JobCredentials.None : new JobCredentials(this, request, issued);
        }
        catch
        {
            Own(RevokeLateAsync(issue, request.JobId));
            throw;
        }
    }

    /// <summary>Refuses issues and rotations from now on, those included that wait for the provisioner. Revocations go on.</summary>
    public void StopIssuing()
    {
        lock (_lock)
        {
            if (_isStopping)
            {
                return;
            }

            _isStopping = true;
        }

        Own(_stopping.CancelAsync()); // on the pool: what waits there must not run on this thread
    }

    /// <summary>Stops: issues nothing, and waits for calls under way and for revocations. What is left stays in the store and is logged.</summary>
    /// <param name="grace">How long to wait.</param>
    /// <param name="cancellationToken">Cuts the grace short.</param>
    public Task StopAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        StopIssuing();
        lock (_lock)
        {
            return _stopped ??= StopCoreAsync(grace, cancellationToken);
        }
    }

    /// <summary>Stops without a grace, if that has not happened yet.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero, CancellationToken.None).ConfigureAwait(false);

    /// <summary>Revokes a value; see <see cref="RevocationQueue.Revoke"/>.</summary>
    internal Task Revoke(OutstandingValue value) => _queue.Revoke(value);

    /// <summary>Revokes what a call brings once it has ended. Never fails.</summary>
    internal async Task RevokeResultAsync(Task<IssuedValue> call)
    {
        await ((Task)call).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (call.IsCompletedSuccessfully)
        {
            await _queue.Revoke((await call.ConfigureAwait(false)).Value).ConfigureAwait(false);
        }
    }

    /// <summary>Takes care of a task until it ends.</summary>
    internal void Own(Task task) => _calls.Add(task);

    /// <summary>Asks for a new value of a credential.</summary>
    /// <returns>Ends with the recorded value, or an <see cref="ArcpException"/>.</returns>
    internal Task<IssuedValue> BeginRotation(CredentialRequest request, OutstandingCredential current) => Begin(async () =>
    {
        IReadOnlyList<IssuedValue> issued = await ProvideAsync(
            request,
            current,
            async ValueTask<IReadOnlyList<IssuedCredential>> (token) => [await _provisioner.RotateAsync(request, current, token).ConfigureAwait(false)]).ConfigureAwait(false);
        Log.CredentialRotated(_logger, current.JobId, current.Id);
        return issued[0];
    });

    /// <summary>Waits for a call, but not longer than the bound, nor once the runtime stops. The call goes on.</summary>
    internal async Task<T> WaitAsync<T>(Task<T> call, JobId jobId, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        try
        {
            T result = await call.WaitAsync(_options.IssueTimeout, _clock, either.Token).ConfigureAwait(false);

            // The token is cancelled on the pool, so what comes right behind the stop may be here before it.
            return IsStopping ? throw Stopping() : result;
        }
        catch (TimeoutException)
        {
            Log.CredentialsRefused(_logger, jobId, $"the provisioner has not answered within {_options.IssueTimeout}");
            throw new ArcpException(ErrorCode.InternalError, "The job's credentials were not issued in time.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Stopping();
        }
    }

    private bool IsStopping
    {
        get
        {
            lock (_lock)
            {
                return _isStopping;
            }
        }
    }

    private Task<T> Begin<T>(Func<Task<T>> call)
    {
        lock (_lock)
        {
            if (_isStopping)
            {
                throw Stopping();
            }

            Task<T> begun = Task.Run(call);
            _calls.Add(begun);
            return begun;
        }
    }

    private async Task RevokeLateAsync(Task<IReadOnlyList<IssuedValue>> issue, JobId jobId)
    {
        await ((Task)issue).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (issue.IsCompletedSuccessfully)
        {
            Log.CredentialsCameLate(_logger, jobId);
            await Task.WhenAll((await issue.ConfigureAwait(false)).Select(issued => _queue.Revoke(issued.Value))).ConfigureAwait(false);
        }
    }

    // Not bounded by our own wait: what a slow provisioner has issued must be learnt, or it could not be revoked.
    private async Task<IReadOnlyList<IssuedValue>> ProvideAsync(
        CredentialRequest request, OutstandingCredential? current, Func<CancellationToken, ValueTask<IReadOnlyList<IssuedCredential>>> call)
    {
        IReadOnlyList<IssuedCredential>? issued;
        using (var late = new CancellationTokenSource(_options.IssueTimeout * 2, _clock))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _cut.Token))
        {
            try
            {
                issued = await call(either.Token).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Whatever the host's code throws refuses the submit.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Log.CredentialsRefused(_logger, request.JobId, FailureText.Of(e, current?.Value));
                throw Refuse(e);
            }
        }

        var values = new List<IssuedValue>();
        string? fault = issued is null ? "the provisioner answered null" : issued.Select(each => Claim(request, current, each, values)).LastOrDefault(each => each is not null);
        fault = await RecordAsync(values).ConfigureAwait(false) ?? fault;
        if (fault is null)
        {
            return values;
        }

        Log.CredentialsRefused(_logger, request.JobId, fault);
        values.ForEach(value => _ = _queue.Revoke(value.Value)); // the queue owns them
        throw Refuse(null);
    }

    private string? Claim(CredentialRequest request, OutstandingCredential? current, IssuedCredential? issued, List<IssuedValue> values)
    {
        if (string.IsNullOrWhiteSpace(issued?.Value))
        {
            return "the provisioner issued a blank value";
        }

        var credential = new OutstandingCredential
        {
            Id = current?.Id ?? CredentialId.New(_clock),
            JobId = request.JobId,
            Value = issued.Value,
            Endpoint = issued.Endpoint ?? string.Empty,
            ProviderKey = issued.ProviderKey,
        };
        _recovery.Spare(credential);
        if (!_queue.Values.TryClaim(credential, out OutstandingValue? value))
        {
            return "the provisioner issued a value that is outstanding already"; // it may be another job's, so it is left alone
        }

        values.Add(new IssuedValue(
            new ProvisionedCredential
            {
                Id = credential.Id,
                Scheme = issued.Scheme,
                Value = issued.Value,
                Endpoint = issued.Endpoint,
                Profile = issued.Profile,
                Constraints = issued.Constraints,
            },
            value));
        return string.IsNullOrWhiteSpace(issued.Scheme) || string.IsNullOrWhiteSpace(issued.Endpoint)
            ? "the provisioner issued a credential with a blank scheme or endpoint"
            : null;
    }

    private async Task<string?> RecordAsync(List<IssuedValue> values)
    {
        try
        {
            foreach (OutstandingCredential credential in values.Select(value => value.Value.Credential))
            {
                await BoundedCall.RunAsync(token => _store.AddAsync(credential, token), _options.RevocationAttemptTimeout, _clock, CancellationToken.None).ConfigureAwait(false);
            }

            return null;
        }
#pragma warning disable CA1031 // Whatever the store throws refuses the submit.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return $"the revocation store failed: {FailureText.Of(e, [.. values.Select(value => value.Value.Credential.Value)])}";
        }
    }

    private async Task StopCoreAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        try
        {
            await WhenIdleAsync().WaitAsync(grace, _clock, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // the grace is over
        }

        await _cut.CancelAsync().ConfigureAwait(false);
        await _queue.CutAsync().ConfigureAwait(false);
        if (Outstanding > 0)
        {
            Log.CredentialsLeft(_logger, Outstanding);
        }
    }

    private async Task WhenIdleAsync()
    {
        do
        {
            await _calls.WhenEmptyAsync().ConfigureAwait(false);
            await _recovery.Completion.ConfigureAwait(false);
            await _queue.WhenEmptyAsync().ConfigureAwait(false);
        }
        while (!_calls.IsEmpty || !_queue.IsEmpty);
    }

    // The provisioner's words reach the peer only where the contract says so; its exception goes no further, because it may quote a secret.
    private static ArcpException Refuse(Exception? exception) => exception is ArcpException { Code: var code } refused && code == ErrorCode.BudgetExhausted
        ? new ArcpException(code, refused.Message) { Details = refused.Details }
        : new ArcpException(ErrorCode.InternalError, "The job's credentials could not be issued.");

    private static ArcpException Stopping() => new(ErrorCode.InternalError, "The runtime is stopping.");
}
