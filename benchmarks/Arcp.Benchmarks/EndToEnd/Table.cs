using System.Text;
using System.Text.Json;

namespace Arcp.Benchmarks.EndToEnd;

/// <summary>Shows rows as a Markdown table, and writes them as JSON.</summary>
internal static class Table
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static string Format(IEnumerable<Row> rows)
    {
        var text = new StringBuilder();
        text.AppendLine("| scenario | measure | measured | baseline | judged | target | |");
        text.AppendLine("|---|---|--:|--:|--:|--:|---|");
        foreach (Row row in rows)
        {
            text.AppendLine(FormatRow(row));
        }

        return text.ToString();
    }

    public static async Task WriteJsonAsync(string path, IEnumerable<Row> rows)
    {
        await using FileStream file = File.Create(path);
        await JsonSerializer.SerializeAsync(
            file,
            rows.Select(row => new
            {
                row.Scenario,
                row.Measure,
                row.Lacking,
                Measured = row.Measured.Values,
                Baseline = row.Baseline?.Values,
                Judged = row.Judged.Values,
                Target = row.Target?.ToString(),
                Verdict = row.Verdict?.ToString(),
            }),
            Indented);
    }

    private static string FormatRow(Row row)
    {
        if (row.Lacking is { } why)
        {
            return $"| {row.Scenario} | {row.Measure} | not measured: {why.Replace("|", "\\|", StringComparison.Ordinal)} | | | | |";
        }

        string verdict = row.Verdict switch
        {
            Verdict.Met => "met",
            Verdict.WithinSpread => "within spread",
            Verdict.Missed => "**missed**",
            _ => "reported",
        };
        string judged = row.Baseline is null && row.JudgedInstead is null ? "" : row.Judged.ToString();
        return $"| {row.Scenario} | {row.Measure} | {row.Measured} | {row.Baseline?.ToString() ?? ""} | {judged} | {row.Target?.ToString() ?? ""} | {verdict} |";
    }
}
