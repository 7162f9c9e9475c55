using System.Text;
using System.Text.Json;
using Arcp.Core;

namespace Arcp.Client.Jobs;

/// <summary>What came of a job, as far as its result goes.</summary>
internal sealed record JobEnding
{
    /// <summary>Makes the error that each waiter gets for itself; null = success.</summary>
    public Func<Exception>? Failure { get; init; }

    /// <summary>The inline result.</summary>
    public RawJson? Inline { get; init; }

    /// <summary>Whether the result came in chunks.</summary>
    public bool IsStreamed { get; init; }

    /// <summary>The streamed result, when it was kept.</summary>
    public ReadOnlyMemory<byte>? Streamed { get; init; }

    /// <summary>Whether the streamed result is text.</summary>
    public bool IsText { get; init; }

    /// <summary>A line for people.</summary>
    public string? Summary { get; init; }

    /// <summary>The result as who reads it as a stream gets it: the stream, the text of a JSON string, or JSON; null = there is none, or it was not kept.</summary>
    public ReadOnlyMemory<byte>? Content => IsStreamed ? Streamed : Inline is { } json ? TextOf(json) : default(ReadOnlyMemory<byte>?);

    // A runtime delivers a stream as a JSON string to sessions that take no chunks (§6.2).
    private static ReadOnlyMemory<byte> TextOf(RawJson json)
    {
        try
        {
            return json.ToElement() is { ValueKind: JsonValueKind.String } text ? Encoding.UTF8.GetBytes(text.GetString()!) : json.Utf8;
        }
        catch (InvalidOperationException)
        {
            return json.Utf8; // half a surrogate pair is no text
        }
    }
}
