using System.Diagnostics.CodeAnalysis;

namespace Arcp.Core.Transports;

/// <summary>Runs one direction's calls to a stream, one at a time, and gives up those that outlive the transport.</summary>
/// <remarks>
/// Consoles and some pipes do not heed cancellation, so a call that is given up may go on in the background: what it works on must never be
/// used again, nor return to a pool.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore without a wait handle has nothing to dispose, and calls look at it after the end.")]
internal sealed class StreamCalls(TransportLifetime lifetime)
{
    private static readonly TimeSpan PatienceWithBlockedCalls = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Whether a call has failed or was given up, so that the stream may have stopped amid a line.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Makes a call and waits for it, with the errors of <see cref="ITransport"/>.</summary>
    public async ValueTask RunAsync(Func<CancellationToken, Task> call, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = lifetime.EndWith(cancellationToken);
        try
        {
            await _turn.WaitAsync(lifetime.Token).ConfigureAwait(false);
            try
            {
                await OrEndAsync(call(lifetime.Token)).ConfigureAwait(false);
            }
            finally
            {
                _turn.Release();
            }
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            HasFailed = true;
            throw lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <summary>Waits, after the transport's end, until no call is inside the stream; then no call enters it any more.</summary>
    /// <remarks>
    /// The end has cancelled what runs, so this is quick. Disposing a stream under a call that is just starting is not safe with all of them:
    /// .NET's own pipes then block that call for ever. Only a stream that blocks its caller makes this wait; it is then disposed regardless.
    /// </remarks>
    public Task LeaveAsync() => _turn.WaitAsync(PatienceWithBlockedCalls);

    private async Task OrEndAsync(Task call)
    {
        try
        {
            await call.WaitAsync(lifetime.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!call.IsCompleted)
        {
            // Nobody is left to hear of it, so an error that the call ends with later counts as seen.
            _ = call.ContinueWith(
                static ended => ended.Exception,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            throw;
        }
    }
}
