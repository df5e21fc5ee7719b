using System.Security.Cryptography;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine.Events;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// All that the log tells of watches and alerts, by reading its events in their order: it has no state of its own, so it is the same after any stop.
/// Whoever decides something from it appends with the number of the last event that was read; when somebody else was quicker, it is read
/// on and decided again. One thread.
/// </summary>
public sealed class AlertBook
{
    /// <summary>A clock that is so much behind the newest event was set back.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _clock;
    private EventLog _log;
    private readonly SortedDictionary<string, Watch> _watches = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CareRow> _care = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Alert> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Alert> _byKey = new(StringComparer.Ordinal);
    private readonly List<Alert> _alerts = [];
    private readonly List<(long Event, ReleaseAccepted Release)> _releases = [];
    private readonly Dictionary<(string Way, string Recipient), DeliveryFailed> _failures = [];
    private readonly Dictionary<(string Way, string Recipient), long> _tried = [];
    private readonly Dictionary<(string Way, string Recipient), List<DateTimeOffset>> _messages = [];
    private long _offsetMs;

    /// <summary>Reads a log.</summary>
    /// <param name="log">The log.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="through">Number of the last event to be read; null = all there are.</param>
    public AlertBook(EventLog log, TimeProvider clock, long? through = null)
    {
        (_log, _clock) = (log, clock);
        ReadOn(through ?? long.MaxValue);
    }

    /// <summary>Number of the last event that was read.</summary>
    public long Head { get; private set; }

    /// <summary>The salt of the ids; null before the first event.</summary>
    internal byte[]? Salt { get; private set; }

    /// <summary>Watches by name.</summary>
    public IReadOnlyDictionary<string, Watch> Watches => _watches;

    /// <summary>Who cares for whom.</summary>
    public IReadOnlyDictionary<string, CareRow> Care => _care;

    /// <summary>The table of grades in force.</summary>
    public GradeTable Grades { get; private set; } = GradeTable.Default;

    /// <summary>The settings in force.</summary>
    public AlertSettings Settings { get; private set; } = AlertSettings.Default;

    /// <summary>Releases of ClinVar that were accepted, in their order, with the numbers of their events.</summary>
    public IReadOnlyList<(long Event, ReleaseAccepted Release)> Releases => _releases;

    /// <summary>All alerts in the order in which they were raised.</summary>
    public IReadOnlyList<Alert> Alerts => _alerts;

    /// <summary>Through where all alerts are raised.</summary>
    public DerivedThrough Derived { get; private set; } = new(0, 0);

    /// <summary>The self-test that began last, and when; null = none did.</summary>
    public (string Mark, DateTimeOffset AtUtc)? SelfTest { get; private set; }

    /// <summary>The self-test that passed last, and when; null = none did.</summary>
    public (string Mark, DateTimeOffset AtUtc)? SelfTestPassed { get; private set; }

    /// <summary>When the newest event was.</summary>
    public DateTimeOffset LastUtc { get; private set; }

    /// <summary>Whether the clock is behind the newest event: it was set back, and its distance is added until it is not.</summary>
    public bool IsClockBehind => _clock.GetUtcNow() + Slack < LastUtc;

    /// <summary>The moment: never before the newest event. Of a clock that was set back, the time that has gone by since that was noticed counts on.</summary>
    public DateTimeOffset NowUtc
    {
        get
        {
            var now = _clock.GetUtcNow();
            if (IsClockBehind) now = now.AddMilliseconds(_offsetMs);
            return now > LastUtc ? now : LastUtc;
        }
    }

    /// <summary>The alert of an id; null = there is none.</summary>
    public Alert? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>Whether an alert of a key was raised, and not suppressed since: what comes back after a withdrawal is raised again.</summary>
    public bool HasKey(string key) => _byKey.TryGetValue(key, out var known) && known.State != AlertState.Suppressed;

    /// <summary>Why a way failed last, for one recipient or (empty) at all; null when it works, or was not tried.</summary>
    public DeliveryFailed? FailureOf(string way, string recipient = "") => _failures.GetValueOrDefault((way, recipient));

    /// <summary>Ways that failed when they were last tried.</summary>
    public IEnumerable<string> FailingWays => _failures.Keys.Where(f => f.Recipient.Length == 0).Select(f => f.Way).Order(StringComparer.Ordinal);

    /// <summary>Ways that refused what was for somebody.</summary>
    internal IEnumerable<string> RefusingWays => _failures.Keys.Where(f => f.Recipient.Length > 0).Select(f => f.Way).Distinct().Order(StringComparer.Ordinal);

    /// <summary>For whom a way took nothing when it was last tried for him.</summary>
    internal IReadOnlyCollection<string> RefusedBy(string way) => [.. _failures.Keys.Where(f => f.Way == way && f.Recipient.Length > 0).Select(f => f.Recipient)];

    /// <summary>Number of the event by which something was last sent to somebody by a way, or was not taken; 0 = nothing was ever.</summary>
    internal long LastTried(string way, string recipient) => _tried.GetValueOrDefault((way, recipient));

    /// <summary>Of what access who hears was last looked at; empty = never.</summary>
    internal string AccessMark { get; private set; } = "";

    /// <summary>Who cares for the person of an alert, where he hears of it; null = whom the watches name, or there is nobody.</summary>
    internal CareRow? CareOf(Alert alert)
    {
        if (alert.Draft.Person.Length == 0) return null;
        var watches = alert.Draft.Watches.Select(w => _watches.GetValueOrDefault(w)).OfType<Watch>();
        return watches.All(w => w.Hears.Count > 0) && watches.Any() ? null : _care.GetValueOrDefault(alert.Draft.Person);
    }

    /// <summary>The level at which the directors hear of an alert, and with them everybody there is.</summary>
    internal int LastLevelOf(Alert alert) => 1 + (CareOf(alert)?.Deputies.Count ?? 0);

    /// <summary>How many messages went to somebody by a way within the hour.</summary>
    public int MessagesInHour(string way, string recipient) =>
        _messages.TryGetValue((way, recipient), out var sent) ? sent.Count(at => at > NowUtc.AddHours(-1)) : 0;

    /// <summary>Goes on with the log as another instance of the store has it, so that a reader that lives longer than an instance reads each event once.</summary>
    /// <returns>False when that log does not go so far as was read: it is another one, and this reader is of no use.</returns>
    public bool TryGoOn(EventLog log)
    {
        if (log.Refresh() < Head) return false;
        _log = log;
        Refresh();
        return true;
    }

    /// <summary>Reads what was appended since.</summary>
    public void Refresh() => ReadOn(long.MaxValue);

    /// <summary>Appends events that follow from what was read; durable on return, and read.</summary>
    /// <exception cref="EventConflictException">Somebody else was quicker: nothing was written, and what he wrote is read now.</exception>
    public void Append(string actor, long version, params IReadOnlyList<AlertEvent> events)
    {
        if (events.Count == 0) return;
        var written = new List<AlertEvent>();
        if (Salt is null) written.Add(new Salted(RandomNumberGenerator.GetBytes(16)));
        if (Moved is { } moved && events is not [ClockMoved]) written.Add(moved);
        written.AddRange(events);
        var at = NowUtc;
        try
        {
            _log.Append(new EventBatch { Actor = actor, ManifestVersion = version, ExpectedHead = Head, Events = [.. written.Select(e => AlertCodec.Encode(e, at))] });
        }
        catch (EventConflictException)
        {
            Refresh();
            throw;
        }
        Refresh();
    }

    /// <summary>Writes that the clock was set back, where that is not yet written: from then on the moment moves again, and what is due comes.</summary>
    public void NoticeClock(string actor, long version) => AppendDecided(actor, version, () => Moved is { } moved ? [moved] : []);

    /// <summary>How far the clock is behind the newest event, beyond what is written; null = it is not.</summary>
    private ClockMoved? Moved => IsClockBehind && _clock.GetUtcNow().AddMilliseconds(_offsetMs) < LastUtc - Slack ? new ClockMoved((long)(LastUtc - _clock.GetUtcNow()).TotalMilliseconds) : null;

    /// <summary>Decides and appends until nobody else was quicker.</summary>
    public void AppendDecided(string actor, long version, Func<IReadOnlyList<AlertEvent>> decide)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                Append(actor, version, decide());
                return;
            }
            catch (EventConflictException) when (attempt < 100)
            {
                // What the other one wrote is read: decide again.
            }
        }
    }

    private void ReadOn(long through)
    {
        foreach (var logged in _log.Read(Head + 1))
        {
            if (logged.Number > through) return;
            if (logged.Kind.StartsWith(AlertCodec.Prefix, StringComparison.Ordinal))
            {
                var (one, at) = AlertCodec.Decode(logged);
                if (at > LastUtc) LastUtc = at;
                Apply(one, logged.Number, at);
            }
            Head = logged.Number;
        }
    }

    private void Apply(AlertEvent one, long number, DateTimeOffset at)
    {
        switch (one)
        {
            case Salted e: Salt ??= e.Salt; break;
            case WatchSet or WatchRemoved or CareSet or SettingsSet: ApplyToRoutes(one); break;
            case GradesSet e: Grades = GradeTable.Parse(e.Text); break;
            case ReleaseAccepted e: _releases.Add((number, e)); break;
            case AlertsRaised e:
                using (var salted = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Salt ?? throw new InvalidDataException("an alert stands before the salt")))
                    foreach (var draft in e.Drafts) Raise(draft, salted, (number, at));
                break;
            case DerivedThrough e: Derived = e; break;
            case DeliveryFailed e: (_failures[(e.Way, e.Recipient)], _tried[(e.Way, e.Recipient)]) = (e, number); break;
            case AlertsDelivered e:
                _failures.Remove((e.Way, ""));
                _failures.Remove((e.Way, e.Recipient));
                _tried[(e.Way, e.Recipient)] = number;
                ApplyToAlerts(e, at);
                break;
            case AccessLooked e: AccessMark = e.Mark; break;
            case SelfTestBegun e: SelfTest = (e.Mark, at); break;
            case SelfTestPassed e:
                SelfTestPassed = (e.Mark, at);
                break;
            case ClockMoved e: _offsetMs = e.OffsetMs; break;
            default: ApplyToAlerts(one, at); break;
        }
    }

    /// <summary>What decides who hears; open alerts that it concerns are routed anew.</summary>
    private void ApplyToRoutes(AlertEvent one)
    {
        switch (one)
        {
            case WatchSet e:
                _watches[e.Watch.Name] = e.Watch;
                RouteAnew(a => a.Draft.Watches.Contains(e.Watch.Name));
                break;
            case WatchRemoved e:
                _watches.Remove(e.Name);
                RouteAnew(a => a.Draft.Watches.Contains(e.Name));
                break;
            case SettingsSet e:
                Settings = e.Settings;
                RouteAnew(_ => true);
                break;
            case CareSet e:
                foreach (var row in e.Rows)
                    if (row.Responsible.Length == 0) _care.Remove(row.Person);
                    else _care[row.Person] = row;
                var persons = e.Rows.Select(r => r.Person).ToHashSet(StringComparer.Ordinal);
                RouteAnew(a => persons.Contains(a.Draft.Person));
                break;
        }
    }

    private void RouteAnew(Func<Alert, bool> concerns)
    {
        foreach (var alert in _alerts)
            if (alert.State == AlertState.Open && concerns(alert)) alert.IsRouted = false;
    }

    private void ApplyToAlerts(AlertEvent one, DateTimeOffset at)
    {
        switch (one)
        {
            case AlertsRouted e:
                foreach (var (id, recipients) in e.Routes) (Known(id).Recipients, Known(id).IsRouted) = (recipients, true);
                break;
            case AlertsDelivered e:
                if (!_messages.TryGetValue((e.Way, e.Recipient), out var sent)) _messages.Add((e.Way, e.Recipient), sent = []);
                sent.RemoveAll(s => s <= at.AddHours(-1));
                sent.Add(at);
                foreach (var alert in e.Alerts.Select(Known))
                {
                    alert.DeliveredTo.Add((e.Way, e.Recipient));
                    alert.DeliveredUtc ??= at;
                }
                break;
            case AlertsShown e:
                foreach (var alert in e.Alerts.Select(Known))
                {
                    alert.ShownTo.TryAdd(e.Recipient, at);
                    alert.DeliveredUtc ??= at;
                }
                break;
            case AlertAcknowledged e: Close(Known(e.Alert), AlertState.Acknowledged, (e.By, e.Reason), at); break;
            case AlertSuppressed e: Close(Known(e.Alert), AlertState.Suppressed, (null, e.Reason), at); break;
            case AlertDelegated e: (Known(e.Alert).Delegate, Known(e.Alert).WaitsSinceUtc, Known(e.Alert).IsRouted) = (e.To, at, false); break;
            case AlertSnoozed e: (Known(e.Alert).SnoozedUntilUtc, Known(e.Alert).WaitsSinceUtc) = (e.UntilUtc, e.UntilUtc); break;
            case AlertEscalated e: Known(e.Alert).Escalate(e, at); break;
            default: throw new InvalidDataException("an event that nothing is made of");
        }
    }

    private void Raise(AlertDraft draft, IncrementalHash salted, (long Event, DateTimeOffset Utc) at)
    {
        var key = draft.Key;
        // I10: whoever appended read the keys before, so none is raised twice; a log that says otherwise is not believed.
        if (_byKey.TryGetValue(key, out var known))
        {
            if (known.State != AlertState.Suppressed) throw new InvalidDataException("an alert was raised twice");
            known.Reopen(draft, at);
            return;
        }
        var alert = new Alert(draft, AlertDraft.IdOf(key, salted), at) { WaitsSinceUtc = at.Utc };
        _byKey.Add(key, alert);
        _byId.Add(alert.Id, alert);
        _alerts.Add(alert);
    }

    private Alert Known(string id) => Find(id) ?? throw new InvalidDataException("an event names an alert that was never raised");

    private static void Close(Alert alert, AlertState state, (string? By, string Reason) how, DateTimeOffset at)
    {
        if (alert.State != AlertState.Open) throw new InvalidDataException("an alert was closed twice");
        (alert.State, alert.ClosedBy, alert.Reason, alert.ClosedUtc) = (state, how.By, how.Reason, at);
    }
}
