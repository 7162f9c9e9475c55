using System.Security.Cryptography;
using System.Text;

namespace Arcp.Runtime.Authentication;

/// <summary>Knows a fixed set of tokens. Each look-up compares with all of them in constant time (§6.1).</summary>
internal sealed class StaticTokenAuthenticator : IArcpAuthenticator
{
    private readonly (byte[] Hash, Principal Principal)[] _tokens;

    public StaticTokenAuthenticator(IEnumerable<(string Token, Principal Principal)> tokens) =>
        _tokens = [.. tokens.Select(entry => (Hash(entry.Token), entry.Principal))];

    public ValueTask<Principal?> AuthenticateAsync(string token, ConnectionContext connection, CancellationToken cancellationToken)
    {
        byte[] presented = Hash(token);
        Principal? found = null;
        foreach ((byte[] hash, Principal principal) in _tokens)
        {
            // No early way out: the time must not tell which token, or how much of one, was right.
            found = CryptographicOperations.FixedTimeEquals(presented, hash) ? principal : found;
        }

        return ValueTask.FromResult(found);
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
