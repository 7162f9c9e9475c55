using System.Diagnostics.CodeAnalysis;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Sessions;

/// <summary>All sessions, connected or waiting to be resumed, and the tokens that resume them (§6.3).</summary>
/// <remarks>Thread-safe, one lock. The window runs from the disconnect; a connected session never expires.</remarks>
internal sealed class SessionRegistry(ArcpRuntimeOptions options, DeadlineQueue deadlines, ILogger logger)
{
    private static readonly Principal AllAnonymous = Principal.Anonymous("*");

    private readonly Lock _lock = new();
    private readonly Dictionary<SessionId, Entry> _sessions = [];
    private readonly Dictionary<ResumeTokenHash, Entry> _byToken = [];
    private readonly Dictionary<Principal, int> _perPrincipal = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Adds a new session with its first connection.</summary>
    /// <returns>False when its principal has as many as it may.</returns>
    public bool TryAdd(Session session, SessionConnection connection, ResumeTokenHash token)
    {
        lock (_lock)
        {
            int count = _perPrincipal.GetValueOrDefault(QuotaOf(session));
            if (count >= options.MaxSessionsPerPrincipal)
            {
                return false;
            }

            AddNeedsLock(new Entry(session) { Connection = connection, Token = token });
            return true;
        }
    }

    /// <summary>Finds the session that a token would resume; consumes nothing.</summary>
    public Session? Find(ResumeTokenHash token)
    {
        lock (_lock)
        {
            return _byToken.GetValueOrDefault(token)?.Session;
        }
    }

    /// <summary>Finds a session.</summary>
    public Session? Find(SessionId id)
    {
        lock (_lock)
        {
            return _sessions.GetValueOrDefault(id)?.Session;
        }
    }

    /// <summary>Claims a session for one resumer. Of all who come with the same token exactly one succeeds, until <see cref="Attach"/> or <see cref="Release"/>.</summary>
    /// <param name="token">The token.</param>
    /// <param name="session">The session.</param>
    /// <param name="connection">Its connection that still looks alive.</param>
    public bool TryClaim(ResumeTokenHash token, [NotNullWhen(true)] out Session? session, out SessionConnection? connection)
    {
        lock (_lock)
        {
            if (!_byToken.TryGetValue(token, out Entry? entry) || entry.IsClaimed)
            {
                session = null;
                connection = null;
                return false;
            }

            entry.IsClaimed = true;
            entry.Expiry?.Dispose();
            entry.Expiry = null;
            session = entry.Session;
            connection = entry.Connection;
            return true;
        }
    }

    /// <summary>Gives a claimed session its new connection and token; the old token is used up.</summary>
    public void Attach(Session session, SessionConnection connection, ResumeTokenHash token)
    {
        lock (_lock)
        {
            Entry entry = _sessions[session.Id];
            _byToken.Remove(entry.Token);
            _byToken.Add(token, entry);
            entry.Token = token;
            entry.Connection = connection;
            entry.IsClaimed = false;
        }
    }

    /// <summary>Gives up a claim; the token stays good.</summary>
    public void Release(Session session)
    {
        lock (_lock)
        {
            Entry entry = _sessions[session.Id];
            entry.IsClaimed = false;
            StartWindowNeedsLock(entry);
        }
    }

    /// <summary>A connection has ended: the session's window begins, unless another connection has it already.</summary>
    public void Detach(Session session, SessionConnection connection)
    {
        lock (_lock)
        {
            if (_sessions.TryGetValue(session.Id, out Entry? entry) && entry.Connection == connection)
            {
                entry.Connection = null;
                session.Store.AppendDetached();
                StartWindowNeedsLock(entry);
            }
        }
    }

    /// <summary>Removes a session that nobody has heard of yet.</summary>
    public void Remove(Session session)
    {
        Entry entry;
        lock (_lock)
        {
            entry = _sessions[session.Id];
            entry.Connection = null;
        }

        Expire(entry);
    }

    /// <summary>Adds a session of an earlier run, which waits to be resumed.</summary>
    /// <param name="session">The session.</param>
    /// <param name="token">What resumes it.</param>
    /// <param name="window">What is left of its window.</param>
    public void Restore(Session session, ResumeTokenHash token, TimeSpan window)
    {
        lock (_lock)
        {
            var entry = new Entry(session) { Token = token };
            AddNeedsLock(entry);
            entry.Expiry = deadlines.Schedule(window, () => Expire(entry));
        }
    }

    /// <summary>The connections of all sessions.</summary>
    public IReadOnlyList<(Session Session, SessionConnection Connection)> Connected()
    {
        lock (_lock)
        {
            return [.. _sessions.Values.Where(entry => entry.Connection is not null).Select(entry => (entry.Session, entry.Connection!))];
        }
    }

    /// <summary>All sessions.</summary>
    public IReadOnlyList<Session> All()
    {
        lock (_lock)
        {
            return [.. _sessions.Values.Select(entry => entry.Session)];
        }
    }

    /// <summary>Ends all sessions that are not connected, whatever is left of their windows.</summary>
    public void Clear()
    {
        Entry[] entries;
        lock (_lock)
        {
            entries = [.. _sessions.Values];
        }

        Array.ForEach(entries, Expire);
    }

    // Each anonymous session is a principal of its own; for the limit they are one, or there would be none.
    private static Principal QuotaOf(Session session) => session.Principal.IsAnonymous ? AllAnonymous : session.Principal;

    private void AddNeedsLock(Entry entry)
    {
        _perPrincipal[QuotaOf(entry.Session)] = _perPrincipal.GetValueOrDefault(QuotaOf(entry.Session)) + 1;
        _sessions.Add(entry.Session.Id, entry);
        _byToken.Add(entry.Token, entry);
        ArcpTelemetry.Sessions.Add(1);
    }

    private void StartWindowNeedsLock(Entry entry)
    {
        if (entry is { Connection: null, IsClaimed: false })
        {
            entry.Expiry = deadlines.Schedule(options.ResumeWindow, () => Expire(entry));
        }
    }

    private void Expire(Entry entry)
    {
        lock (_lock)
        {
            if (entry.Connection is not null || entry.IsClaimed || !_sessions.Remove(entry.Session.Id))
            {
                return;
            }

            _byToken.Remove(entry.Token);
            int left = _perPrincipal[QuotaOf(entry.Session)] - 1;
            if (left == 0)
            {
                _perPrincipal.Remove(QuotaOf(entry.Session));
            }
            else
            {
                _perPrincipal[QuotaOf(entry.Session)] = left;
            }
        }

        entry.Expiry?.Dispose();
        entry.Session.Outbox.Close();
        entry.Session.Store.AppendForgotten();
        ArcpTelemetry.Sessions.Add(-1);
        Log.SessionExpired(logger, entry.Session.Id);
    }

    private sealed class Entry(Session session)
    {
        public Session Session { get; } = session;

        public SessionConnection? Connection { get; set; }

        public ResumeTokenHash Token { get; set; }

        public bool IsClaimed { get; set; }

        public IDisposable? Expiry { get; set; }
    }
}
