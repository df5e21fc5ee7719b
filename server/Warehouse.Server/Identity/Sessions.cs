using System.Collections.Concurrent;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Identity;

/// <summary>
/// How long what a person has shown counts: so long without a call, so long in all (C5). A session is what the issuer says with <c>sid</c> or <c>auth_time</c>;
/// once over it stays over, whatever tokens it gets anew. Where an issuer says neither, the session is the person's with a client, and a token issued
/// after its end begins another. For a certificate it is the connection. Machines have none. Any thread; forgotten when the process ends, but for what
/// <c>auth_time</c> tells.
/// </summary>
internal sealed class Sessions(SessionConfiguration limits, TimeProvider clock)
{
    private const int MaxSessions = 100_000;

    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly Lock _sweeping = new();

    /// <summary>The session of a token; null when there is no room for another.</summary>
    /// <param name="key">Who, and which of his sessions.</param>
    /// <param name="begun">When the person logged in; null when the issuer does not say.</param>
    /// <param name="issued">When the token was issued: somebody was active then.</param>
    /// <param name="isNamed">The issuer names the session.</param>
    public Session? Find(string key, DateTimeOffset? begun, DateTimeOffset issued, bool isNamed)
    {
        if (_sessions.TryGetValue(key, out var session))
        {
            if (isNamed || !session.IsOverBefore(issued)) return session;
            _sessions.TryUpdate(key, NewSession(null, issued), session);
            return _sessions.GetValueOrDefault(key);
        }
        if (_sessions.Count >= MaxSessions && !Sweep()) return null;
        return _sessions.GetOrAdd(key, static (_, made) => made, NewSession(begun, issued));
    }

    /// <summary>The session of a connection that a certificate was shown on.</summary>
    public Session OfConnection(DateTimeOffset since) => NewSession(since, since);

    private Session NewSession(DateTimeOffset? begun, DateTimeOffset issued) => new(limits, clock, begun ?? clock.GetUtcNow(), issued);

    /// <summary>Forgets sessions of which no token can count any more, and which were over for as long again.</summary>
    private bool Sweep()
    {
        lock (_sweeping)
        {
            var now = clock.GetUtcNow();
            foreach (var (key, session) in _sessions)
                if (session.LastUse < now - 2 * TimeSpan.FromHours(limits.Hours)) _sessions.TryRemove(key, out _);
            return _sessions.Count < MaxSessions;
        }
    }

    /// <summary>One session.</summary>
    internal sealed class Session(SessionConfiguration limits, TimeProvider clock, DateTimeOffset begun, DateTimeOffset lastUse)
    {
        private long _lastUse = lastUse.UtcTicks;
        private int _idleMinutes = limits.IdleMinutes;

        public DateTimeOffset LastUse => new(Volatile.Read(ref _lastUse), TimeSpan.Zero);

        /// <summary>When it ends whatever happens.</summary>
        public DateTimeOffset End => begun.AddHours(limits.Hours);

        /// <summary>Uses it. False when it is over.</summary>
        /// <param name="isAdministrator">The shorter limit without a call holds, for this use and what comes after it.</param>
        public bool Use(bool isAdministrator)
        {
            if (isAdministrator) Volatile.Write(ref _idleMinutes, limits.AdministratorIdleMinutes);
            var now = clock.GetUtcNow();
            if (now >= OverAt) return false;
            // Uses at the same time may come in any order; the last one counts.
            for (var seen = Volatile.Read(ref _lastUse); now.UtcTicks > seen; seen = Volatile.Read(ref _lastUse))
                if (Interlocked.CompareExchange(ref _lastUse, now.UtcTicks, seen) == seen) break;
            return true;
        }

        /// <summary>True when it is over.</summary>
        public bool IsOver => clock.GetUtcNow() >= OverAt;

        /// <summary>True when it was over at a time that has passed.</summary>
        public bool IsOverBefore(DateTimeOffset time) => OverAt <= time && OverAt <= clock.GetUtcNow();

        private DateTimeOffset OverAt
        {
            get
            {
                var idle = LastUse.AddMinutes(Volatile.Read(ref _idleMinutes));
                return idle < End ? idle : End;
            }
        }
    }
}
