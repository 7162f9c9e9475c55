using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite;

/// <summary>How values stand in columns: times as ticks in UTC, bytes as blobs, budgets as a JSON object.</summary>
internal static class Columns
{
    public static byte[] ToBlob(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment) && segment.Array is { } array && array.Length == segment.Count ? array : bytes.ToArray();

    public static object? ToTicks(DateTimeOffset? time) => time?.UtcTicks;

    public static string? ToJson(IReadOnlyDictionary<string, decimal>? amounts)
    {
        if (amounts is null)
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach ((string currency, decimal amount) in amounts)
            {
                writer.WriteNumber(currency, amount);
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static IReadOnlyDictionary<string, decimal>? GetAmounts(this SqliteDataReader reader, int column)
    {
        if (reader.GetText(column) is not { } json)
        {
            return null;
        }

        using var document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateObject().ToDictionary(static amount => amount.Name, static amount => amount.Value.GetDecimal());
    }

    public static byte[] GetBlob(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? [] : reader.GetFieldValue<byte[]>(column);

    public static string? GetText(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static long? GetNumber(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public static bool GetFlag(this SqliteDataReader reader, int column) => reader.GetInt64(column) != 0;

    public static DateTimeOffset GetTime(this SqliteDataReader reader, int column) => new(reader.GetInt64(column), TimeSpan.Zero);

    public static DateTimeOffset? GetOptionalTime(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetTime(column);
}
