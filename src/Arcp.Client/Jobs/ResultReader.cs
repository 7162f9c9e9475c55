using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Arcp.Core.Messages;

namespace Arcp.Client.Jobs;

/// <summary>Reads a job's result while it comes (§8.4): checks each chunk for itself, so that a reader gets all that came before a bad one.</summary>
/// <param name="tracker">The job.</param>
/// <param name="read">Reads the job's events from the first that is kept.</param>
internal sealed class ResultReader(JobTracker tracker, Func<CancellationToken, IAsyncEnumerable<JobEvent>> read)
{
    /// <summary>Reads the bytes; no piece is empty.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (tracker.Result.IsCompleted && await tracker.Result.ConfigureAwait(false) is { Content: { } known })
        {
            if (!known.IsEmpty)
            {
                yield return known;
            }

            yield break;
        }

        var chunks = new ResultChunks(tracker.MaxResultBytes);
        await foreach (JobEvent entry in read(cancellationToken).ConfigureAwait(false))
        {
            if (chunks.Take(entry.Body, out ReadOnlyMemory<byte> data) is { } problem)
            {
                throw JobTracker.BadResult(problem);
            }

            if (!data.IsEmpty)
            {
                yield return data;
            }
        }

        JobEnding ending = await tracker.Result.ConfigureAwait(false); // it has ended, or the events would have ended in an error
        if (ending.Failure is { } failure)
        {
            throw failure();
        }

        if (ending.IsStreamed)
        {
            yield break;
        }

        if (chunks.Any)
        {
            throw JobTracker.BadResult("its chunks were followed by another result");
        }

        if (ending.Content is { IsEmpty: false } whole)
        {
            yield return whole;
        }
    }

    /// <summary>Reads the bytes as UTF-8; no piece is empty and none ends inside a character.</summary>
    public async IAsyncEnumerable<string> ReadTextAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Decoder decoder = Encoding.UTF8.GetDecoder();
        await foreach (ReadOnlyMemory<byte> piece in ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (Decode(piece.Span, flush: false) is { Length: > 0 } text)
            {
                yield return text;
            }
        }

        if (Decode([], flush: true) is { Length: > 0 } rest)
        {
            yield return rest;
        }

        string Decode(ReadOnlySpan<byte> bytes, bool flush)
        {
            char[] text = new char[decoder.GetCharCount(bytes, flush)];
            return new string(text, 0, decoder.GetChars(bytes, text, flush));
        }
    }

    /// <summary>Completes an ending whose stream was not kept, from the events that still are.</summary>
    /// <exception cref="EventsDroppedException">They are not.</exception>
    public async Task<JobEnding> AssembleAsync(JobEnding ending, CancellationToken cancellationToken)
    {
        var whole = new ArrayBufferWriter<byte>();
        await foreach (ReadOnlyMemory<byte> piece in ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            whole.Write(piece.Span);
        }

        return ending with { Streamed = whole.WrittenMemory };
    }
}
