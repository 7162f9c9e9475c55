using System.Text.Json.Nodes;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>Who sees what was lent to a job.</summary>
[Trait("Section", "9.8")]
public class VisibilityTests
{
    private static readonly string[] WithoutFeature = [.. LeaseRequests.Features.Where(feature => feature != "provisioned_credentials")];

    [Fact]
    [Trait("Section", "7.6")]
    public async Task Values_reach_sessions_of_the_submitters_principal_with_the_feature_and_nobody_else()
    {
        await using var lending = new LendingRuntime(builder => builder.UseObservationPolicy(new AllowAll()));
        await using WireClient submitter = await lending.Host.OpenFullAsync();
        WireClient[] watchers =
        [
            await lending.Host.OpenFullAsync(), // the same principal
            await lending.Host.OpenAsync("secret-a", WithoutFeature),
            await lending.Host.OpenFullAsync("secret-b"), // another, which has the feature too
        ];
        WireFrame accepted = await submitter.SubmitAsync("gate");
        string jobId = accepted.JobId!;
        string[] before = [.. accepted.Payload["credentials"]!.AsArray().Select(each => (string)each!["value"]!)];
        JobContext job = await lending.Agent.BegunAsync(jobId);
        CredentialId id = job.Credentials[0].Id;
        WireFrame[] live = await SubscribeAsync(watchers, jobId);
        live[0].Payload["credentials"]!.AsArray().Select(each => (string)each!["value"]!).Should().Equal(before);
        live[1].Payload.ContainsKey("credentials").Should().BeFalse();
        live[2].Payload.ContainsKey("credentials").Should().BeFalse();

        string value = (await job.RotateCredentialAsync(id)).Value!;

        await TestRuntime.UntilAsync(() => lending.Provisioner.Revoked.Count == 1, "the prior value is revoked");
        lending.Provisioner.Revoked.Keys.Should().Equal(before[0]);
        WireFrame shown = await SkipToRotationAsync(submitter);
        shown.Body.ToJsonString().Should().Be($$"""{"phase":"credential_rotated","id":"{{id}}","value":"{{value}}","credential_id":"{{id}}","credential_value":"{{value}}"}""");
        shown.EventSeq.Should().NotBeNull();
        (await SkipToRotationAsync(watchers[0])).Body.ToJsonString().Should().Be(shown.Body.ToJsonString());
        foreach (WireClient stranger in watchers.Skip(1))
        {
            (await SkipToRotationAsync(stranger)).Body.ToJsonString().Should().Be($$"""{"phase":"credential_rotated","id":"{{id}}","credential_id":"{{id}}"}""");
        }

        // In history, on sessions that come later.
        WireClient[] late = [await lending.Host.OpenFullAsync(), await lending.Host.OpenAsync("secret-a", WithoutFeature), await lending.Host.OpenFullAsync("secret-b")];
        WireFrame[] answers = await SubscribeAsync(late, jobId);
        answers[0].Payload["credentials"]!.AsArray().Select(each => (string)each!["value"]!).Should().Equal(value, before[1]);
        answers.Skip(1).Should().OnlyContain(answer => !answer.Text.Contains(ScriptedProvisioner.Secret));
        (await SkipToRotationAsync(late[0])).Text.Should().Contain(value);
        lending.Agent.Open(jobId);
        foreach (WireClient stranger in late.Skip(1).Concat(watchers.Skip(1)))
        {
            (await stranger.ReadJobAsync(jobId)).Should().OnlyContain(frame => !frame.Text.Contains(ScriptedProvisioner.Secret));
        }

        // After a resume.
        foreach (WireClient stranger in watchers.Skip(1))
        {
            await stranger.DisposeAsync();
            await using WireClient again = lending.Host.Connect();
            await again.ResumeAsync(stranger.ResumeToken, 0);
            List<WireFrame> frames = await again.ReadJobAsync(jobId);
            frames.Should().Contain(frame => frame.Kind == "status" && (string?)frame.Body["phase"] == "credential_rotated");
            frames.Should().OnlyContain(frame => !frame.Text.Contains(ScriptedProvisioner.Secret));
        }

        await submitter.DisposeAsync();
        await using WireClient owner = lending.Host.Connect();
        await owner.ResumeAsync(submitter.ResumeToken, 0);
        (await owner.ReadJobAsync(jobId)).Should().Contain(frame => frame.Text.Contains(value));
        await lending.ExpectAllTakenBackAsync();
        foreach (WireClient client in (WireClient[])[.. watchers, .. late])
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_session_that_gives_the_feature_up_when_it_resumes_is_sent_no_values_again()
    {
        await using var lending = new LendingRuntime();
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitAsync("gate");
        JobContext job = await lending.Agent.BegunAsync(accepted.JobId!);
        await job.RotateCredentialAsync(job.Credentials[0].Id);
        WireFrame withValue = await SkipToRotationAsync(client);
        await client.DisposeAsync();

        await using WireClient again = lending.Host.Connect();
        await again.HelloAsync(new { auth = new { scheme = "bearer", token = "secret-a" }, capabilities = new { features = WithoutFeature }, resume_token = client.ResumeToken, last_event_seq = 1 });
        WireFrame rotation = await SkipToRotationAsync(again);

        rotation.Text.Should().NotContain(ScriptedProvisioner.Secret);
        rotation.Id.Should().Be(withValue.Id, "it is the same event");
        rotation.EventSeq.Should().Be(withValue.EventSeq);
        lending.Agent.Open(accepted.JobId!);
        await again.ReadJobToEndAsync(accepted.JobId!);
    }

    [Fact]
    public async Task A_rotated_credential_is_revoked_once_more_at_the_end_and_never_twice()
    {
        await using var lending = new LendingRuntime();
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitAsync("gate");
        JobContext job = await lending.Agent.BegunAsync(accepted.JobId!);
        for (int i = 0; i < 3; i++)
        {
            await job.RotateCredentialAsync(job.Credentials[0].Id);
        }

        await TestRuntime.UntilAsync(() => lending.Provisioner.Revoked.Count == 3, "the prior values are revoked");
        lending.Provisioner.Revoked.Keys.Should().NotContain(job.Credentials.Select(each => each.Value!));
        lending.Agent.Open(accepted.JobId!);
        await client.ReadJobToEndAsync(accepted.JobId!);

        lending.Provisioner.Values.Should().HaveCount(5);
        await lending.ExpectAllTakenBackAsync();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [Trait("Section", "6.2")]
    public async Task The_feature_is_offered_where_there_is_a_provisioner_and_a_principal(bool isAnonymous, bool hasProvisioner)
    {
        await using var lending = new LendingRuntime(builder => builder.Options.AllowAnonymous = true);
        await using var bare = new TestRuntime(builder => builder.Options.AllowAnonymous = true);
        await using WireClient client = (isAnonymous || hasProvisioner ? lending.Host : bare).Connect();

        object auth = isAnonymous ? new { scheme = "anonymous" } : new { scheme = "bearer", token = "secret-a" };
        WireFrame welcome = await client.HelloAsync(new { auth, capabilities = new { features = LeaseRequests.Features.Append("heartbeat").Append("x-unknown") } });

        string[] offered = [.. welcome.Payload["capabilities"]!["features"]!.AsArray().Select(each => (string)each!)];
        string[] expected = ["heartbeat", "ack", "list_jobs", "subscribe", "lease_expires_at", "cost.budget", "model.use", "progress", "result_chunk", "agent_versions"];
        offered.Should().BeEquivalentTo(!isAnonymous && hasProvisioner ? [.. expected, "provisioned_credentials"] : expected);
        List<WireFrame> frames = await client.RunJobAsync("echo");
        frames[0].Payload.ContainsKey("credentials").Should().Be(!isAnonymous && hasProvisioner);
        lending.Provisioner.Requests.Should().HaveCount(!isAnonymous && hasProvisioner ? 1 : 0);
    }

    [Fact]
    public async Task A_session_without_the_feature_is_lent_nothing()
    {
        await using var lending = new LendingRuntime();
        await using WireClient client = await lending.Host.OpenAsync("secret-a", WithoutFeature);

        List<WireFrame> frames = await client.RunJobAsync("echo");

        frames[0].Payload.ContainsKey("credentials").Should().BeFalse();
        lending.Provisioner.Requests.Should().BeEmpty("nobody could use it");
    }

    [Fact]
    public async Task No_value_stands_in_a_log_line_at_any_level_whatever_fails()
    {
        await using var lending = new LendingRuntime(builder => builder.Options.Credentials.RevocationAttempts = 1);
        lending.Provisioner.OnRevoke = (credential, _, _) => credential.Value.EndsWith('1') ? throw new InvalidOperationException(credential.Value) : ValueTask.CompletedTask;
        await using WireClient client = await lending.Host.OpenFullAsync();
        WireFrame accepted = await client.SubmitAsync("gate");
        JobContext job = await lending.Agent.BegunAsync(accepted.JobId!);
        await job.RotateCredentialAsync(job.Credentials[1].Id);
        lending.Provisioner.OnRotate = (current, _) => throw new ArcpException(ErrorCode.PermissionDenied, $"no new value for {current.Value}");
        Func<Task> rotate = () => job.RotateCredentialAsync(job.Credentials[1].Id);
        (await rotate.Should().ThrowAsync<ArcpException>()).Which.ToString().Should().NotContain(ScriptedProvisioner.Secret);
        lending.Provisioner.OnIssue = (_, _) => throw new InvalidOperationException(ScriptedProvisioner.Secret);
        await client.SendAsync("job.submit", new { agent = "gate" });
        await client.SkipToAsync("session.error");
        lending.Provisioner.OnIssue = (_, _) => new([lending.Provisioner.Next(), lending.Provisioner.Next() with { Scheme = " " }]);
        await client.SendAsync("job.submit", new { agent = "gate" });
        await client.SkipToAsync("session.error");
        lending.Store.BeforeRemove = (credential, _) => throw new IOException(credential.Value);
        lending.Agent.Open(accepted.JobId!);
        await client.ReadJobToEndAsync(accepted.JobId!);
        await client.SendAsync("job.submit", new { agent = "gate", parent = accepted.Payload["credentials"]!.DeepClone(), credentials = 5 });
        await client.ReceiveAsync();
        Task stopping = lending.Host.Runtime.StopAsync();
        await TestRuntime.UntilAsync(
            () =>
            {
                lending.Clock.Advance(TimeSpan.FromSeconds(1)); // the store keeps failing for as long as the runtime waits
                return stopping.IsCompleted;
            },
            "the runtime stops");

        lending.Host.Logs.Lines.Should().HaveCountGreaterThan(10);
        lending.Host.Logs.Lines.Should().OnlyContain(line => !line.Contains(ScriptedProvisioner.Secret));
        lending.Provisioner.Values.Should().HaveCountGreaterThan(4);
    }

    [Fact]
    public void No_message_shows_a_value_as_text()
    {
        var credential = new ProvisionedCredential { Id = new CredentialId("cred_1"), Value = ScriptedProvisioner.Secret };
        var rotated = new StatusEvent { Phase = "credential_rotated", Value = ScriptedProvisioner.Secret, CredentialValue = ScriptedProvisioner.Secret };
        var accepted = new JobAccepted { JobId = new JobId("job_1"), Credentials = [credential] };
        var subscribed = new JobSubscribed { JobId = new JobId("job_1"), Credentials = [credential] };

        $"{credential} {rotated} {accepted} {subscribed} {new JobEvent { Body = rotated }}".Should().NotContain(ScriptedProvisioner.Secret);
    }

    private static async Task<WireFrame[]> SubscribeAsync(IEnumerable<WireClient> watchers, string jobId)
    {
        var answers = new List<WireFrame>();
        foreach (WireClient watcher in watchers)
        {
            await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
            answers.Add(await watcher.ExpectAsync("job.subscribed"));
        }

        return [.. answers];
    }

    private static async Task<WireFrame> SkipToRotationAsync(WireClient client)
    {
        while (true)
        {
            WireFrame frame = await client.SkipToAsync("job.event");
            if (frame.Body["phase"] is JsonValue phase && (string?)phase == "credential_rotated")
            {
                return frame;
            }
        }
    }

    private sealed class AllowAll : IJobObservationPolicy
    {
        public JobVisibility Decide(Principal observer, ObservedJob job) => JobVisibility.Observable;
    }
}
