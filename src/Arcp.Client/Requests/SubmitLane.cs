using System.Diagnostics.CodeAnalysis;

namespace Arcp.Client.Requests;

/// <summary>Lets submits through one at a time until the runtime has shown that it names the submit that an acceptance answers; from then on all at once.</summary>
/// <remarks>Thread-safe. Each successful <see cref="EnterAsync"/> is followed by one <see cref="Leave"/>.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore never makes a wait handle, so there is nothing to dispose.")]
internal sealed class SubmitLane
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile bool _isOpen;

    /// <summary>Waits for the caller's turn.</summary>
    /// <returns>Whether the caller has to <see cref="Leave"/>.</returns>
    public async ValueTask<bool> EnterAsync(CancellationToken cancellationToken)
    {
        if (_isOpen)
        {
            return false;
        }

        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!_isOpen)
        {
            return true;
        }

        _turn.Release(); // who waits behind finds the lane open too
        return false;
    }

    /// <summary>Gives the turn to the next.</summary>
    public void Leave() => _turn.Release();

    /// <summary>No turns are taken any more. Who waits comes through when the one before leaves.</summary>
    public void Open() => _isOpen = true;
}
