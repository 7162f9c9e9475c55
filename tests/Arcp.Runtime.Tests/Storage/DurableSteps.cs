using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>What tests of the durable runtime do again and again.</summary>
internal static class DurableSteps
{
    /// <summary>What a store that fails throws; nothing of it may reach a peer.</summary>
    public const string DiskText = "the disk behind /var/lib/arcp is full";

    /// <summary>Lets all commits fail from now on.</summary>
    public static void Fail(this ScriptedRuntimeStore store) => store.BeforeCommit = _ => throw new IOException(DiskText);

    /// <summary>Lets commits succeed again.</summary>
    public static void Recover(this ScriptedRuntimeStore store) => store.BeforeCommit = null;

    /// <summary>Ends when all that was changed is committed.</summary>
    public static Task CommittedAsync(this DurableHost durable) => TestRuntime.UntilAsync(
        () => durable.Host.Runtime.GetStatistics() is { UncommittedBytes: 0, IsStoreFailing: false }, "everything is committed");

    /// <summary>Ends when the runtime knows that its store fails.</summary>
    public static Task FailingAsync(this DurableHost durable) => TestRuntime.UntilAsync(() => durable.Host.Runtime.GetStatistics().IsStoreFailing, "the store fails");

    /// <summary>Kills the runtime and looks at what is kept.</summary>
    public static async Task<StoredState> KillAndLookAsync(this DurableHost durable, Func<InMemoryRuntimeStore, StoredState, Task>? look = null)
    {
        await durable.KillAsync();
        StoredState state = await durable.Kept.OpenAsync(RuntimeStoreContent.Version, default);
        await (look?.Invoke(durable.Kept, state) ?? Task.CompletedTask);
        await durable.Kept.DisposeAsync();
        return state;
    }

    /// <summary>Nothing is sent but answers to pings: also not what the writer has collected and holds.</summary>
    public static async Task ExpectHeldAsync(this WireClient client)
    {
        for (int i = 0; i < 3; i++)
        {
            await client.ExpectQuietAsync();
        }
    }

    /// <summary>The numbered frames among the next ones, until so many have come.</summary>
    public static async Task<List<WireFrame>> ReadNumberedAsync(this WireClient client, int count)
    {
        var frames = new List<WireFrame>();
        while (frames.Count < count)
        {
            WireFrame frame = (await client.ReceiveAsync())!;
            frame.Should().NotBeNull("{0} of {1} numbered frames have come", frames.Count, count);
            if (frame.EventSeq is not null)
            {
                frames.Add(frame);
            }
        }

        return frames;
    }

    /// <summary>Subscribes to a job from an entry on, and returns the answer.</summary>
    public static async Task<WireFrame> SubscribeAsync(this WireClient client, string jobId, long from = 0)
    {
        await client.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = from, history = true });
        return await client.ExpectAsync("job.subscribed");
    }

    /// <summary>The numbers in the log messages of a job's frames.</summary>
    public static IEnumerable<string?> LogLines(this IEnumerable<WireFrame> frames) =>
        frames.Where(frame => frame.Kind == "log").Select(frame => (string?)frame.Body["message"]);
}
