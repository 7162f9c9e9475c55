namespace Arcp.Runtime.Storage;

/// <summary>A principal as a store keeps it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsAnonymous">Whether nobody has proved anything. A named and an anonymous principal of one name are two.</param>
public readonly record struct StoredPrincipal(string Name, bool IsAnonymous);
