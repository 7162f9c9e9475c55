using System.Collections.Concurrent;
using Arcp.Runtime.Credentials;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>Issues values that no other has, and counts what happens to each; a test replaces what it is about.</summary>
public sealed class ScriptedProvisioner : ICredentialProvisioner
{
    /// <summary>What every value begins with, so that a leak is found.</summary>
    public const string Secret = "sk-secret";

    private readonly ConcurrentDictionary<string, int> _attempts = new();
    private readonly ConcurrentDictionary<string, int> _revoked = new();
    private int _issued;
    private int _running;
    private int _mostAtOnce;

    public Func<CredentialRequest, CancellationToken, ValueTask<IReadOnlyList<IssuedCredential>>>? OnIssue { get; set; }

    public Func<OutstandingCredential, CancellationToken, ValueTask<IssuedCredential>>? OnRotate { get; set; }

    public Func<OutstandingCredential, int, CancellationToken, ValueTask>? OnRevoke { get; set; }

    public ConcurrentQueue<CredentialRequest> Requests { get; } = new();

    public ConcurrentQueue<string> Values { get; } = new();

    /// <summary>How often each value's revocation was confirmed.</summary>
    public IReadOnlyDictionary<string, int> Revoked => _revoked;

    public int MostAtOnce => Volatile.Read(ref _mostAtOnce);

    public int AttemptsOn(string value) => _attempts.GetValueOrDefault(value);

    public IssuedCredential Next()
    {
        string value = $"{Secret}-{Interlocked.Increment(ref _issued)}";
        Values.Enqueue(value);
        return new IssuedCredential { Value = value, Endpoint = "https://models.example/", Profile = "openai", ProviderKey = $"hash-{value.Length}" };
    }

    public ValueTask<IReadOnlyList<IssuedCredential>> IssueAsync(CredentialRequest request, CancellationToken cancellationToken)
    {
        Requests.Enqueue(request);
        return OnIssue?.Invoke(request, cancellationToken) ?? new([Next()]);
    }

    public ValueTask<IssuedCredential> RotateAsync(CredentialRequest request, OutstandingCredential current, CancellationToken cancellationToken)
    {
        Requests.Enqueue(request);
        return OnRotate?.Invoke(current, cancellationToken) ?? new(Next());
    }

    public async ValueTask RevokeAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        int attempt = _attempts.AddOrUpdate(credential.Value, 1, (_, count) => count + 1);
        int running = Interlocked.Increment(ref _running);
        int most;
        while ((most = MostAtOnce) < running && Interlocked.CompareExchange(ref _mostAtOnce, running, most) != most)
        {
        }

        try
        {
            await (OnRevoke?.Invoke(credential, attempt, cancellationToken) ?? ValueTask.CompletedTask);
            _revoked.AddOrUpdate(credential.Value, 1, (_, count) => count + 1);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
