using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Arcp.Core;

/// <summary>A job's trace (§5, §11): 32 lower-case hex digits, or a whole W3C <c>traceparent</c>.</summary>
public sealed record TraceContext
{
    private const int MaxLength = 128;

    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    private TraceContext(string value, ActivityTraceId traceId, ActivitySpanId parentSpanId, bool isSampled)
    {
        Value = value;
        TraceId = traceId;
        ParentSpanId = parentSpanId;
        IsSampled = isSampled;
    }

    /// <summary>The text as it arrived, which is echoed on every frame of the job.</summary>
    public string Value { get; }

    /// <summary>The trace.</summary>
    public ActivityTraceId TraceId { get; }

    /// <summary>The caller's span; all zeros when only a trace id was given.</summary>
    public ActivitySpanId ParentSpanId { get; }

    /// <summary>The caller's sampling decision; true when only a trace id was given.</summary>
    public bool IsSampled { get; }

    /// <summary>Mints a new trace id from the CSPRNG.</summary>
    public static TraceContext New()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomBlock.Fill(bytes);
        bytes[0] |= 1; // all zeros is not a trace id
        ActivityTraceId id = ActivityTraceId.CreateFromBytes(bytes);
        return new(id.ToHexString(), id, default, isSampled: true);
    }

    /// <summary>Reads a trace id or a <c>traceparent</c>. Anything else (upper case, all zeros, other lengths) counts as absent.</summary>
    /// <param name="text">The text from the wire.</param>
    /// <param name="trace">The trace, when there is one.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out TraceContext? trace)
    {
        trace = text switch
        {
            { Length: 32 } when IsId(text) => new(text, ActivityTraceId.CreateFromString(text), default, isSampled: true),
            { Length: >= 55 } => ParseTraceParent(text),
            _ => null,
        };
        return trace is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;

    // version "-" trace-id "-" parent-id "-" flags; version 00 has nothing behind the flags, ff is invalid (W3C Trace Context §3.2).
    // What a later version puts there is echoed and logged, so it has to be visible ASCII.
    private static TraceContext? ParseTraceParent(string text)
    {
        ReadOnlySpan<char> span = text;
        ReadOnlySpan<char> version = span[..2];
        ReadOnlySpan<char> flags = span[53..55];
        bool wellFormed = span[2] == '-' && span[35] == '-' && span[52] == '-'
            && IsHex(version) && version is not "ff"
            && IsId(span[3..35]) && IsId(span[36..52]) && IsHex(flags)
            && (text.Length == 55 || (version is not "00" && span[55] == '-'))
            && text.Length <= MaxLength
            && !span[55..].ContainsAnyExceptInRange('!', '~');

        return wellFormed
            ? new(
                text,
                ActivityTraceId.CreateFromString(span[3..35]),
                ActivitySpanId.CreateFromString(span[36..52]),
                (Convert.FromHexString(flags)[0] & 1) != 0)
            : null;
    }

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(LowerHex);

    private static bool IsId(ReadOnlySpan<char> text) => IsHex(text) && text.ContainsAnyExcept('0');
}
