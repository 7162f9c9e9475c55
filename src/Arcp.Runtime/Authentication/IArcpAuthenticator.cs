namespace Arcp.Runtime.Authentication;

/// <summary>Finds the principal that a bearer token belongs to (§6.1).</summary>
/// <remarks>Called for many connections at once, while the connection's handshake timeout runs.</remarks>
public interface IArcpAuthenticator
{
    /// <summary>Checks a token.</summary>
    /// <param name="token">The token; never blank. A secret.</param>
    /// <param name="connection">What the host knows of the connection.</param>
    /// <param name="cancellationToken">Ends when the handshake does.</param>
    /// <returns>The principal; null = refused with <c>UNAUTHENTICATED</c>.</returns>
    ValueTask<Principal?> AuthenticateAsync(string token, ConnectionContext connection, CancellationToken cancellationToken);
}
