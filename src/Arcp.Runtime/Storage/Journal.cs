using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Storage;

/// <summary>Commits all that has to be kept, in one order, many changes at a time, and tells how far it has come: nothing is shown before it is committed.</summary>
/// <remarks>
/// Thread-safe. Whoever changes something appends the change under the lock that guards it, so that the order here is the order it happened in.
/// A commit that fails is tried again until it succeeds, with what came later behind it.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "What is cut may still be asked for its token; the source holds no timer and no wait handle.")]
internal sealed class Journal(IRuntimeStore store, StorageOptions options, TimeProvider clock, ILogger logger)
{
    /// <summary>How many commits may come between two steps of trimming.</summary>
    private const int CommitsPerTrim = 8;

    private readonly CommitQueue _queue = new();
    private readonly CancellationTokenSource _cut = new();
    private bool _mayTrim = true;
    private Task _running = Task.CompletedTask;

    /// <summary>The position of the last change that was appended.</summary>
    public long Position => _queue.Position;

    /// <summary>The position of the last change that is committed.</summary>
    public long Committed => _queue.Committed;

    /// <summary>The bytes that are not committed yet, about.</summary>
    public long UncommittedBytes => _queue.UncommittedBytes;

    /// <summary>Whether so much waits that nobody should add to it who can wait.</summary>
    public bool IsFull => UncommittedBytes >= options.MaxUncommittedBytes;

    /// <summary>Whether the last commit has failed, or takes longer than it may.</summary>
    public bool IsFailing => _queue.IsFailing;

    /// <summary>Starts to commit. Called once, when the store is open.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Appends changes, which are committed together. When the runtime has stopped, what goes then is not forgotten by the store.</summary>
    /// <returns>Their position: when <see cref="Committed"/> has reached it they are kept. Beyond all others when they never will be.</returns>
    public long Append(params ReadOnlySpan<StoreChange> changes) => _queue.Append(changes);

    /// <summary>Commits what a request needs before it may be answered, or gives it up.</summary>
    /// <param name="changes">The changes.</param>
    /// <param name="undo">What takes them back when they are given up, whether or not they were committed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArcpException"><c>INTERNAL_ERROR</c>, retryable: the store cannot keep anything at the moment. It is as if nothing had been asked for.</exception>
    public async Task KeepAsync(StoreChange[] changes, StoreChange[] undo, CancellationToken cancellationToken = default)
    {
        if (IsFailing)
        {
            throw Unavailable();
        }

        long position = Append(changes);
        if (position == CommitQueue.Never)
        {
            throw Unavailable();
        }

        try
        {
            if (await WaitAsync(position, whateverFails: false).WaitAsync(options.CommitTimeout, clock, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }
        catch (TimeoutException)
        {
            // as if it had failed
        }
        catch (OperationCanceledException)
        {
            Append(undo);
            throw;
        }

        Append(undo);
        throw Unavailable();
    }

    /// <summary>Ends when everything up to a position is committed, however long that takes.</summary>
    public Task WhenCommittedAsync(long position) => Committed >= position ? Task.CompletedTask : WaitAsync(position, whateverFails: true);

    /// <summary>Ends when a commit has been tried: there may be room now.</summary>
    public Task WhenProgressAsync() => _queue.Progress;

    /// <summary>Reads a part of a job's log, all that was appended to it before included.</summary>
    /// <inheritdoc cref="IRuntimeStore.ReadLogAsync"/>
    public async Task<IReadOnlyList<StoredEntry>> ReadLogAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken)
    {
        await WhenCommittedAsync(Position).WaitAsync(cancellationToken).ConfigureAwait(false);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await store.ReadLogAsync(jobId, after, maxBytes, cancellationToken).ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Whatever the storage throws, reading is tried again; whoever waits may give up.
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Log.StoreReadFailed(logger, jobId, attempt, e);
                await Task.Delay(BackoffOf(attempt), clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Commits what was appended and closes the store. What is appended later is not kept.</summary>
    /// <param name="grace">How long to go on trying.</param>
    public async Task StopAsync(TimeSpan grace)
    {
        _queue.Close();
        try
        {
            await _running.WaitAsync(grace, clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.ChangesNotKept(logger, Position - Committed);
        }

        await _cut.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await store.DisposeAsync().ConfigureAwait(false);
    }

    private static ArcpException Unavailable() =>
        new(ErrorCode.InternalError, "The runtime's store cannot keep the request at the moment; try again later.", retryable: true);

    private TimeSpan BackoffOf(int attempt) =>
        TimeSpan.FromTicks((long)Math.Min(options.MaxRetryBackoff.Ticks, options.RetryBackoff.Ticks * Math.Pow(2, attempt - 1)));

    /// <param name="position">What is waited for.</param>
    /// <param name="whateverFails">Whether a commit that fails is waited through.</param>
    /// <returns>Whether it is committed; false = a commit has failed before it was.</returns>
    private async Task<bool> WaitAsync(long position, bool whateverFails)
    {
        while (true)
        {
            Task progress = WhenProgressAsync();
            if (Committed >= position)
            {
                return true;
            }

            if (IsFailing && !whateverFails)
            {
                return false;
            }

            await progress.ConfigureAwait(false);
        }
    }

    private async Task RunAsync()
    {
        int sinceTrim = 0;
        while (true)
        {
            List<StoreChange> batch = _queue.Take(out bool isClosed);
            if (batch.Count > 0)
            {
                await CommitAsync(batch).ConfigureAwait(false);
                sinceTrim++;
            }
            else if (isClosed)
            {
                return;
            }

            if (_mayTrim && (batch.Count == 0 || sinceTrim >= CommitsPerTrim))
            {
                await TrimAsync().ConfigureAwait(false);
                sinceTrim = 0;
            }
            else if (batch.Count == 0)
            {
                await _queue.WaitAsync().ConfigureAwait(false);
            }

            _queue.Return(batch);
        }
    }

    private async Task CommitAsync(List<StoreChange> batch)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await TryCommitAsync(batch).ConfigureAwait(false);
                _mayTrim |= batch.Exists(static change => change is StoreChange.JobForgotten or StoreChange.SessionForgotten);
                _queue.EndAttempt(succeeded: true);
                return;
            }
#pragma warning disable CA1031 // Whatever the storage throws, the commit is tried again.
            catch (Exception e) when (!_cut.IsCancellationRequested)
#pragma warning restore CA1031
            {
                TimeSpan delay = BackoffOf(attempt);
                Log.CommitFailed(logger, batch.Count, attempt, delay, e);
                _queue.EndAttempt(succeeded: false);
                await Task.Delay(delay, clock, _cut.Token).ConfigureAwait(false);
            }

            _queue.TakeMore(batch); // also what takes back the requests that were refused meanwhile
        }
    }

    // Two commits are never under way: one that takes too long counts as failing and is waited for all the same.
    private async Task TryCommitAsync(List<StoreChange> batch)
    {
        Task commit = store.CommitAsync(batch, _cut.Token).AsTask();
        try
        {
            await commit.WaitAsync(options.CommitTimeout, clock, _cut.Token).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!commit.IsCompleted)
        {
            Log.CommitIsSlow(logger, batch.Count, options.CommitTimeout);
            _queue.EndAttempt(succeeded: false);
            await commit.WaitAsync(_cut.Token).ConfigureAwait(false);
        }
    }

    private async Task TrimAsync()
    {
        try
        {
            _mayTrim = await store.TrimAsync(_cut.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whatever the storage throws, what nobody needs stays until something else is forgotten.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _mayTrim = false;
            Log.TrimFailed(logger, e);
        }
    }
}
