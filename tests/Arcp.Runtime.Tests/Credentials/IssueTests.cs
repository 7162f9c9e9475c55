using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Credentials;

namespace Arcp.Runtime.Tests.Credentials;

[Trait("Section", "9.8")]
public class IssueTests
{
    public static TheoryData<IssuedCredential?> Unusable => new()
    {
        null,
        new IssuedCredential { Value = null!, Endpoint = "https://e/" },
        new IssuedCredential { Value = " ", Endpoint = "https://e/" },
        new IssuedCredential { Value = "sk-unusable-1", Endpoint = "" },
        new IssuedCredential { Value = "sk-unusable-2", Endpoint = null! },
        new IssuedCredential { Value = "sk-unusable-3", Endpoint = "https://e/", Scheme = "" },
    };

    [Fact]
    public async Task A_job_gets_what_was_issued_under_ids_of_ours()
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnIssue = (_, _) => new([room.Provisioner.Next(), room.Provisioner.Next() with { Constraints = RawJson.Parse("""{"a":1}""") }]);

        JobCredentials credentials = await room.IssueAsync();

        credentials.Current.Select(each => each.Value).Should().Equal(room.Provisioner.Values);
        credentials.Current.Select(each => each.Id.Value).Should().OnlyHaveUniqueItems().And.AllSatisfy(id => id.Should().StartWith("cred_"));
        credentials.Current[1].Should().BeEquivalentTo(new { Scheme = "bearer", Endpoint = "https://models.example/", Profile = "openai", Constraints = RawJson.Parse("""{"a":1}""") });
        room.Broker.Outstanding.Should().Be(2);
    }

    [Fact]
    public async Task A_value_is_recorded_before_it_is_shown()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource written = CredentialRoom.Gate();
        TaskCompletionSource writing = CredentialRoom.Gate();
        room.Store.BeforeAdd = (_, _) =>
        {
            writing.SetResult();
            return written.Task;
        };

        Task<JobCredentials> issue = room.IssueAsync();
        await writing.Task.WaitAsync(CredentialRoom.Patience);
        issue.IsCompleted.Should().BeFalse();
        written.SetResult();

        JobCredentials credentials = await issue;
        room.Store.Records.Should().ContainSingle().Which.Should().BeEquivalentTo(new { credentials.Current[0].Id, credentials.Current[0].Value, credentials.Current[0].Endpoint, ProviderKey = "hash-11" });
    }

    [Fact]
    public async Task A_job_may_need_none()
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnIssue = (_, _) => new((IReadOnlyList<IssuedCredential>)[]);

        (await room.IssueAsync()).Current.Should().BeEmpty();
    }

    [Fact]
    public async Task An_anonymous_principal_gets_none()
    {
        await using var room = new CredentialRoom();

        JobCredentials credentials = await room.Broker.IssueAsync(room.Request(Principal.Anonymous("sess_1")));

        credentials.Current.Should().BeEmpty();
        room.Provisioner.Requests.Should().BeEmpty();
    }

    [Fact]
    public async Task A_budget_that_is_spent_refuses_with_the_provisioners_words()
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnIssue = (_, _) => throw new ArcpException(ErrorCode.BudgetExhausted, "Nothing left this month.", innerException: new InvalidOperationException(ScriptedProvisioner.Secret));

        var refusal = (await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>()).Which;

        refusal.Code.Should().Be(ErrorCode.BudgetExhausted);
        refusal.Message.Should().Be("Nothing left this month.");
        refusal.ToString().Should().NotContain(ScriptedProvisioner.Secret);
    }

    [Fact]
    public async Task Any_other_failure_is_an_internal_error_that_quotes_nothing()
    {
        await using var room = new CredentialRoom();
        Exception[] failures = [new InvalidOperationException(ScriptedProvisioner.Secret), new ArcpException(ErrorCode.PermissionDenied, "no"), new TimeoutException(), new OperationCanceledException()];

        foreach (Exception failure in failures)
        {
            room.Provisioner.OnIssue = (_, _) => throw failure;
            var refusal = (await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>()).Which;
            refusal.Code.Should().Be(ErrorCode.InternalError);
            refusal.ToString().Should().NotContain(ScriptedProvisioner.Secret);
        }

        room.LogLines(4002).Should().Be(failures.Length);
    }

    [Theory]
    [MemberData(nameof(Unusable))]
    public async Task An_unusable_credential_refuses_all_and_what_was_issued_is_revoked(IssuedCredential? unusable)
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnIssue = (_, _) => new([room.Provisioner.Next(), unusable!, room.Provisioner.Next()]);

        (await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);

        await CredentialRoom.UntilAsync(() => room.Broker.Outstanding == 0 && room.Store.Records.Count == 0, "all is revoked");
        room.Provisioner.Values.Should().AllSatisfy(value => room.Provisioner.Revoked[value].Should().Be(1));
        if (!string.IsNullOrWhiteSpace(unusable?.Value))
        {
            room.Provisioner.Revoked[unusable.Value].Should().Be(1);
        }
    }

    [Fact]
    public async Task An_answer_of_null_is_refused()
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnIssue = (_, _) => new((IReadOnlyList<IssuedCredential>)null!);

        (await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);
    }

    [Fact]
    public async Task A_value_of_another_job_is_refused_and_stays_with_that_job()
    {
        await using var room = new CredentialRoom();
        JobCredentials first = await room.IssueAsync();
        room.Provisioner.OnIssue = (_, _) => new([room.Provisioner.Next(), room.Provisioner.Next() with { Value = first.Current[0].Value! }]);

        (await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);

        await CredentialRoom.UntilAsync(() => room.Broker.Outstanding == 1, "the second job's own value is revoked");
        room.Provisioner.Revoked.Should().NotContainKey(first.Current[0].Value!);
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 1, "and forgotten");
        room.Store.Records[0].Id.Should().Be(first.Current[0].Id);
    }

    [Fact]
    public async Task A_value_that_is_issued_twice_to_one_job_is_refused_and_revoked_once()
    {
        await using var room = new CredentialRoom();
        IssuedCredential twice = room.Provisioner.Next();
        room.Provisioner.OnIssue = (_, _) => new([twice, twice]);

        await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>();

        await CredentialRoom.UntilAsync(() => room.Broker.Outstanding == 0, "it is revoked");
        room.Provisioner.AttemptsOn(twice.Value).Should().Be(1);
    }

    [Fact]
    public async Task A_provisioner_that_is_late_refuses_the_submit_and_has_its_values_revoked()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource<IReadOnlyList<IssuedCredential>> answer = new();
        room.Provisioner.OnIssue = (_, _) => new(answer.Task);
        Task<JobCredentials> issue = room.IssueAsync();
        await CredentialRoom.UntilAsync(() => room.Provisioner.Requests.Count == 1 && room.Clock.ActiveTimers == 2, "the provisioner is asked, and the wait bounded");

        room.Clock.Advance(room.Options.IssueTimeout);

        (await issue.Awaiting(each => each).Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);
        answer.SetResult([room.Provisioner.Next()]);
        await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 1 && room.Broker.Outstanding == 0, "what came late is revoked");
        room.LogLines(4003).Should().Be(1);
    }

    [Fact]
    public async Task A_provisioner_that_hangs_is_cancelled_after_as_long_again()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource cancelled = CredentialRoom.Gate();
        room.Provisioner.OnIssue = async (_, token) =>
        {
            using CancellationTokenRegistration registration = token.Register(cancelled.SetResult);
            await cancelled.Task;
            throw new OperationCanceledException();
        };
        Task<JobCredentials> issue = room.IssueAsync();
        await CredentialRoom.UntilAsync(() => room.Provisioner.Requests.Count == 1 && room.Clock.ActiveTimers == 2, "the provisioner is asked");

        room.Clock.Advance(room.Options.IssueTimeout);
        await issue.Awaiting(each => each).Should().ThrowAsync<ArcpException>();
        cancelled.Task.IsCompleted.Should().BeFalse();
        room.Clock.Advance(room.Options.IssueTimeout);

        await cancelled.Task.WaitAsync(CredentialRoom.Patience);
    }

    [Fact]
    public async Task A_provisioner_that_blocks_its_thread_blocks_nobody_else()
    {
        await using var room = new CredentialRoom();
        using var blocked = new ManualResetEventSlim();
        room.Provisioner.OnIssue = (_, token) =>
        {
            blocked.Wait(CredentialRoom.Patience, token);
            return new([room.Provisioner.Next()]);
        };

        Task<JobCredentials> issue = room.Broker.IssueAsync(room.Request());
        issue.IsCompleted.Should().BeFalse();
        blocked.Set();

        (await issue.WaitAsync(CredentialRoom.Patience)).Current.Should().ContainSingle();
    }

    [Fact]
    public async Task A_caller_that_gives_up_leaves_nothing_outstanding()
    {
        await using var room = new CredentialRoom();
        using var givenUp = new CancellationTokenSource();
        TaskCompletionSource<IReadOnlyList<IssuedCredential>> answer = new();
        room.Provisioner.OnIssue = (_, _) => new(answer.Task);
        Task<JobCredentials> issue = room.Broker.IssueAsync(room.Request(), givenUp.Token);

        await givenUp.CancelAsync();

        await issue.Awaiting(each => each).Should().ThrowAsync<OperationCanceledException>();
        answer.SetResult([room.Provisioner.Next()]);
        await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 1 && room.Broker.Outstanding == 0, "what came late is revoked");
    }

    [Fact]
    public async Task A_shutdown_refuses_who_waits_and_revokes_what_comes_within_the_grace()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource<IReadOnlyList<IssuedCredential>> answer = new();
        room.Provisioner.OnIssue = (_, _) => new(answer.Task);
        Task<JobCredentials> issue = room.IssueAsync();
        await CredentialRoom.UntilAsync(() => room.Provisioner.Requests.Count == 1, "the provisioner is asked");

        Task stopped = room.Broker.StopAsync(TimeSpan.FromSeconds(5), CancellationToken.None);

        (await issue.Awaiting(each => each).Should().ThrowAsync<ArcpException>()).Which.Message.Should().Contain("stopping");
        await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>();
        stopped.IsCompleted.Should().BeFalse();
        answer.SetResult([room.Provisioner.Next()]);
        await stopped.WaitAsync(CredentialRoom.Patience);
        room.Provisioner.Revoked.Should().HaveCount(1);
        room.Store.Records.Should().BeEmpty();
    }

    [Fact]
    public async Task What_comes_after_the_grace_is_left_in_the_store_for_the_next_start()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource<IReadOnlyList<IssuedCredential>> answer = new();
        room.Provisioner.OnIssue = (_, _) => new(answer.Task);
        Task<JobCredentials> issue = room.IssueAsync();
        await CredentialRoom.UntilAsync(() => room.Provisioner.Requests.Count == 1, "the provisioner is asked");
        await room.Broker.StopAsync(TimeSpan.Zero, CancellationToken.None).WaitAsync(CredentialRoom.Patience);

        answer.SetResult([room.Provisioner.Next()]);

        await issue.Awaiting(each => each).Should().ThrowAsync<ArcpException>();
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 1, "it is recorded");
        await using var next = new CredentialRoom { Store = room.Store };
        await next.Broker.StartAsync();
        await CredentialRoom.UntilAsync(() => room.Store.Records.Count == 0, "the next run revokes it");
    }

    [Fact]
    public async Task What_comes_right_behind_the_stop_is_refused()
    {
        for (int round = 0; round < 200; round++)
        {
            await using var room = new CredentialRoom();
            TaskCompletionSource<IReadOnlyList<IssuedCredential>> answer = new();
            room.Provisioner.OnIssue = (_, _) => new(answer.Task);
            Task<JobCredentials> issue = room.IssueAsync();
            await CredentialRoom.UntilAsync(() => room.Provisioner.Requests.Count == 1, "the provisioner is asked");
            room.Broker.StopIssuing();
            answer.SetResult([room.Provisioner.Next()]);

            await issue.Awaiting(each => each).Should().ThrowAsync<ArcpException>();
            await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 1, "the value is revoked");
        }
    }

    [Fact]
    public async Task A_store_that_does_not_record_refuses_the_submit_and_all_values_are_revoked()
    {
        await using var room = new CredentialRoom();
        room.Provisioner.OnIssue = (_, _) => new([room.Provisioner.Next(), room.Provisioner.Next()]);
        int calls = 0;
        room.Store.BeforeAdd = (credential, _) => ++calls == 2 ? throw new InvalidOperationException(credential.Value) : Task.CompletedTask;

        (await room.Awaiting(each => each.IssueAsync()).Should().ThrowAsync<ArcpException>()).Which.Code.Should().Be(ErrorCode.InternalError);

        await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 2 && room.Store.Records.Count == 0, "both are revoked");
        room.Logs.Lines.Should().Contain(line => line.Contains("store failed", StringComparison.Ordinal)).And.NotContain(line => line.Contains(ScriptedProvisioner.Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_store_that_hangs_refuses_the_submit_and_the_value_is_revoked()
    {
        await using var room = new CredentialRoom();
        TaskCompletionSource hanging = CredentialRoom.Gate();
        room.Store.BeforeAdd = (_, _) => hanging.Task;
        Task<JobCredentials> issue = room.IssueAsync();
        await CredentialRoom.UntilAsync(() => room.Broker.Outstanding == 1 && room.Clock.ActiveTimers == 2, "the store is asked, and bounded");

        room.Clock.Advance(room.Options.RevocationAttemptTimeout);

        await issue.Awaiting(each => each).Should().ThrowAsync<ArcpException>();
        await CredentialRoom.UntilAsync(() => room.Provisioner.Revoked.Count == 1, "the value is revoked");
    }

    [Fact]
    public void Nothing_shows_a_value_as_text()
    {
        var issued = new IssuedCredential { Value = ScriptedProvisioner.Secret, Endpoint = "https://e/" };
        var outstanding = new OutstandingCredential { Id = new CredentialId("cred_1"), JobId = new JobId("job_1"), Value = ScriptedProvisioner.Secret, Endpoint = "https://e/" };
        var shown = new ProvisionedCredential { Id = outstanding.Id, Value = ScriptedProvisioner.Secret };

        string text = $"{issued} {outstanding} {shown} {new IssuedValue(shown, new OutstandingValue(outstanding))}";

        text.Should().Contain("cred_1").And.NotContain(ScriptedProvisioner.Secret);
    }
}
