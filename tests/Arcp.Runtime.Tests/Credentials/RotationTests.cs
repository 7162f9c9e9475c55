using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

[Trait("Section", "9.8")]
public class RotationTests
{
    [Fact]
    public async Task A_new_value_is_recorded_then_announced_then_current_and_the_prior_one_revoked()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        ProvisionedCredential prior = credentials.Current[0];
        var seen = new List<string>();

        ProvisionedCredential rotated = await credentials.RotateAsync(
            prior.Id,
            next =>
            {
                next.Id.Should().Be(prior.Id);
                next.Value.Should().NotBe(prior.Value);
                room.Store.Records.Should().HaveCount(2);
                credentials.Current[0].Should().Be(prior);
                room.Provisioner.Revoked.Should().BeEmpty();
                seen.Add(next.Value!);
            },
            default);

        seen.Should().Equal(rotated.Value);
        credentials.Current.Should().Equal(rotated);
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 1, "the prior value is revoked");
        room.Provisioner.Revoked.Should().ContainSingle().Which.Key.Should().Be(prior.Value);

        await credentials.RevokeAllAsync().WaitAsync(CredentialRoom.Patience);
        room.Provisioner.Revoked.Should().HaveCount(2).And.OnlyContain(entry => entry.Value == 1);
        room.Broker.Outstanding.Should().Be(0);
    }

    [Fact]
    public async Task Taking_all_back_waits_for_a_prior_value_as_well()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        string prior = credentials.Current[0].Value!;
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        room.Provisioner.OnRevoke = async (credential, _, _) => await (credential.Value == prior ? opened.Task : Task.CompletedTask);
        await credentials.RotateAsync(credentials.Current[0].Id, _ => { }, default);

        Task all = credentials.RevokeAllAsync();
        await CredentialRoom.UntilAsync(() => room.Broker.Outstanding == 1, "the current value is revoked");
        all.IsCompleted.Should().BeFalse();
        opened.SetResult();

        await all.WaitAsync(CredentialRoom.Patience);
        room.Broker.Outstanding.Should().Be(0);
    }

    [Fact]
    public async Task What_is_left_of_the_budget_reaches_the_provisioner()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();

        await credentials.RotateAsync(credentials.Current[0].Id, new Dictionary<string, decimal> { ["USD"] = 0.25m }, _ => { }, default);

        room.Provisioner.Requests.Last().RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 0.25m });
    }

    [Fact]
    public async Task A_value_that_cannot_be_announced_is_revoked_and_the_prior_one_stays()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        ProvisionedCredential prior = credentials.Current[0];

        await credentials.Awaiting(each => each.RotateAsync(prior.Id, _ => throw new InvalidTimeZoneException(), default)).Should().ThrowAsync<InvalidTimeZoneException>();

        await CredentialRoom.UntilAsync(() => room.Broker.Outstanding == 1, "the new value is revoked");
        credentials.Current.Should().Equal(prior);
        room.Provisioner.Revoked.Should().ContainSingle().Which.Key.Should().NotBe(prior.Value);
    }

    [Fact]
    public async Task Rotations_of_one_credential_take_turns()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        int announcing = 0;
        var values = new ConcurrentQueue<string>();

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => credentials.RotateAsync(
            credentials.Current[0].Id,
            next =>
            {
                Interlocked.Increment(ref announcing).Should().Be(1);
                values.Enqueue(next.Value!);
                Interlocked.Decrement(ref announcing);
            },
            default)))).WaitAsync(CredentialRoom.Patience);

        values.Should().HaveCount(50).And.OnlyHaveUniqueItems();
        credentials.Current[0].Value.Should().Be(values.Last());
        await CredentialRoom.UntilAsync(() => room.Broker.Outstanding == 1, "all prior values are revoked");
        room.Provisioner.Revoked.Should().HaveCount(50).And.OnlyContain(entry => entry.Value == 1).And.NotContainKey(values.Last());
    }

    [Fact]
    public async Task An_unknown_credential_is_refused()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();

        (await credentials.Awaiting(each => each.RotateAsync(new CredentialId("cred_x"), _ => { }, default)).Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InvalidRequest);
        await JobCredentials.None.Awaiting(each => each.RotateAsync(new CredentialId("cred_x"), _ => { }, default)).Should().ThrowAsync<ArcpException>();
        await JobCredentials.None.RevokeAllAsync();
    }

    [Fact]
    public async Task A_provisioner_that_gives_the_same_value_again_is_refused_and_the_value_stays()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        room.Provisioner.OnRotate = (current, _) => new(new IssuedCredential { Value = current.Value, Endpoint = current.Endpoint });

        (await credentials.Awaiting(each => each.RotateAsync(credentials.Current[0].Id, _ => { }, default)).Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);

        await credentials.RevokeAllAsync().WaitAsync(CredentialRoom.Patience);
        room.Provisioner.Revoked.Should().ContainSingle().Which.Value.Should().Be(1);
    }

    [Fact]
    public async Task A_rotation_that_fails_quotes_nothing_and_changes_nothing()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        room.Provisioner.OnRotate = (current, _) => throw new InvalidOperationException(current.Value);

        var failure = (await credentials.Awaiting(each => each.RotateAsync(credentials.Current[0].Id, _ => { }, default)).Should().ThrowAsync<ArcpException>()).Which;

        failure.ToString().Should().NotContain(ScriptedProvisioner.Secret);
        room.Broker.Outstanding.Should().Be(1);
        room.Provisioner.OnRotate = null;
        await credentials.RotateAsync(credentials.Current[0].Id, _ => { }, default);
    }

    [Fact]
    public async Task Once_all_is_taken_back_nothing_is_rotated()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        await credentials.RevokeAllAsync().WaitAsync(CredentialRoom.Patience);

        await credentials.Awaiting(each => each.RotateAsync(each.Current[0].Id, _ => { }, default)).Should().ThrowAsync<OperationCanceledException>();

        room.Provisioner.Requests.Should().HaveCount(1);
    }

    [Fact]
    public async Task Taking_all_back_waits_for_the_value_of_a_rotation_under_way()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        TaskCompletionSource<IssuedCredential> answer = new();
        room.Provisioner.OnRotate = (_, _) => new(answer.Task);
        Task rotation = credentials.RotateAsync(credentials.Current[0].Id, _ => throw new InvalidOperationException("not announced any more"), default);
        await CredentialRoom.UntilAsync(() => room.Provisioner.Requests.Count == 2, "the provisioner is asked");

        Task revoked = credentials.RevokeAllAsync();
        await rotation.Awaiting(each => each).Should().ThrowAsync<OperationCanceledException>();
        await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 1, "the current value is revoked at once");
        revoked.IsCompleted.Should().BeFalse();
        answer.SetResult(room.Provisioner.Next());

        await revoked.WaitAsync(CredentialRoom.Patience);
        room.Provisioner.Revoked.Should().HaveCount(2).And.OnlyContain(entry => entry.Value == 1);
        room.Broker.Outstanding.Should().Be(0);
    }

    [Fact]
    public async Task A_rotation_that_is_overtaken_by_the_end_while_it_announces_does_not_succeed()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        ProvisionedCredential prior = credentials.Current[0];
        Task revoked = Task.CompletedTask;

        await credentials.Awaiting(each => each.RotateAsync(prior.Id, _ => revoked = each.RevokeAllAsync(), default)).Should().ThrowAsync<OperationCanceledException>();

        await revoked.WaitAsync(CredentialRoom.Patience);
        credentials.Current.Should().Equal(prior);
        room.Provisioner.Revoked.Should().HaveCount(2).And.OnlyContain(entry => entry.Value == 1);
    }

    [Fact]
    public async Task A_caller_that_gives_up_keeps_the_prior_value_and_can_rotate_again()
    {
        await using var room = new CredentialRoom();
        JobCredentials credentials = await room.IssueAsync();
        ProvisionedCredential prior = credentials.Current[0];
        using var givenUp = new CancellationTokenSource();
        TaskCompletionSource<IssuedCredential> answer = new();
        room.Provisioner.OnRotate = (_, _) => new(answer.Task);
        Task rotation = credentials.RotateAsync(prior.Id, _ => { }, givenUp.Token);
        await CredentialRoom.UntilAsync(() => room.Provisioner.Requests.Count == 2, "the provisioner is asked");

        await givenUp.CancelAsync();
        await rotation.Awaiting(each => each).Should().ThrowAsync<OperationCanceledException>();
        answer.SetResult(room.Provisioner.Next());
        await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 1, "what came late is revoked");

        credentials.Current.Should().Equal(prior);
        room.Provisioner.OnRotate = null;
        (await credentials.RotateAsync(prior.Id, _ => { }, default)).Value.Should().NotBe(prior.Value);
    }

    [Fact]
    public async Task Whatever_races_with_the_end_each_value_is_revoked_exactly_once()
    {
        const int Rounds = 2_000;
        await using var room = new CredentialRoom();
        using var race = new Race(4);
        for (int round = 0; round < Rounds; round++)
        {
            JobCredentials credentials = await room.IssueAsync();
            CredentialId id = credentials.Current[0].Id;
            var running = new ConcurrentBag<Task>();
            race.Round(runner => running.Add(runner == 0
                ? credentials.RevokeAllAsync()
                : credentials.RotateAsync(id, _ => { }, default).ContinueWith(static ended => _ = ended.Exception, TaskScheduler.Default)));
            await Task.WhenAll(running).WaitAsync(CredentialRoom.Patience);
        }

        await room.Broker.StopAsync(TimeSpan.FromMinutes(1), default).WaitAsync(CredentialRoom.Patience);
        room.Broker.Outstanding.Should().Be(0);
        room.Store.Records.Should().BeEmpty();
        room.Provisioner.Values.Should().HaveCountGreaterThan(Rounds);
        room.Provisioner.Revoked.Should().HaveCount(room.Provisioner.Values.Count).And.OnlyContain(entry => entry.Value == 1);
        room.Provisioner.Values.Should().AllSatisfy(value => room.Provisioner.AttemptsOn(value).Should().Be(1));
        room.Logs.Lines.Should().NotContain(line => line.Contains(ScriptedProvisioner.Secret, StringComparison.Ordinal));
    }
}
