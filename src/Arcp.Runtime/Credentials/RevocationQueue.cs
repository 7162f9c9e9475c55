using System.Diagnostics.CodeAnalysis;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Credentials;

/// <summary>Revokes values: tries again until the provider confirms, or the attempts are used up and the operator is told (§9.8).</summary>
/// <remarks>Thread-safe. Values do not wait for each other, but that only so many attempts run at once; each attempt has its time.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "What is cut may still be asked for its token; neither field holds a timer or a wait handle.")]
internal sealed class RevocationQueue
{
    private readonly ICredentialProvisioner _provisioner;
    private readonly IRevocationStore _store;
    private readonly CredentialOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly BackoffRetry _retry;
    private readonly SemaphoreSlim _slots;
    private readonly RunningTasks _running = new();
    private readonly CancellationTokenSource _cut = new();
    private int _deadLetters;

    public RevocationQueue(ICredentialProvisioner provisioner, IRevocationStore store, CredentialOptions options, TimeProvider clock, ILogger logger)
    {
        _provisioner = provisioner;
        _store = store;
        _options = options;
        _clock = clock;
        _logger = logger;
        _retry = new BackoffRetry(options, options.RevocationAttempts, clock);
        _slots = new SemaphoreSlim(options.MaxConcurrentRevocations);
    }

    /// <summary>All values that are not known to be revoked.</summary>
    public OutstandingValues Values { get; } = new();

    public int DeadLetters => Volatile.Read(ref _deadLetters);

    public bool IsEmpty => _running.IsEmpty;

    /// <summary>Revokes a value, once, however often it is asked for.</summary>
    /// <returns>Ends when the provider has confirmed it, or it has been given up; never fails.</returns>
    public Task Revoke(OutstandingValue value) => value.RevokeOnce(Begin);

    /// <summary>Ends when nothing is being revoked, nor forgotten by the store.</summary>
    public Task WhenEmptyAsync() => _running.WhenEmptyAsync();

    /// <summary>Tries nothing any more. What is outstanding stays in the store.</summary>
    public async Task CutAsync()
    {
        await _cut.CancelAsync().ConfigureAwait(false);
        await _running.WhenEmptyAsync().ConfigureAwait(false); // each attempt is bounded by the cut, whatever the provisioner does
    }

    private Task Begin(OutstandingValue value)
    {
        var decided = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running.Add(Task.Run(() => RevokeAndForgetAsync(value, decided)));
        return decided.Task;
    }

    // Whoever waits for a revocation does not wait for the store as well: the value is dead once the provider says so.
    private async Task RevokeAndForgetAsync(OutstandingValue value, TaskCompletionSource decided)
    {
        bool revoked;
        try
        {
            revoked = await TryRevokeAsync(value).ConfigureAwait(false);
        }
        finally
        {
            decided.SetResult();
        }

        if (revoked)
        {
            await ForgetAsync(value.Credential).ConfigureAwait(false);
        }
    }

    private async Task<bool> TryRevokeAsync(OutstandingValue value)
    {
        OutstandingCredential credential = value.Credential;
        try
        {
            await _retry.RunAsync(
                token => AttemptAsync(call => _provisioner.RevokeAsync(credential, call), token),
                (e, attempt, delay) => Log.RevocationFailed(_logger, credential.JobId, credential.Id, Describe(e, credential), attempt, delay),
                _cut.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_cut.IsCancellationRequested)
        {
            return false;
        }
#pragma warning disable CA1031 // Whatever the host's code throws is a failed revocation.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (!_cut.IsCancellationRequested)
            {
                Abandon(credential, e);
            }

            return false;
        }

        Values.Release(value);
        ArcpTelemetry.CredentialsRevoked.Add(1);
        Log.CredentialRevoked(_logger, credential.JobId, credential.Id);
        return true;
    }

    private async Task ForgetAsync(OutstandingCredential credential)
    {
        try
        {
            await _retry.RunAsync(token => AttemptAsync(call => _store.RemoveAsync(credential, call), token), static (_, _, _) => { }, _cut.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever the store throws, the value is revoked; what is left is a record that the next start clears.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.RevocationNotForgotten(_logger, credential.JobId, credential.Id, Describe(e, credential));
        }
    }

    private async Task AttemptAsync(Func<CancellationToken, ValueTask> call, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await BoundedCall.RunAsync(call, _options.RevocationAttemptTimeout, _clock, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    private void Abandon(OutstandingCredential credential, Exception exception)
    {
        int attempts = _options.RevocationAttempts;
        Interlocked.Increment(ref _deadLetters);
        ArcpTelemetry.CredentialDeadLetters.Add(1);
        Log.RevocationAbandoned(_logger, credential.JobId, credential.Id, credential.Endpoint, attempts, Describe(exception, credential));
        var abandoned = new AbandonedRevocation
        {
            Id = credential.Id,
            JobId = credential.JobId,
            Endpoint = credential.Endpoint,
            ProviderKey = credential.ProviderKey,
            Attempts = attempts,
        };
        try
        {
            _options.OnRevocationAbandoned?.Invoke(abandoned, exception);
        }
#pragma warning disable CA1031 // The hook is the host's; its failure changes nothing here.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.RevocationHookFailed(_logger, Describe(e, credential));
        }
    }

    private static string Describe(Exception exception, OutstandingCredential credential) => FailureText.Of(exception, credential.Value);
}
