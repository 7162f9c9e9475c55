using Arcp.Core;
using Arcp.Core.Events;

namespace Arcp.Runtime.Agents;

/// <summary>Emits the events of §8.2 by their members.</summary>
public abstract class EventEmitter
{
    private protected EventEmitter()
    {
    }

    /// <summary>Emits any event of §8.2, or a vendor's. All other members that emit end as this one does.</summary>
    /// <param name="body">The event. A <see cref="RawEvent"/> must be of a kind <c>x-vendor.*</c>.</param>
    /// <exception cref="ArgumentException">The event breaks its kind's rules; nothing is emitted.</exception>
    /// <exception cref="OperationCanceledException">The job has ended.</exception>
    public abstract ValueTask EmitAsync(EventBody body);

    /// <summary>Emits a line for people.</summary>
    /// <param name="message">The line.</param>
    /// <param name="level"><c>debug</c>, <c>info</c> (the default), <c>warn</c> or <c>error</c>.</param>
    /// <param name="attributes">Structured facts beside it, a JSON object.</param>
    public ValueTask LogAsync(string message, string level = "info", RawJson? attributes = null) =>
        EmitAsync(new LogEvent { Level = level, Message = message, Attributes = attributes });

    /// <summary>Emits a piece of reasoning.</summary>
    /// <param name="text">The text.</param>
    public ValueTask ThoughtAsync(string text) => EmitAsync(new ThoughtEvent { Text = text });

    /// <summary>Says that the job enters a phase.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="message">A line for people.</param>
    public ValueTask StatusAsync(string phase, string? message = null) => EmitAsync(new StatusEvent { Phase = phase, Message = message });

    /// <summary>Says how far the job has come.</summary>
    /// <param name="current">What is done; at least 0.</param>
    /// <param name="total">What there is to do.</param>
    /// <param name="units">What is counted.</param>
    /// <param name="message">A line for people.</param>
    public ValueTask ProgressAsync(double current, double? total = null, string? units = null, string? message = null) =>
        EmitAsync(new ProgressEvent { Current = current, Total = total, Units = units, Message = message });

    /// <summary>Emits a measurement.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="value">The value, decimal-exact.</param>
    /// <param name="unit">Its unit.</param>
    /// <param name="dimensions">What the value is about.</param>
    public ValueTask MetricAsync(string name, decimal value, string? unit = null, IReadOnlyDictionary<string, string>? dimensions = null) =>
        EmitAsync(new MetricEvent { Name = name, Value = value, Unit = unit, Dimensions = dimensions });

    /// <summary>Points at something the job has produced.</summary>
    /// <param name="uri">Where it is.</param>
    /// <param name="contentType">Its media type.</param>
    /// <param name="byteSize">Its size in bytes; at least 0.</param>
    /// <param name="sha256">Its SHA-256 as hexadecimal digits.</param>
    public ValueTask ArtifactAsync(string uri, string contentType, long? byteSize = null, string? sha256 = null) =>
        EmitAsync(new ArtifactRefEvent { Uri = uri, ContentType = contentType, ByteSize = byteSize, Sha256 = sha256 });

    /// <summary>Emits an event of a vendor's kind, unchanged.</summary>
    /// <param name="kind"><c>x-vendor.</c> and a name.</param>
    /// <param name="body">The body.</param>
    public ValueTask VendorEventAsync(string kind, RawJson body) => EmitAsync(new RawEvent(kind, body));
}
