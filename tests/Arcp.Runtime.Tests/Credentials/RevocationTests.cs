using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

[Trait("Section", "9.8")]
public class RevocationTests
{
    [Fact]
    public async Task Each_value_is_revoked_once_however_often_it_is_asked_for()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(credentials.RevokeAllAsync))).WaitAsync(CredentialRoom.Patience);

        room.Provisioner.AttemptsOn(credentials.Current[0].Value!).Should().Be(1);
        room.Broker.Outstanding.Should().Be(0);
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 0, "the store forgets it");
    }

    [Fact]
    public async Task A_revocation_that_fails_three_times_succeeds_at_the_fourth()
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnRevoke = (_, attempt, _) => attempt <= 3 ? throw new InvalidOperationException("busy") : ValueTask.CompletedTask;
        JobCredentials credentials = await room.IssueAsync();

        Task revoked = credentials.RevokeAllAsync();
        for (int failures = 1; failures <= 3; failures++)
        {
            await room.PassBackoffAsync(failures);
        }

        await revoked.WaitAsync(CredentialRoom.Patience);
        room.Provisioner.AttemptsOn(credentials.Current[0].Value!).Should().Be(4);
        room.Broker.DeadLetters.Should().Be(0);
        room.Broker.Outstanding.Should().Be(0);
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 0, "the store forgets it");
    }

    [Fact]
    public async Task A_revocation_that_fails_for_ever_is_reported_everywhere_and_stays_for_the_next_start()
    {
        using var meters = new Meters();
        await using var room = new CredentialRoom();
        var told = new List<(AbandonedRevocation Abandoned, Exception Exception)>();
        room.Options.RevocationAttempts = 4;
        room.Options.OnRevocationAbandoned = (abandoned, exception) => told.Add((abandoned, exception));
        room.Provisioner.OnRevoke = (credential, _, _) => throw new InvalidOperationException($"cannot revoke {credential.Value}");
        JobCredentials credentials = await room.IssueAsync();

        Task revoked = credentials.RevokeAllAsync();
        for (int failures = 1; failures <= 3; failures++)
        {
            await room.PassBackoffAsync(failures);
        }

        await revoked.WaitAsync(CredentialRoom.Patience);
        room.Provisioner.AttemptsOn(credentials.Current[0].Value!).Should().Be(4);
        room.Broker.DeadLetters.Should().Be(1);
        room.Broker.Outstanding.Should().Be(1);
        room.Logs.Lines.Should().ContainSingle(line => line.StartsWith("Error 4007", StringComparison.Ordinal)).Which.Should().Contain(credentials.Current[0].Id.Value);
        meters["arcp.credentials.dead_letters"].Should().BePositive();
        told.Should().ContainSingle().Which.Abandoned.Should().BeEquivalentTo(new { credentials.Current[0].Id, Endpoint = "https://models.example/", ProviderKey = "hash-11", Attempts = 4 });
        told[0].Exception.Should().BeOfType<InvalidOperationException>();
        told[0].Abandoned.ToString().Should().NotContain(ScriptedProvisioner.Secret);
        room.Store.Records.Should().HaveCount(1);
        room.Logs.Lines.Should().NotContain(line => line.Contains(ScriptedProvisioner.Secret, StringComparison.Ordinal));

        await credentials.RevokeAllAsync();
        room.Provisioner.AttemptsOn(credentials.Current[0].Value!).Should().Be(4, "a dead letter is not tried again in this run");
    }

    [Fact]
    public async Task A_hook_that_throws_is_logged()
    {
        await using var room = new CredentialRoom();
        room.Options.RevocationAttempts = 1;
        room.Options.OnRevocationAbandoned = (_, _) => throw new InvalidOperationException();
        room.Provisioner.OnRevoke = (_, _, _) => throw new InvalidOperationException();

        await (await room.IssueAsync()).RevokeAllAsync().WaitAsync(CredentialRoom.Patience);

        room.LogLines(4008).Should().Be(1);
        room.Broker.DeadLetters.Should().Be(1);
    }

    [Fact]
    public async Task A_revocation_that_hangs_holds_up_nobody_and_is_tried_again()
    {
        await using var room = new CredentialRoom();
        JobCredentials hanging = await room.IssueAsync();
        JobCredentials other = await room.IssueAsync();
        string value = hanging.Current[0].Value!;
        TaskCompletionSource never = CredentialRoom.Gate();
        room.Provisioner.OnRevoke = (credential, attempt, _) => credential.Value == value && attempt == 1 ? new(never.Task) : ValueTask.CompletedTask;

        Task hung = hanging.RevokeAllAsync();
        await CredentialRoom.UntilAsync(() => room.Provisioner.AttemptsOn(value) == 1, "it hangs");
        await other.RevokeAllAsync().WaitAsync(CredentialRoom.Patience);
        hung.IsCompleted.Should().BeFalse();
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 1 && room.Clock.ActiveTimers == 1, "only the attempt's time runs");
        room.Clock.Advance(room.Options.RevocationAttemptTimeout);
        await room.PassBackoffAsync(1);

        await hung.WaitAsync(CredentialRoom.Patience);
        room.Provisioner.AttemptsOn(value).Should().Be(2);
    }

    [Fact]
    public async Task A_cancellation_that_nobody_asked_for_is_a_failure_like_any_other()
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnRevoke = (_, attempt, _) => attempt == 1 ? throw new TaskCanceledException() : ValueTask.CompletedTask;

        Task revoked = (await room.IssueAsync()).RevokeAllAsync();
        await room.PassBackoffAsync(1);

        await revoked.WaitAsync(CredentialRoom.Patience);
        room.Broker.Outstanding.Should().Be(0);
    }

    [Fact]
    public async Task Only_so_many_attempts_run_at_once()
    {
        await using var room = new CredentialRoom();
        room.Options.MaxConcurrentRevocations = 3;
        room.Provisioner.OnIssue = (_, _) => new([.. Enumerable.Range(0, 30).Select(_ => room.Provisioner.Next())]);
        TaskCompletionSource open = CredentialRoom.Gate();
        room.Provisioner.OnRevoke = (_, _, _) => new(open.Task);

        Task revoked = (await room.IssueAsync()).RevokeAllAsync();
        await CredentialRoom.UntilAsync(() => room.Provisioner.MostAtOnce == 3, "three run");
        open.SetResult();

        await revoked.WaitAsync(CredentialRoom.Patience);
        room.Provisioner.MostAtOnce.Should().Be(3);
        room.Provisioner.Revoked.Should().HaveCount(30);
    }

    [Fact]
    public async Task Nobody_waits_for_a_store_that_does_not_forget()
    {
        await using var room = new CredentialRoom();
        room.Options.RevocationAttempts = 1_000;
        int failures = 0;
        room.Store.BeforeRemove = (_, _) => ++failures <= 2 ? throw new InvalidOperationException() : Task.CompletedTask;

        await (await room.IssueAsync()).RevokeAllAsync().WaitAsync(CredentialRoom.Patience);

        room.Broker.Outstanding.Should().Be(0);
        await CredentialRoom.UntilAsync(
            () =>
            {
                room.Clock.Advance(room.Options.RevocationBackoff);
                return room.Store.Records.Count == 0;
            },
            "it is forgotten at last");
        failures.Should().BeGreaterThan(2);
        room.Provisioner.Revoked.Should().ContainSingle().Which.Value.Should().Be(1);
    }

    [Fact]
    public async Task A_store_that_never_forgets_is_logged()
    {
        await using var room = new CredentialRoom();
        room.Options.RevocationAttempts = 1;
        room.Store.BeforeRemove = (_, _) => throw new InvalidOperationException();

        await (await room.IssueAsync()).RevokeAllAsync().WaitAsync(CredentialRoom.Patience);

        await CredentialRoom.UntilAsync(() => room.LogLines(4009) == 1, "it is logged");
        room.Broker.DeadLetters.Should().Be(0);
    }

    [Fact]
    public async Task A_stop_ends_with_its_grace_and_leaves_the_rest_to_the_next_start()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource never = CredentialRoom.Gate();
        room.Provisioner.OnRevoke = (_, _, _) => new(never.Task);
        JobCredentials credentials = await room.IssueAsync();
        Task revoked = credentials.RevokeAllAsync();
        await CredentialRoom.UntilAsync(() => room.Provisioner.AttemptsOn(credentials.Current[0].Value!) == 1 && room.Clock.ActiveTimers == 1, "it hangs");

        Task stopped = room.Broker.StopAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        await CredentialRoom.UntilAsync(() => room.Clock.ActiveTimers == 2, "the grace runs");
        stopped.IsCompleted.Should().BeFalse();
        room.Clock.Advance(TimeSpan.FromSeconds(5));

        await stopped.WaitAsync(CredentialRoom.Patience);
        await revoked.WaitAsync(CredentialRoom.Patience);
        room.LogLines(4012).Should().Be(1);
        room.Store.Records.Should().HaveCount(1);
        room.Broker.DeadLetters.Should().Be(0, "the shutdown gave it up, not the attempts");
        room.Clock.ActiveTimers.Should().Be(0);

        await using var next = new CredentialRoom { Store = room.Store };
        await next.Broker.StartAsync();
        await CredentialRoom.UntilAsync(() => next.Provisioner.Revoked.Count == 1 && room.Store.Records.Count == 0, "the next run revokes it");
        next.LogLines(4010).Should().Be(1);
    }

    [Fact]
    public async Task A_stop_waits_for_revocations_that_succeed()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource open = CredentialRoom.Gate();
        room.Provisioner.OnRevoke = (_, _, _) => new(open.Task);
        Task revoked = (await room.IssueAsync()).RevokeAllAsync();

        Task stopped = room.Broker.StopAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        stopped.IsCompleted.Should().BeFalse();
        open.SetResult();

        await stopped.WaitAsync(CredentialRoom.Patience);
        await revoked.WaitAsync(CredentialRoom.Patience);
        room.Store.Records.Should().BeEmpty();
        room.LogLines(4012).Should().Be(0);
    }

    [Fact]
    public async Task What_is_outstanding_is_metered()
    {
        using var meters = new Meters();
        await using var room = new CredentialRoom();

        JobCredentials credentials = await room.IssueAsync();
        await credentials.RevokeAllAsync().WaitAsync(CredentialRoom.Patience);

        meters["arcp.credentials.revoked"].Should().BePositive();
    }
}
