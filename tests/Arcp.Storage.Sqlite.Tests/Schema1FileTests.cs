using Arcp.Conformance;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite.Tests;

public sealed class Schema1FileTests : StoreTests
{
    [Fact]
    public async Task A_file_of_schema_1_is_read_in_full_and_written_on()
    {
        File.Copy(Schema1File.Path, Directory.File);
        await AssertHoldsWhatItShouldAsync();
        await using SqliteRuntimeStore store = await OpenAsync();
        await store.CommitAsync([Added(9), .. Appended(9, 1, 3)], None);
        while (await store.TrimAsync(None))
        {
        }

        await store.DisposeAsync();
        Directory.Run("SELECT count(*) FROM job").Should().Be(4L, "job_4 was forgotten and is removed; a new one was added");
    }

    [Fact]
    public async Task What_made_the_file_of_schema_1_still_makes_the_same()
    {
        await Schema1File.WriteAsync(Directory.File);
        await AssertHoldsWhatItShouldAsync();
    }

    private async Task AssertHoldsWhatItShouldAsync()
    {
        await using IRuntimeStore store = Directory.Create();
        StoredState state = await store.OpenAsync(RuntimeStoreContent.Version, None);
        StoredStateText.AssertEqual(Schema1File.State, state);
        foreach (StoredJob job in Schema1File.State.Jobs)
        {
            IReadOnlyList<StoredEntry> log = await store.ReadLogAsync(job.Id, 0, int.MaxValue, None);
            log.Select(StoredStateText.Of).Should().Equal(Schema1File.Log(job.Id, job.LastEntry).Select(StoredStateText.Of));
        }
    }
}
