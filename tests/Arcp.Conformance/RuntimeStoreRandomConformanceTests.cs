using Arcp.Core.Ids;
using Arcp.Runtime.Storage;
using Xunit;

namespace Arcp.Conformance;

/// <summary>The part of <see cref="RuntimeStoreConformanceTests"/> that compares a store with <see cref="InMemoryRuntimeStore"/> under random changes.</summary>
/// <remarks>Inherit <see cref="RuntimeStoreConformanceTests"/>, which includes it.</remarks>
public abstract class RuntimeStoreRandomConformanceTests
{
    private const int Steps = 250;

    /// <summary>How long one test may take before it fails; 60 seconds unless overridden.</summary>
    protected virtual TimeSpan Timeout => TimeSpan.FromSeconds(60);

    /// <summary>Gives a store over this test's place: the same place whenever it is called in one test, an empty one in every test. (xunit makes an instance of the class for each test.)</summary>
    /// <returns>A store that is not open, as after a restart; the test disposes it. It may be the one that was given before, if that can be opened again after it was disposed.</returns>
    protected abstract IRuntimeStore Create();

    /// <summary>Random changes, given again now and then, with trims and restarts between them, mean the same to both.</summary>
    /// <param name="seed">What the changes come from; a random one is tried as well, and named when it fails.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(null)]
    public async Task Random_changes_mean_the_same_as_to_the_store_in_memory(int? seed)
    {
        int used = seed ?? Random.Shared.Next();
        await using var model = await OpenedStore.OpenAsync(Same(new InMemoryRuntimeStore()), Timeout);
        await using OpenedStore store = await OpenAsync();
        var changes = new RandomChanges(used);
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                await StepAsync(changes, model, store);
            }

            await CompareAsync(model, store);
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"With the seed {used}: {e}");
        }
    }

    private protected Task<OpenedStore> OpenAsync() => OpenedStore.OpenAsync(Create, Timeout);

    private static Func<IRuntimeStore> Same(IRuntimeStore store) => () => store;

    private static async Task StepAsync(RandomChanges changes, OpenedStore model, OpenedStore store)
    {
        StoreChange[] batch = changes.NextBatch();
        await model.CommitAsync(batch);
        if (changes.Chance(10))
        {
            // As after a failure that was none: the batch comes again, with more behind it.
            await store.CommitAsync(batch);
            StoreChange[] later = changes.NextBatch();
            await model.CommitAsync(later);
            batch = [.. batch, .. later];
        }

        await store.CommitAsync(batch);
        if (changes.Chance(10))
        {
            // The model is not trimmed alone: what is kept decides what later changes mean.
            await model.TrimAsync();
            await store.TrimAsync();
        }

        if (changes.Chance(20))
        {
            await CompareAsync(model, store);
        }
    }

    private static async Task CompareAsync(OpenedStore model, OpenedStore store)
    {
        StoredStateText.AssertEqual(await model.ReopenAsync(), await store.ReopenAsync());
        foreach (JobId jobId in model.State.Jobs.Select(static job => job.Id))
        {
            Assert.Equal((await model.ReadLogAsync(jobId)).Select(StoredStateText.Of), (await store.ReadLogAsync(jobId, maxBytes: 5000)).Select(StoredStateText.Of));
        }
    }
}
