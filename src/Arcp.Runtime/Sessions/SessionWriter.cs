using System.Runtime.CompilerServices;
using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>The one writer of a connection: sends what the outbox gives, many frames at a time, and nothing before what it shows is committed.</summary>
internal sealed class SessionWriter(SessionOutbox outbox, SessionConnection connection, HeartbeatMonitor? heartbeat)
{
    // What may have to wait for a commit must not lie in the transport yet.
    private readonly FrameBatch _batch = new(connection.Transport.Layout, outbox.IsDurable ? null : connection.Transport.TryBeginFrames);
    private FrameBatch? _answers;

    /// <summary>Sends until the outbox is complete or the connection is lost.</summary>
    /// <param name="cancellationToken">Ends it; whoever cancels wakes the outbox, too.</param>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        string end = "the connection is lost";
        try
        {
            while (outbox.Collect(_batch) || _batch.Count > 0)
            {
                if (_batch.Count > 0)
                {
                    await SendBatchAsync(cancellationToken).ConfigureAwait(false);
                }
                else if (!outbox.IsBlocked || !await TryUnblockAsync(cancellationToken).ConfigureAwait(false))
                {
                    await outbox.WaitAsync().ConfigureAwait(false);
                    cancellationToken.ThrowIfCancellationRequested();
                }
            }

            end = "the runtime has closed it";
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            // The reason says it.
        }
        finally
        {
            connection.OnLoopEnded(end);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendBatchAsync(CancellationToken cancellationToken)
    {
        int sent = 0;
        if (_batch.MustWait)
        {
            sent = _batch.ReadyCount;
            await WriteAsync(_batch, 0, sent, cancellationToken).ConfigureAwait(false);
            await FlushAsync(sent, cancellationToken).ConfigureAwait(false);
            await AnswerUntilAsync(outbox.WhenCommittedAsync(_batch), cancellationToken).ConfigureAwait(false);
        }

        int count = _batch.Count;
        int numbered = _batch.NumberedCount;
        await WriteAsync(_batch, sent, count, cancellationToken).ConfigureAwait(false);
        _batch.Clear(); // its memory serves another session while this one waits for its peer
        await FlushAsync(count - sent, cancellationToken).ConfigureAwait(false);
        ArcpTelemetry.EventsDelivered.Add(numbered);
    }

    // A fetch is given up when nothing numbered is sent any more; a commit is waited for.
    private async Task<bool> TryUnblockAsync(CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bool wasComplete = outbox.IsComplete;
        if (outbox.Unblock(giveUp.Token) is not { } unblocked)
        {
            return false;
        }

        try
        {
            await AnswerUntilAsync(unblocked, cancellationToken, () => !wasComplete && outbox.IsComplete).ConfigureAwait(false);
        }
        finally
        {
            await giveUp.CancelAsync().ConfigureAwait(false);
            await unblocked.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return true;
    }

    /// <summary>Waits, and sends meanwhile what does not have to.</summary>
    private async Task AnswerUntilAsync(Task task, CancellationToken cancellationToken, Func<bool>? isGivenUp = null)
    {
        Task woken = task.ContinueWith(
            static (_, outbox) => ((SessionOutbox)outbox!).Wake(), outbox, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        while (!task.IsCompleted)
        {
            if (isGivenUp?.Invoke() is true)
            {
                return;
            }

            if (!await TrySendAnswersAsync(cancellationToken).ConfigureAwait(false))
            {
                outbox.WakeWhenCommitted();
                await outbox.WaitAsync().ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        await woken.ConfigureAwait(false);
        await task.ConfigureAwait(false);
        while (await TrySendAnswersAsync(cancellationToken).ConfigureAwait(false))
        {
            // What was queued before the numbered frames is committed with them, and all of it comes first.
        }
    }

    private async Task<bool> TrySendAnswersAsync(CancellationToken cancellationToken)
    {
        outbox.CollectAnswers(_answers ??= new FrameBatch(connection.Transport.Layout));
        if (_answers.Count == 0)
        {
            return false;
        }

        int count = _answers.Count;
        await WriteAsync(_answers, 0, count, cancellationToken).ConfigureAwait(false);
        _answers.Clear();
        await FlushAsync(count, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private ValueTask WriteAsync(FrameBatch frames, int from, int to, CancellationToken cancellationToken)
    {
        if (from == to || frames.IsInPlace)
        {
            return ValueTask.CompletedTask;
        }

        return connection.Transport.Layout is null
            ? WriteEachAsync(frames, from, to, cancellationToken)
            : connection.Transport.WriteFramesAsync(frames[from..to], cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteEachAsync(FrameBatch frames, int from, int to, CancellationToken cancellationToken)
    {
        for (int i = from; i < to; i++)
        {
            await connection.Transport.WriteAsync(frames[i], cancellationToken).ConfigureAwait(false);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FlushAsync(int frames, CancellationToken cancellationToken)
    {
        if (frames == 0)
        {
            return;
        }

        await connection.Transport.FlushAsync(cancellationToken).ConfigureAwait(false);
        heartbeat?.OnSent();
        ArcpTelemetry.FramesOut.Add(frames);
    }
}
