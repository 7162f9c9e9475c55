using System.Collections.Concurrent;
using System.Security.Cryptography;
using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Runtime;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

var service = new KeyService();
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .UseCredentialProvisioner(service)
    .UseInMemoryRevocationStore() // a host that must survive a crash brings a durable one
    .AddAgent("caller", "1.0.0", async (job, cancellationToken) =>
    {
        ProvisionedCredential key = job.Credentials[0];
        bool wasGood = service.Accepts(key.Value);
        ProvisionedCredential fresh = await job.RotateCredentialAsync(key.Id, cancellationToken);
        return RawJson.From(wasGood && service.Accepts(fresh.Value));
    })
    .Build();
await using ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });

await using JobHandle job = await client.SubmitAsync("caller");
ProvisionedCredential shown = job.Credentials.Single(); // the submitter sees what his job was lent
bool worked = await job.GetResultAsync<bool>();
Console.WriteLine($"{shown.Id} for {shown.Endpoint}: worked {worked}, issued {service.Issued}, still good {service.Good}");
return worked && service is { Issued: 2, Good: 0 } && !service.Accepts(shown.Value) ? 0 : 1;

/// <summary>A service with keys, as a host would reach one over HTTP; for key services of the LiteLLM kind there is a ready provisioner.</summary>
internal sealed class KeyService : ICredentialProvisioner
{
    private readonly ConcurrentDictionary<string, bool> _keys = new(); // each key, and whether it is good

    public int Issued => _keys.Count;

    public int Good => _keys.Values.Count(isGood => isGood);

    public bool Accepts(string? key) => key is not null && _keys.GetValueOrDefault(key);

    public ValueTask<IReadOnlyList<IssuedCredential>> IssueAsync(CredentialRequest request, CancellationToken cancellationToken) => new([Issue()]);

    public ValueTask<IssuedCredential> RotateAsync(CredentialRequest request, OutstandingCredential current, CancellationToken cancellationToken) => new(Issue());

    public ValueTask RevokeAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        _keys[credential.Value] = false;
        return ValueTask.CompletedTask;
    }

    private IssuedCredential Issue()
    {
        string key = RandomNumberGenerator.GetHexString(32);
        _keys[key] = true;
        return new IssuedCredential { Value = key, Endpoint = "https://models.example.com/v1" };
    }
}
