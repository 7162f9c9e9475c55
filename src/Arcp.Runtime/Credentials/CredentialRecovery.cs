using Arcp.Core.Ids;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Credentials;

/// <summary>Finds in the store what earlier runs left outstanding, and has it revoked.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class CredentialRecovery(IRevocationStore store, RevocationQueue queue, CredentialOptions options, TimeProvider clock, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly HashSet<CredentialId> _ours = [];
    private readonly TaskCompletionSource _firstAttempt = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _listing;

    /// <summary>Ends when the store has been listed; at once when that was never begun.</summary>
    public Task Completion
    {
        get
        {
            lock (_lock)
            {
                return _listing ?? Task.CompletedTask;
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _listing ??= Task.Run(() => RecoverAsync(cancellationToken), CancellationToken.None);
        }

        return _firstAttempt.Task;
    }

    /// <summary>Keeps a credential that this run is about to record from being taken for an earlier run's.</summary>
    public void Spare(OutstandingCredential credential)
    {
        lock (_lock)
        {
            if (_listing is { IsCompleted: false })
            {
                _ours.Add(credential.Id);
            }
        }
    }

    private async Task RecoverAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<OutstandingCredential> left = [];
        try
        {
            // A store that cannot be listed hides what is outstanding, so this is never given up.
            await new BackoffRetry(options, int.MaxValue, clock).RunAsync(
                async token => left = await BoundedCall.RunAsync(store.ListAsync, options.RevocationAttemptTimeout, clock, token).ConfigureAwait(false),
                (e, attempt, delay) =>
                {
                    Log.CredentialRecoveryFailed(logger, FailureText.Of(e), attempt, delay);
                    _firstAttempt.TrySetResult();
                },
                cancellationToken).ConfigureAwait(false);
            Revoke(left);
        }
#pragma warning disable CA1031 // Only the end of the runtime comes here: every other failure is tried again.
        catch (Exception)
#pragma warning restore CA1031
        {
            // the records stay for the next start
        }
        finally
        {
            _firstAttempt.TrySetResult();
        }
    }

    private void Revoke(IReadOnlyList<OutstandingCredential> left)
    {
        int count = 0;
        foreach (OutstandingCredential credential in left)
        {
            if (!IsOurs(credential) && queue.Values.TryClaim(credential, out OutstandingValue? value))
            {
                count++;
                _ = queue.Revoke(value); // the queue owns it
            }
        }

        if (count > 0)
        {
            Log.CredentialsRecovered(logger, count);
        }
    }

    private bool IsOurs(OutstandingCredential credential)
    {
        lock (_lock)
        {
            return _ours.Contains(credential.Id);
        }
    }
}
