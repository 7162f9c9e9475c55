using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Sessions;

/// <summary>Makes sessions.</summary>
/// <param name="options">Their limits.</param>
/// <param name="journal">Commits what is kept of them; null = nothing is.</param>
/// <param name="clock">Their clock.</param>
internal sealed class SessionFactory(ArcpRuntimeOptions options, Journal? journal, TimeProvider clock)
{
    /// <summary>Makes a session that has sent nothing yet.</summary>
    public Session Create(SessionId id, Principal principal) =>
        Create(id, principal, new SentWindow(options.MaxHeldFramesPerSession, options.MaxHeldBytesPerSession));

    /// <summary>Makes a session that goes on where its window ends.</summary>
    public Session Create(SessionId id, Principal principal, SentWindow window)
    {
        var store = new SessionStore(id, StoredPrincipals.From(principal), journal, clock);
        var lag = new AckLag(options.BackPressureThreshold, window.Floor);
        var sequence = new SessionSequence(id, principal, window, lag, new SentFrameLog(store, window.Floor));
        return new Session(id, principal, new SessionOutbox(sequence, store), store, clock);
    }
}
