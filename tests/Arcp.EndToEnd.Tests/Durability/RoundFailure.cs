namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>What was seen breaks a promise of the durable runtime.</summary>
internal sealed class RoundFailure(string message) : Exception(message);
