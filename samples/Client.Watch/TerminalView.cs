using System.Globalization;
using Arcp.Client;
using Arcp.Core;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Client.Watch;

/// <summary>Draws the board again and again.</summary>
internal static class TerminalView
{
    private const int BarWidth = 20;
    private const int MaxJobs = 15;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    public static Task ShowAsync(ArcpClient client, JobBoard board, Task until) =>
        AnsiConsole.Live(Draw(client, board)).StartAsync(async display =>
        {
            while (!until.IsCompleted)
            {
                display.UpdateTarget(Draw(client, board));
                await Task.WhenAny(until, Task.Delay(Interval, TimeProvider.System));
            }

            display.UpdateTarget(Draw(client, board));
        });

    private static Rows Draw(ArcpClient client, JobBoard board)
    {
        (IReadOnlyList<JobRow> rows, IReadOnlyList<string> lines) = board.Look();
        Table table = new Table { Title = new TableTitle($"{rows.Count} jobs, {rows.Count(row => !row.Status.IsTerminal)} active, {client.State.Status}") }
            .Border(TableBorder.Rounded)
            .AddColumns("job", "agent", "status", "progress", "budget");

        // The active ones first, then those that ended last.
        foreach (JobRow row in rows.Reverse().OrderBy(row => row.Status.IsTerminal).Take(MaxJobs))
        {
            table.AddRow(Text(row.Id), Text(row.Agent), new Markup(StatusOf(row.Status)), new Markup(ProgressOf(row)), new Markup(BudgetOf(row)));
        }

        var log = new Panel(new Rows(lines.Select(line => (IRenderable)Text(line)))) { Header = new PanelHeader("latest events"), Expand = true };
        return new Rows(table, log);
    }

    private static Text Text(string text) => new(text) { Overflow = Overflow.Ellipsis };

    private static string StatusOf(JobStatus status)
    {
        string colour = status == JobStatus.Success ? "green" : status == JobStatus.Running ? "yellow" : status.IsTerminal ? "red" : "grey";
        return $"[{colour}]{Markup.Escape(status.Value)}[/]";
    }

    private static string ProgressOf(JobRow row) => row.Progress switch
    {
        { Total: { } total and > 0 } progress => Bar(progress.Current / total, "blue", string.Create(CultureInfo.InvariantCulture, $"{progress.Current / total:P0}")),
        { } progress => Markup.Escape(string.Create(CultureInfo.InvariantCulture, $"{progress.Current} {progress.Units}")),
        _ => string.Empty,
    };

    private static string BudgetOf(JobRow row) => string.Join('\n', row.Budgets.Select(budget =>
    {
        double share = budget.Value.Full > 0 ? (double)(budget.Value.Remaining / budget.Value.Full) : 0;
        return Bar(share, share > 0.25 ? "green" : "red", string.Create(CultureInfo.InvariantCulture, $"{budget.Value.Remaining} {budget.Key}"));
    }));

    private static string Bar(double share, string colour, string label)
    {
        int full = (int)Math.Round(Math.Clamp(share, 0, 1) * BarWidth);
        return $"[{colour}]{new string('█', full)}[/][grey]{new string('░', BarWidth - full)}[/] {Markup.Escape(label)}";
    }
}
