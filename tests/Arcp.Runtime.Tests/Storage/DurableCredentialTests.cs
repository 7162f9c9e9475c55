using System.Collections;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Credentials;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>What was lent is taken back by the next run, secrets are kept encrypted only, and their owner alone sees them again.</summary>
[Trait("Section", "9.8")]
public class DurableCredentialTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    private readonly GatedAgent _agent = new();
    private readonly ScriptedProvisioner _provisioner = new();

    [Fact]
    public async Task What_was_outstanding_is_revoked_after_a_restart_however_often_that_fails_at_first()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenFullAsync();
        for (int i = 0; i < 5; i++)
        {
            await client.SendAsync("job.submit", new { agent = "gate" });
            await client.SkipToAsync("job.accepted");
        }

        await durable.CommittedAsync();
        _provisioner.OnRevoke = (_, attempt, _) => attempt <= 2 ? throw new InvalidOperationException("not now") : ValueTask.CompletedTask;
        await durable.RestartAsync();

        await TestRuntime.UntilAsync(() => _provisioner.Revoked.Count == 5, "all are revoked");
        await TestRuntime.UntilAsync(() => durable.Host.Runtime.GetStatistics().OutstandingCredentials == 0, "nothing is outstanding");
        _provisioner.Values.Should().OnlyContain(value => _provisioner.AttemptsOn(value) == 3);
        await durable.Host.Runtime.StopAsync(); // what is revoked is forgotten a moment later
        (await durable.KillAndLookAsync()).Credentials.Should().BeEmpty();
        await durable.StartAsync();
        await durable.CommittedAsync();
        _provisioner.Revoked.Values.Should().OnlyContain(times => times == 1);
    }

    [Fact]
    public async Task What_was_revoked_before_the_death_is_not_revoked_again()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenFullAsync();
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        _agent.Open(jobId);
        await client.ReadJobToEndAsync(jobId);
        await TestRuntime.UntilAsync(() => durable.Host.Runtime.GetStatistics().OutstandingCredentials == 0, "nothing is outstanding");
        await durable.Host.Runtime.StopAsync();
        await durable.RestartAsync();

        await durable.Host.Runtime.StopAsync();
        _provisioner.AttemptsOn(_provisioner.Values.Should().ContainSingle().Subject).Should().Be(1);
    }

    [Fact]
    [Trait("Section", "7.2")]
    public async Task Acceptances_with_credentials_come_again_byte_for_byte()
    {
        object submit = new { agent = "gate", idempotency_key = "k" };
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenFullAsync();
        await client.SendAsync("job.submit", submit);
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        accepted.Text.Should().Contain(_provisioner.Values.Single());
        await durable.CommittedAsync();
        await durable.RestartAsync();

        await using WireClient resumed = durable.Host.Connect();
        await resumed.ResumeAsync(client.ResumeToken, 0);
        (await resumed.ExpectAsync("job.accepted")).Text.Should().Be(accepted.Text);
        await resumed.ReadJobToEndAsync(accepted.JobId!);
        await resumed.SendAsync("job.submit", submit);
        (await resumed.ExpectAsync("job.accepted")).Raw("credentials").Should().Be(accepted.Raw("credentials"));
        _provisioner.Values.Should().HaveCount(1);
        _agent.Runs.Should().Be(1);
    }

    [Fact]
    public async Task A_rotated_value_is_seen_by_its_owner_behind_a_restart_and_by_nobody_else()
    {
        await using DurableHost durable = await CreateAsync(builder => builder.UseObservationPolicy(new AllowAll()));
        await using WireClient client = await durable.Host.OpenFullAsync();
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        JobContext job = await _agent.BegunAsync(jobId);
        string value = (await job.RotateCredentialAsync(job.Credentials[0].Id)).Value!;
        List<WireFrame> live = await client.ReadNumberedAsync(2);
        live[1].Text.Should().Contain(value);
        await durable.CommittedAsync();
        await durable.RestartAsync();

        await using WireClient resumed = durable.Host.Connect();
        await resumed.ResumeAsync(client.ResumeToken, 0);
        (await resumed.ReadNumberedAsync(2)).Select(frame => frame.Text).Should().Equal(live.Select(frame => frame.Text));
        await using WireClient owner = await durable.Host.OpenFullAsync();
        await owner.SubscribeAsync(jobId);
        (await owner.ReadJobAsync(jobId))[1].Body.ToJsonString().Should().Be(live[1].Body.ToJsonString());
        await using WireClient bob = await durable.Host.OpenFullAsync("secret-b");
        await using WireClient plain = await durable.Host.OpenAsync("secret-a");
        foreach (WireClient stranger in new[] { bob, plain })
        {
            (await stranger.SubscribeAsync(jobId)).Text.Should().NotContain(ScriptedProvisioner.Secret);
            List<WireFrame> frames = await stranger.ReadJobAsync(jobId);
            frames.Should().HaveCount(3).And.OnlyContain(frame => !frame.Text.Contains(ScriptedProvisioner.Secret));
            ((string?)frames[1].Body["phase"], frames[1].Id).Should().Be(("credential_rotated", live[1].Id));
        }
    }

    [Fact]
    public async Task No_secret_stands_plainly_in_the_store_or_in_the_log()
    {
        var committed = new List<object>();
        await using DurableHost durable = await CreateAsync();
        durable.Store.BeforeCommit = changes =>
        {
            committed.AddRange(changes);
            return Task.CompletedTask;
        };
        await using WireClient client = await durable.Host.OpenFullAsync();
        await client.SendAsync("job.submit", new { agent = "gate", idempotency_key = "k" });
        JobContext job = await _agent.BegunAsync((await client.ExpectAsync("job.accepted")).JobId!);
        await job.RotateCredentialAsync(job.Credentials[0].Id);
        await client.ReadNumberedAsync(2);
        await durable.CommittedAsync();
        TestRuntime before = durable.Host;
        var logs = new List<StoredEntry>();
        StoredState state = await durable.KillAndLookAsync(async (store, kept) => logs.AddRange(await store.ReadLogAsync(kept.Jobs.Single().Id, 0, int.MaxValue, default)));
        await durable.StartAsync();
        await durable.CommittedAsync();

        logs.Should().HaveCount(2).And.Contain(entry => entry.Secret.Length > 0);
        state.Answers.Should().ContainSingle().Which.IsSecret.Should().BeTrue();
        state.Credentials.Should().HaveCountGreaterThan(0);
        string[] texts = [.. new object[] { state, logs, committed, before.Logs.Lines, durable.Host.Logs.Lines }.SelectMany(root => TextsIn(root, 0))];
        texts.Should().Contain(text => text.Contains("credential_rotated"), "the search finds what is there");
        texts.Should().Contain(text => text.Contains("https://models.example/"));
        texts.Where(text => text.Contains(ScriptedProvisioner.Secret)).Should().BeEmpty();
        texts.Where(text => text.Contains(client.ResumeToken)).Should().BeEmpty();
    }

    [Fact]
    public void A_provisioner_and_a_store_without_a_protector_say_what_to_configure()
    {
        ArcpRuntimeBuilder builder = new ArcpRuntimeBuilder().UseStore(_ => new InMemoryRuntimeStore()).UseCredentialProvisioner(_provisioner);

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().Which.Message.Should().Contain("UseSecretProtector").And.Contain(nameof(AesGcmSecretProtector));
    }

    [Fact]
    public async Task A_wrong_key_is_named_at_the_start_and_an_older_one_is_enough()
    {
        await using DurableHost durable = await CreateLeftAsync();
        await using (var wrong = Over(durable, builder => builder.UseCredentialProvisioner(_provisioner).UseSecretProtector(new AesGcmSecretProtector(RandomNumberGenerator.GetBytes(32)))))
        {
            (await FluentActions.Awaiting(() => wrong.StartAsync()).Should().ThrowAsync<RuntimeStoreException>()).Which.Message.Should().Contain("key").And.NotContain(ScriptedProvisioner.Secret);
        }

        _provisioner.Revoked.Should().BeEmpty();
        await using var right = Over(durable, builder => builder.UseCredentialProvisioner(_provisioner).UseSecretProtector(new AesGcmSecretProtector(RandomNumberGenerator.GetBytes(32), Key)));
        await right.StartAsync();
        await TestRuntime.UntilAsync(() => _provisioner.Revoked.Count == 1, "it is revoked");
    }

    [Fact]
    public async Task Secrets_without_a_protector_any_more_are_named_at_the_start()
    {
        await using DurableHost durable = await CreateLeftAsync();
        await using var without = Over(durable, _ => { });

        (await FluentActions.Awaiting(() => without.StartAsync()).Should().ThrowAsync<RuntimeStoreException>()).Which.Message.Should().Contain("UseSecretProtector");
    }

    [Fact]
    public async Task Without_its_provisioner_a_runtime_starts_and_says_what_it_cannot_do()
    {
        await using DurableHost durable = await CreateLeftAsync();
        await using (var without = Over(durable, builder => builder.UseSecretProtector(new AesGcmSecretProtector(Key))))
        {
            await without.StartAsync();
            without.Host.Logs.Lines.Should().Contain(line => line.StartsWith("Error 5007 ", StringComparison.Ordinal));
            await using WireClient client = await without.Host.OpenFullAsync();
            await client.RunJobAsync("echo", 1);
        }

        await using var with = Over(durable, builder => builder.UseCredentialProvisioner(_provisioner).UseSecretProtector(new AesGcmSecretProtector(Key)));
        await with.StartAsync();
        await TestRuntime.UntilAsync(() => _provisioner.Revoked.Count == 1, "it was kept until somebody could revoke it");
    }

    /// <summary>All strings and byte arrays within an object, the latter as text.</summary>
    private static IEnumerable<string> TextsIn(object? value, int depth) => value switch
    {
        null => [],
        string text => [text],
        ReadOnlyMemory<byte> bytes => [Encoding.UTF8.GetString(bytes.Span)],
        byte[] bytes => [Encoding.UTF8.GetString(bytes)],
        IEnumerable items => items.Cast<object?>().SelectMany(item => TextsIn(item, depth)),
        _ when depth > 8 || value.GetType().IsPrimitive || value.GetType().Namespace?.StartsWith("System", StringComparison.Ordinal) is true => [value.ToString() ?? string.Empty],
        _ => value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.GetIndexParameters().Length == 0)
            .SelectMany(property => TextsIn(property.GetValue(value), depth + 1)),
    };

    private static DurableHost Over(DurableHost durable, Action<ArcpRuntimeBuilder> configure) => new(configure, clock: null, durable.Kept);

    private Task<DurableHost> CreateAsync(Action<ArcpRuntimeBuilder>? configure = null) => DurableHost.CreateAsync(builder =>
    {
        builder.Options.Credentials.RevocationBackoff = TimeSpan.FromMilliseconds(1);
        builder.Options.Credentials.MaxRevocationBackoff = TimeSpan.FromMilliseconds(5);
        builder.UseCredentialProvisioner(_provisioner).UseSecretProtector(new AesGcmSecretProtector(Key)).AddAgent("gate", "1", _agent.RunAsync);
        configure?.Invoke(builder);
    });

    /// <summary>A host that died and left a value outstanding, and an answer with a secret.</summary>
    private async Task<DurableHost> CreateLeftAsync()
    {
        DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenFullAsync();
        await client.SendAsync("job.submit", new { agent = "gate", idempotency_key = "k" });
        await client.ExpectAsync("job.accepted");
        await durable.CommittedAsync();
        _provisioner.Revoked.Should().BeEmpty();
        await durable.KillAsync();
        return durable;
    }

    private sealed class AllowAll : IJobObservationPolicy
    {
        public JobVisibility Decide(Principal observer, ObservedJob job) => JobVisibility.Observable;
    }
}
