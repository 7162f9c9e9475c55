using Arcp.Core.Ids;
using Arcp.Runtime.Credentials;

namespace Arcp.Runtime.Tests.Credentials;

[Trait("Section", "9.8")]
public class RecoveryTests
{
    [Fact]
    public async Task What_an_earlier_run_left_is_revoked_at_the_start()
    {
        await using var room = new CredentialRoom();
        OutstandingCredential[] left = [.. Enumerable.Range(0, 50).Select(Left)];
        foreach (OutstandingCredential credential in left)
        {
            await room.Store.AddAsync(credential, default);
        }

        await room.Broker.StartAsync().WaitAsync(CredentialRoom.Patience);

        room.Broker.Outstanding.Should().BeLessThanOrEqualTo(50);
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 0, "all are revoked and forgotten");
        room.Provisioner.Revoked.Should().HaveCount(50).And.OnlyContain(entry => entry.Value == 1);
    }

    [Fact]
    public async Task A_credential_of_this_run_is_not_taken_for_an_earlier_ones()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource open = CredentialRoom.Gate();
        room.Store.BeforeList = _ => open.Task;
        Task started = room.Broker.StartAsync();

        JobCredentials kept = await room.IssueAsync();
        open.SetResult();
        await started.WaitAsync(CredentialRoom.Patience);
        await room.Broker.StopAsync(TimeSpan.FromSeconds(5), default).WaitAsync(CredentialRoom.Patience);

        room.Provisioner.Revoked.Should().BeEmpty();
        room.Store.Records.Should().ContainSingle().Which.Id.Should().Be(kept.Current[0].Id);
    }

    [Fact]
    public async Task A_credential_of_this_run_that_is_listed_and_revoked_meanwhile_is_not_revoked_again()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource open = CredentialRoom.Gate();
        TaskCompletionSource listed = CredentialRoom.Gate();
        TaskCompletionSource answered = CredentialRoom.Gate();
        room.Store.BeforeList = _ => open.Task;
        room.Store.AfterList = () =>
        {
            listed.SetResult();
            return answered.Task;
        };
        Task started = room.Broker.StartAsync();
        JobCredentials credentials = await room.IssueAsync();

        open.SetResult();
        await listed.Task.WaitAsync(CredentialRoom.Patience);
        await credentials.RevokeAllAsync().WaitAsync(CredentialRoom.Patience);
        answered.SetResult();
        await started.WaitAsync(CredentialRoom.Patience);
        await room.Broker.StopAsync(TimeSpan.FromSeconds(5), default).WaitAsync(CredentialRoom.Patience);

        room.Provisioner.AttemptsOn(credentials.Current[0].Value!).Should().Be(1);
    }

    [Fact]
    public async Task A_store_that_cannot_be_listed_is_asked_until_it_can()
    {
        await using var room = new CredentialRoom();
        await room.Store.AddAsync(Left(1), default);
        int calls = 0;
        room.Options.RevocationAttempts = 2;
        room.Store.BeforeList = _ => ++calls <= 5 ? throw new InvalidOperationException() : Task.CompletedTask;

        await room.Broker.StartAsync().WaitAsync(CredentialRoom.Patience);
        for (int failures = 1; failures <= 5; failures++)
        {
            await room.PassBackoffAsync(failures, eventId: 4011);
        }

        await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 1, "it is revoked at last");
    }

    [Fact]
    public async Task A_store_that_hangs_holds_up_the_start_no_longer_than_one_call_may_take()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource never = CredentialRoom.Gate();
        room.Store.BeforeList = _ => never.Task;

        Task started = room.Broker.StartAsync();
        await CredentialRoom.UntilAsync(() => room.Clock.ActiveTimers == 1, "the call's time runs");
        room.Clock.Advance(room.Options.RevocationAttemptTimeout);

        await started.WaitAsync(CredentialRoom.Patience);
        await room.Broker.StopAsync(TimeSpan.Zero, default).WaitAsync(CredentialRoom.Patience);
    }

    private static OutstandingCredential Left(int number) => new()
    {
        Id = new CredentialId($"cred_{number}"),
        JobId = new JobId($"job_{number}"),
        Value = $"sk-left-{number}",
        Endpoint = "https://models.example/",
    };
}
