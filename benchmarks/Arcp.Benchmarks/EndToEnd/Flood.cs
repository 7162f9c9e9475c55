namespace Arcp.Benchmarks.EndToEnd;

/// <summary>The job that emits as fast as it may.</summary>
internal static class Flood
{
    /// <summary>The line that makes a frame of about 350 bytes.</summary>
    public const int LineLength = 30;

    public static string Input(int events, bool gated = false, int before = 0) =>
        $"{{\"events\":{events},\"bytes\":{LineLength},\"gated\":{(gated ? "true" : "false")},\"before\":{before}}}";

    /// <summary>The size of its frames, measured over one small job.</summary>
    public static async Task<int> MeasureFrameSizeAsync(Uri server)
    {
        const int events = 10_000;
        using LoadSession session = LoadSession.Open(server);
        session.Submit("flood", Input(events));
        long before = session.BytesRead;
        await session.TakeTerminalAsync();
        return (int)Math.Round((session.BytesRead - before) / (double)session.LastSeq) - 4; // less the WebSocket's header
    }
}
