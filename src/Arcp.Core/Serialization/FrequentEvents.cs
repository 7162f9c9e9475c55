using System.Text.Json;
using Arcp.Core.Events;

namespace Arcp.Core.Serialization;

/// <summary>Writes the events that agents emit in large numbers as their contracts would, member by member, at a third of the time.</summary>
internal static class FrequentEvents
{
    /// <summary>Writes a body.</summary>
    /// <returns>False, and nothing is written, when its contract has to.</returns>
    public static bool TryWrite(Utf8JsonWriter writer, EventBody body)
    {
        switch (body)
        {
            case LogEvent { Level: not null, Message: not null, Attributes: null } log:
                writer.WriteStartObject();
                writer.WriteString("level"u8, log.Level);
                writer.WriteString("message"u8, log.Message);
                break;
            case ThoughtEvent { Text: not null } thought:
                writer.WriteStartObject();
                writer.WriteString("text"u8, thought.Text);
                break;
            case StatusEvent { Phase: not null, Id: null, Value: null, CredentialId: null, CredentialValue: null } status:
                writer.WriteStartObject();
                writer.WriteString("phase"u8, status.Phase);
                WriteOptional(writer, "message"u8, status.Message);
                break;
            case ProgressEvent { Current: var current } progress when double.IsFinite(current) && double.IsFinite(progress.Total ?? 0):
                writer.WriteStartObject();
                writer.WriteNumber("current"u8, current);
                if (progress.Total is { } total)
                {
                    writer.WriteNumber("total"u8, total);
                }

                WriteOptional(writer, "units"u8, progress.Units);
                WriteOptional(writer, "message"u8, progress.Message);
                break;
            default:
                return false;
        }

        writer.WriteEndObject();
        return true;
    }

    private static void WriteOptional(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }
}
