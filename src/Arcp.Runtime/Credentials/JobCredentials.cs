using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Runtime.Credentials;

/// <summary>The credentials of one job, from its acceptance to its end.</summary>
/// <remarks>Thread-safe. No lock is held while the host's code or the caller's runs.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "A rotation may come after the end and ask for the token; the source holds no timer and no wait handle.")]
internal sealed class JobCredentials
{
    private readonly Lock _lock = new();
    private readonly CredentialBroker? _broker;
    private readonly CredentialRequest? _request;
    private readonly Slot[] _slots;
    private readonly HashSet<Task<IssuedValue>> _rotations = [];
    private readonly CancellationTokenSource _ending = new();
    private Task? _revoked;

    public JobCredentials(CredentialBroker broker, CredentialRequest request, IReadOnlyList<IssuedValue> issued)
    {
        _broker = broker;
        _request = request;
        _slots = [.. issued.Select(value => new Slot(value))];
        Current = [.. issued.Select(value => value.Shown)];
    }

    private JobCredentials()
    {
        _slots = [];
        Current = [];
    }

    /// <summary>Of a job that has none.</summary>
    public static JobCredentials None { get; } = new();

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _slots.Length == 0;

    /// <summary>The credentials with their current values; each list is immutable.</summary>
    public IReadOnlyList<ProvisionedCredential> Current { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>Gives a credential a new value, which is recorded first, then announced, and then replaces the prior one, which is revoked.</summary>
    /// <param name="id">The credential.</param>
    /// <param name="announce">Shows the new value. If it throws, for example because the job has ended, the new value is revoked, the prior one stays, and the exception goes on.</param>
    /// <param name="cancellationToken">Gives up; nothing has changed then.</param>
    /// <exception cref="ArcpException">The job has no such credential (<c>INVALID_REQUEST</c>), or no new value was issued (<c>BUDGET_EXHAUSTED</c>, <c>INTERNAL_ERROR</c>).</exception>
    /// <exception cref="OperationCanceledException">The caller gave up, or the credentials are being taken back.</exception>
    public Task<ProvisionedCredential> RotateAsync(CredentialId id, Action<ProvisionedCredential> announce, CancellationToken cancellationToken) =>
        RotateAsync(id, null, announce, cancellationToken);

    /// <summary>Gives a credential a new value that allows no more than what is left of the lease's budgets.</summary>
    /// <param name="id">The credential.</param>
    /// <param name="remainingBudget">What is left, by currency; null = all.</param>
    /// <param name="announce">Shows the new value.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <inheritdoc cref="RotateAsync(CredentialId, Action{ProvisionedCredential}, CancellationToken)" path="/exception"/>
    public async Task<ProvisionedCredential> RotateAsync(
        CredentialId id, IReadOnlyDictionary<string, decimal>? remainingBudget, Action<ProvisionedCredential> announce, CancellationToken cancellationToken)
    {
        Slot slot = Array.Find(_slots, slot => slot.Issued.Shown.Id == id)
            ?? throw new ArcpException(ErrorCode.InvalidRequest, $"The job has no credential '{id}'.");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _ending.Token);
        await slot.Turn.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            return await RotateInTurnAsync(slot, _request! with { RemainingBudget = remainingBudget }, announce, either.Token).ConfigureAwait(false);
        }
        finally
        {
            slot.Turn.Release();
        }
    }

    /// <summary>Takes all values back, those included that a rotation under way will bring. Calling again changes nothing.</summary>
    /// <returns>Ends when the provider has confirmed all, or they have been given up; never fails. It may take long: bound the wait, not the call.</returns>
    public Task RevokeAllAsync()
    {
        lock (_lock)
        {
            return _revoked ??= _broker is null ? Task.CompletedTask : Task.WhenAll(
                [
                    .. _slots.Select(slot => _broker.Revoke(slot.Issued.Value)),
                    .. _slots.Select(slot => slot.PriorRevoked),
                    .. _rotations.Select(rotation => _broker.RevokeResultAsync(rotation)),
                    _ending.CancelAsync(), // on the pool: what waits there must not run under this lock
                ]);
        }
    }

    private async Task<ProvisionedCredential> RotateInTurnAsync(Slot slot, CredentialRequest request, Action<ProvisionedCredential> announce, CancellationToken cancellationToken)
    {
        Task<IssuedValue> rotation = Begin(slot, request);
        try
        {
            IssuedValue next = await _broker!.WaitAsync(rotation, request.JobId, cancellationToken).ConfigureAwait(false);
            announce(next.Shown);
            Replace(slot, next, rotation);
            return next.Shown;
        }
        catch
        {
            _broker!.Own(DiscardAsync(rotation));
            throw;
        }
    }

    private Task<IssuedValue> Begin(Slot slot, CredentialRequest request)
    {
        lock (_lock)
        {
            ThrowIfRevoked();
            Task<IssuedValue> rotation = _broker!.BeginRotation(request, slot.Issued.Value.Credential);
            _rotations.Add(rotation);
            return rotation;
        }
    }

    private void Replace(Slot slot, IssuedValue next, Task<IssuedValue> rotation)
    {
        lock (_lock)
        {
            ThrowIfRevoked(); // the values taken back were the prior one, and this one as a rotation under way
            _rotations.Remove(rotation);
            slot.PriorRevoked = Task.WhenAll(slot.PriorRevoked, _broker!.Revoke(slot.Issued.Value)); // the queue owns it
            slot.Issued = next;
            Current = [.. _slots.Select(each => each.Issued.Shown)];
        }
    }

    // It stays among the rotations until its value is revoked, so that whoever takes all back waits for it.
    private async Task DiscardAsync(Task<IssuedValue> rotation)
    {
        await _broker!.RevokeResultAsync(rotation).ConfigureAwait(false);
        lock (_lock)
        {
            _rotations.Remove(rotation);
        }
    }

    private void ThrowIfRevoked()
    {
        if (_revoked is not null)
        {
            throw new OperationCanceledException("The job's credentials are being revoked.");
        }
    }

    private sealed class Slot(IssuedValue issued)
    {
        // Rotations of one credential take turns.
        public SemaphoreSlim Turn { get; } = new(1);

        public IssuedValue Issued { get; set; } = issued;

        // Ends when all values that it had before are revoked.
        public Task PriorRevoked { get; set; } = Task.CompletedTask;
    }
}
