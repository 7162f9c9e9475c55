using System.Security.Cryptography;
using System.Text;
using Arcp.Client;
using Arcp.Core;
using Arcp.Runtime;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

byte[] key = RandomNumberGenerator.GetBytes(32);
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .UseAuthenticator(new SignedTokens(key))
    .AddAgent("whoami", "1.0.0", (job, _) => Task.FromResult<RawJson?>(RawJson.From(job.Principal.Name)))
    .Build();

await using (ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = SignedTokens.Issue("alice", key) }))
{
    await using JobHandle job = await client.SubmitAsync("whoami");
    string name = await job.GetResultAsync<string>();
    Console.WriteLine($"The agent ran for {name}.");
    if (name != "alice")
    {
        return 1;
    }
}

try
{
    await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "alice.forged" });
    return 1;
}
catch (ArcpException e) when (e.Code == ErrorCode.Unauthenticated)
{
    Console.WriteLine($"{e.Code}: {e.Message}");
    return 0;
}

/// <summary>Tokens of the form <c>name.signature</c>.</summary>
internal sealed class SignedTokens(byte[] key) : IArcpAuthenticator
{
    public static string Issue(string name, byte[] key) =>
        $"{name}.{Convert.ToHexString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(name)))}";

    public ValueTask<Principal?> AuthenticateAsync(string token, ConnectionContext connection, CancellationToken cancellationToken)
    {
        string name = token[..Math.Max(0, token.LastIndexOf('.'))];
        bool isGood = name.Length > 0
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(Issue(name, key)));
        return ValueTask.FromResult(isGood ? Principal.Named(name) : null);
    }
}
