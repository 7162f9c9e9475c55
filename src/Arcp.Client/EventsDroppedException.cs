namespace Arcp.Client;

/// <summary>A consumer of a job's events is further behind than what the client keeps: its next event has been let go. A result that is buffered (<see cref="SubmitOptions.BufferResult"/>) is not concerned.</summary>
/// <remarks>See <see cref="ArcpClientOptions.MaxEventsPerJob"/> and <see cref="ArcpClientOptions.MaxEventBytesPerJob"/>.</remarks>
/// <param name="message">What happened.</param>
public sealed class EventsDroppedException(string message) : Exception(message);
