using System.Runtime.CompilerServices;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Host;

/// <summary>What a session is opened for. Two keys are equal when the same session serves both.</summary>
/// <param name="Who">All that a scope depends on of who asks: <see cref="StoreHost.NameOf"/>.</param>
/// <param name="Purpose">Why.</param>
/// <param name="Project">On whose behalf.</param>
/// <param name="Detail">At which level.</param>
/// <param name="Snapshot">Of which data; null = the newest.</param>
/// <param name="IsListing">Listings, which hold much, are not mixed with small questions, which keep what they opened.</param>
internal sealed record SessionKey(string Who, Purpose Purpose, string? Project, Detail Detail, long? Snapshot, bool IsListing);

/// <summary>
/// The store that is served. Sessions are lent, each to one call at a time, and kept for the next that asks for the same: opening one costs
/// milliseconds, a small question microseconds. None serves longer than its scope holds: a newer version of the store, whoever made it, is
/// noticed within <see cref="LookEvery"/>, and its policy is then in force for every call that begins. Any thread.
/// </summary>
internal sealed class StoreHost : IDisposable
{
    /// <summary>How often another process's commits are looked for.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>Sessions kept while no call uses them; that unused longest goes first.</summary>
    private const int MostIdle = 64;

    private readonly Lock _gate = new();
    private readonly VariantStore _store;
    private readonly TimeProvider _clock;
    private readonly LinkedList<(SessionKey Key, Session Session)> _idle = [];
    private readonly ConditionalWeakTable<Caller, string> _names = [];
    private readonly ConditionalWeakTable<Caller, KnownRoles> _roles = [];
    private readonly Func<VariantStore> _open;
    private readonly LineLog? _log;
    private int _named;
    private Policy _policy;
    private long _version;
    private long _lookedAt;

    private StoreHost(VariantStore store, Func<VariantStore> open, TimeProvider clock, LineLog? log)
    {
        (_store, _open, _clock, _log, _policy, _version, _lookedAt) = (store, open, clock, log, store.Policy(), store.Version, clock.GetTimestamp());
        TellVersion();
    }

    /// <summary>Opens a store.</summary>
    /// <param name="path">Its folder.</param>
    /// <param name="keysPath">Folder of its keys; null = beside it.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="log">Learns the names of the store's samples before any call can meet them, so as not to write one; null = there is no log.</param>
    /// <exception cref="Warehouse.Engine.Storage.StoreException">It is damaged, or not a store.</exception>
    public static StoreHost Open(string path, string? keysPath, TimeProvider clock, LineLog? log = null) => Over(() => VariantStore.Open(path, keysPath, clock), clock, log);

    /// <summary>Serves a store that it opens: once for all, and again for what is asked apart.</summary>
    public static StoreHost Over(Func<VariantStore> open, TimeProvider clock, LineLog? log = null)
    {
        var store = open();
        try
        {
            return new(store, open, clock, log);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Hears that <see cref="Apart"/> has opened an instance; for tests that stop there.</summary>
    internal Action? AtApart { get; set; }

    /// <summary>What of a caller a scope depends on, as one text: each connection and token makes a caller of its own, and equal ones share sessions.</summary>
    public string NameOf(Caller caller) => _names.GetValue(caller, static c => string.Join('\0',
        [c.Id, c.HasSecondFactor ? "2" : "1", string.Join(',', c.Roles.Order()), .. c.Groups.Order(StringComparer.Ordinal), "", .. c.Attributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => a.Key + "=" + a.Value)]));

    /// <summary>Lends a session; give it back with <see cref="Return"/>, or dispose of it after a failure.</summary>
    /// <param name="key">What for.</param>
    /// <param name="caller">Who asks.</param>
    /// <exception cref="InputException">The snapshot does not exist or was purged.</exception>
    /// <exception cref="AccessRefusedException">Nothing is granted to the caller for this.</exception>
    public Session Borrow(SessionKey key, Caller caller)
    {
        lock (_gate)
        {
            Look();
            for (var node = _idle.First; node is not null; node = node.Next)
            {
                if (!node.Value.Key.Equals(key)) continue;
                _idle.Remove(node);
                if (node.Value.Session.ValidUntilUtc > _clock.GetUtcNow()) return node.Value.Session;
                node.Value.Session.Dispose();
                break;
            }
            return _store.OpenSession(new SessionOptions
            {
                Caller = caller, Purpose = key.Purpose, Project = key.Project, Detail = key.Detail, Snapshot = key.Snapshot, AnyOrder = !key.IsListing, AroundDamage = true, // each question tells what it could not judge, or fails by it
            });
        }
    }

    /// <summary>Takes a session back that ended its call well.</summary>
    public void Return(SessionKey key, Session session)
    {
        lock (_gate)
        {
            if (session.NewestVersion != _version)
            {
                session.Dispose();
                return;
            }
            _idle.AddFirst((key, session));
            while (_idle.Count > MostIdle)
            {
                _idle.Last!.Value.Session.Dispose();
                _idle.RemoveLast();
            }
        }
    }

    /// <summary>The roles of a caller: those of his credential and those that the policy assigns.</summary>
    public IReadOnlySet<Role> RolesOf(Caller caller)
    {
        lock (_gate)
        {
            Look();
            if (_roles.TryGetValue(caller, out var known) && known.Version == _version) return known.Roles;
            known = new KnownRoles(_version, _policy.RolesOf(caller));
            _roles.AddOrUpdate(caller, known);
            return known.Roles;
        }
    }

    /// <summary>Whether all that a session sees is granted still.</summary>
    public bool StillHolds(Session session)
    {
        lock (_gate)
        {
            Look();
            return (session.NewestVersion == _version && session.ValidUntilUtc > _clock.GetUtcNow()) || _store.StillGrants(session);
        }
    }

    /// <summary>The policy in force.</summary>
    public Policy Policy
    {
        get
        {
            lock (_gate)
            {
                Look();
                return _policy;
            }
        }
    }

    /// <summary>Asks an instance of the store of its own: for what takes long and needs no session. No call waits for it.</summary>
    public T Apart<T>(Func<VariantStore, T> question)
    {
        using var store = _open();
        AtApart?.Invoke();
        return question(store);
    }

    /// <summary>Asks the store itself, one caller at a time; for what is short and needs no session.</summary>
    public T Ask<T>(Func<VariantStore, T> question)
    {
        lock (_gate) return question(_store);
    }

    /// <summary>Changes the policy, one caller at a time; it is in force for every call that begins afterwards.</summary>
    public T Change<T>(Func<VariantStore, T> change)
    {
        lock (_gate)
        {
            var result = change(_store);
            LookAgain();
            return result;
        }
    }

    /// <summary>Looks for a newer version now: after a commit of this process.</summary>
    public void LookNow()
    {
        lock (_gate) LookAgain();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            LetGo();
            _store.Dispose();
        }
    }

    private void Look()
    {
        if (_clock.GetElapsedTime(_lookedAt) >= LookEvery) LookAgain();
    }

    private void LookAgain()
    {
        var before = _policy.Version;
        _policy = _store.Policy();
        _lookedAt = _clock.GetTimestamp();
        if (_policy.Version != before) _log?.Server.PolicyInForce(_policy.Version);
        if (_store.Version == _version) return;
        _version = _store.Version;
        LetGo();
        TellVersion();
    }

    /// <summary>What the log has to know of a version before a call sees it. Names that were learnt stay: of those alone that came since is asked.</summary>
    private void TellVersion()
    {
        if (_log is null) return;
        var count = _store.SampleCount;
        if (count > _named) _log.Scrubber.Learn(_store.SampleNames(_named));
        _named = count;
        _log.Server.StoreVersion(_version);
        _log.Server.NamesLearnt(_log.Scrubber.Count);
    }

    private sealed record KnownRoles(long Version, IReadOnlySet<Role> Roles);

    private void LetGo()
    {
        foreach (var (_, session) in _idle) session.Dispose();
        _idle.Clear();
    }
}
