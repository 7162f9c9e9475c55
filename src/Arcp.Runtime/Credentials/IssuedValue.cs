using Arcp.Core.Messages;

namespace Arcp.Runtime.Credentials;

/// <summary>A value that is recorded, so that it may be shown.</summary>
/// <param name="Shown">What the client and the agent see.</param>
/// <param name="Value">What has to be revoked.</param>
internal sealed record IssuedValue(ProvisionedCredential Shown, OutstandingValue Value);
