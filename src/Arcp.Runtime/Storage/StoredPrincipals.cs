using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Storage;

/// <summary>Turns principals into what a store keeps of them, and back.</summary>
internal static class StoredPrincipals
{
    public static StoredPrincipal From(Principal principal) => new(principal.Name, principal.IsAnonymous);

    public static Principal ToPrincipal(StoredPrincipal stored) => stored.IsAnonymous ? Principal.Anonymous(stored.Name) : Principal.Named(stored.Name);
}
