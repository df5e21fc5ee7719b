using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Events;
using Warehouse.Engine.Storage;

namespace Warehouse.Clinic.Alerts;

/// <summary>What a run did, and what is wrong.</summary>
public sealed record AlertRunReport
{
    /// <summary>Alerts raised.</summary>
    public int Raised { get; init; }

    /// <summary>Open alerts.</summary>
    public int Open { get; init; }

    /// <summary>Messages sent.</summary>
    public int Sent { get; init; }

    /// <summary>Alerts that went further.</summary>
    public int Escalated { get; init; }

    /// <summary>Alerts suppressed, since the samples were withdrawn.</summary>
    public int Suppressed { get; init; }

    /// <summary>What somebody must look at; none = all is well.</summary>
    public IReadOnlyList<AlertAlarm> Alarms { get; init; } = [];
}

/// <summary>
/// Brings alerts up to date: raises what follows from the log and the store, finds who hears, suppresses, escalates, delivers, tests itself. Keeps I10: every step
/// reads from the log what is left to do and writes there what it has done, so that a stop at any point is made good by the next run: nothing is lost, nothing raised
/// twice, and a message goes out again at most when the stop came between it and its record. One thread; several processes may run side by side.
/// </summary>
public sealed class AlertRun
{
    /// <summary>Alerts of one event, so that its payload stays far below the log's limit.</summary>
    private const int PerEvent = 500;

    /// <summary>Alerts of one append.</summary>
    private const int PerAppend = 10_000;

    /// <summary>Escalations of one alert: by then everybody named has been told.</summary>
    private const int MostLevels = 24;

    private static readonly TimeSpan TestEvery = TimeSpan.FromHours(24), LongestPause = TimeSpan.FromHours(1);

    private readonly AlertSources _sources;
    private readonly EventLog _log;
    private readonly TimeProvider _clock;
    private readonly string _owner;
    private readonly IReadOnlyList<IAlertWay> _ways;
    private readonly AlertBook? _book;
    private readonly List<AlertAlarm> _alarms = [];
    private int _sent, _escalated, _suppressed, _raised;
    private ExceptionDispatchInfo? _failure;

    /// <summary>A run over a store.</summary>
    /// <param name="sources">What alerts follow from.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="owner">Id of the store's owner, who sees everything and in whose name it runs.</param>
    /// <param name="ways">Ways out for messages, besides the inbox.</param>
    /// <param name="book">The store's log as a run before has read it; null = it is read from its beginning.</param>
    public AlertRun(AlertSources sources, TimeProvider clock, string owner, IReadOnlyList<IAlertWay> ways, AlertBook? book = null) =>
        (_sources, _log, _clock, _owner, _ways, _book) = (sources, sources.Store.Events, clock, owner, ways, book);

    /// <summary>Does all that there is to do now. Where new alerts cannot be found, those that there are go on all the same.</summary>
    /// <exception cref="DamagedStoreException">What alerts follow from is missing or damaged; everything else was done.</exception>
    /// <exception cref="InvalidDataException">The same, of genotypes.</exception>
    /// <exception cref="InputException">The same, of the reference.</exception>
    public AlertRunReport Run()
    {
        var book = _book ?? new AlertBook(_log, _clock);
        if (book.IsClockBehind) _alarms.Add(AlertAlarm.ClockBehind);
        if (book.Head > 0) BeginSelfTest(book);
        Try(() => Raise(book));
        using (var routing = new Routing(_sources, _owner))
        {
            Try(() => Suppress(book, routing));
            Escalate(book);
            Try(() => Route(book, routing));
        }
        Deliver(book);
        EndSelfTest(book);
        _failure?.Throw();
        if (AlertAlarm.UnseenIn(book) is { } unseen) _alarms.Add(unseen);
        return new AlertRunReport
        {
            Raised = _raised, Sent = _sent, Escalated = _escalated, Suppressed = _suppressed, Alarms = [.. _alarms], Open = book.Alerts.Count(a => a.State == AlertState.Open && !a.Draft.IsSelfTest),
        };
    }

    private long Version => _sources.Store.Version;

    /// <summary>What cannot be read of the store holds up nothing that needs no reading of it; the run ends with the first of it.</summary>
    private void Try(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (e is DamagedStoreException or InvalidDataException or InputException)
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>Raises all alerts up to now; each cause's are written before it counts as derived.</summary>
    private void Raise(AlertBook book)
    {
        foreach (var (drafts, through) in new Derivation(_sources, book, _log, _clock).Since(book.Derived))
        {
#if PLANTED_DERIVED_BEFORE_RAISED
            book.AppendDecided(_owner, through.Version, () => [through]);
#endif
            for (var (next, isDone) = (0, false); !isDone;)
            {
                var (end, made) = (next, 0);
                book.AppendDecided(_owner, through.Version, () =>
                {
                    // Of another process that did the same meanwhile, what it wrote is read by now.
                    var some = new List<AlertDraft>();
                    for (end = next; end < drafts.Count && some.Count < PerAppend; end++)
                        if (!book.HasKey(drafts[end].Key)) some.Add(drafts[end]);
                    (isDone, made) = (end == drafts.Count, some.Count(d => !d.IsSelfTest));
                    AlertEvent[] raised = [.. some.Chunk(PerEvent).Select(d => new AlertsRaised(d))];
                    return isDone && (through.Event > book.Derived.Event || through.Version > book.Derived.Version) ? [.. raised, through] : raised;
                });
                _raised += made;
                next = end;
            }
        }
    }

    /// <summary>Alerts about persons whose samples were withdrawn. That another sample of the person carries it, loaded later, is looked up only where it matters.</summary>
    private void Suppress(AlertBook book, Routing routing)
    {
        using var all = _sources.Store.OpenSession();
        var there = all.LoadedSamples().Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        ForEach(book, a => a.State == AlertState.Open && a.Draft.Samples.Count > 0 && !a.Draft.Samples.Any(there.Contains) && !routing.IsCarried(a.Draft), a => [new AlertSuppressed(a.Id, "withdrawn")], () => _suppressed++);
    }

    private void Escalate(AlertBook book) =>
        ForEach(book, a => a.State == AlertState.Open && !a.Draft.IsSelfTest && IsDue(a, book), a => [new AlertEscalated(a.Id, a.Level + 1, "not acknowledged in time")], () => _escalated++);

    private static bool IsDue(Alert alert, AlertBook book) =>
        alert.Level < MostLevels && !(alert.SnoozedUntilUtc > book.NowUtc) && alert.WaitsSinceUtc.AddHours(book.Settings.HoursOf(alert.Draft.Grade)) <= book.NowUtc;

    private void Route(AlertBook book, Routing routing)
    {
        var looked = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        book.AppendDecided(_owner, Version, () =>
        {
            var routes = new List<(string, IReadOnlyList<string>)>();
            foreach (var alert in book.Alerts.Where(a => a.State == AlertState.Open && (!a.IsRouted || routing.IsElsewhere(a, book))))
            {
                var now = looked[alert.Id] = routing.RecipientsOf(alert, book);
                if (!alert.IsRouted || !now.SequenceEqual(alert.Recipients)) routes.Add((alert.Id, now));
            }
            return [.. routes.Chunk(PerEvent).Select(r => new AlertsRouted(r))];
        });
    }

    /// <summary>One event per alert that needs it, decided again when somebody else was quicker.</summary>
    private void ForEach(AlertBook book, Func<Alert, bool> needs, Func<Alert, AlertEvent[]> make, Action done)
    {
        foreach (var some in book.Alerts.Where(needs).ToList().Chunk(PerEvent))
        {
            var made = 0;
            book.AppendDecided(_owner, Version, () =>
            {
                var left = some.Where(needs).ToList();
                made = left.Count;
                return [.. left.SelectMany(make)];
            });
            for (; made > 0; made--) done();
        }
    }

    private void Deliver(AlertBook book)
    {
        foreach (var way in _ways)
        {
            if (book.FailureOf(way.Name) is { } failure && failure.AgainUtc > book.NowUtc)
            {
                _alarms.Add(AlertAlarm.WayFails(way.Name));
                continue;
            }
            var pending = new SortedDictionary<string, List<Alert>>(StringComparer.Ordinal);
            foreach (var alert in book.Alerts.Where(a => a.State == AlertState.Open))
                foreach (var recipient in alert.Recipients.Where(r => !alert.DeliveredTo.Contains((way.Name, r)) && !alert.ShownTo.ContainsKey(r)))
                {
                    if (!pending.TryGetValue(recipient, out var list)) pending.Add(recipient, list = []);
                    list.Add(alert);
                }
            foreach (var (recipient, alerts) in pending)
                if (!TrySend(book, way, recipient, alerts)) break;
        }
    }

    /// <summary>Sends what waits for one recipient: the gravest by themselves, as many as an hour may have, all others as one message.</summary>
    private bool TrySend(AlertBook book, IAlertWay way, string recipient, List<Alert> alerts)
    {
        var single = Math.Max(0, book.Settings.MessagesAnHour - book.MessagesInHour(way.Name, recipient) - 1);
        if (alerts.Count == single + 1) single++;
        var ordered = alerts.OrderByDescending(a => a.Draft.Grade).ThenBy(a => a.RaisedUtc).ToList();
        var parts = ordered.Take(single).Select(a => new[] { a }).Append([.. ordered.Skip(single)]).Where(p => p.Length > 0);
        foreach (var part in parts)
        {
            var id = part.Length == 1 ? part[0].Id : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', part.Select(a => a.Id))))[..10]);
            try
            {
#if PLANTED_TOLD_BEFORE_SENT
                book.AppendDecided(_owner, Version, () => [new AlertsDelivered(way.Name, recipient, [.. part.Select(a => a.Id)])]);
#endif
                way.Send(new AlertMessage(id, recipient, part.Max(a => a.Draft.Grade), part.Length, book.NowUtc) { IsSelfTest = part.All(a => a.Draft.IsSelfTest) });
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                var attempt = (book.FailureOf(way.Name)?.Attempt ?? 0) + 1;
                var pause = TimeSpan.FromMinutes(Math.Pow(2, Math.Min(attempt - 1, 10)));
                book.AppendDecided(_owner, Version, () => [new DeliveryFailed(way.Name, attempt, book.NowUtc + (pause < LongestPause ? pause : LongestPause))]);
                _alarms.Add(AlertAlarm.WayFails(way.Name));
                return false;
            }
            _sent++;
            foreach (var some in part.Chunk(PerEvent * 10)) book.AppendDecided(_owner, Version, () => [new AlertsDelivered(way.Name, recipient, [.. some.Select(a => a.Id)])]);
        }
        return true;
    }

    private void BeginSelfTest(AlertBook book) =>
        book.AppendDecided(_owner, Version, () => book.SelfTest is { } last && book.NowUtc - last.AtUtc < TestEvery ? [] : [new SelfTestBegun(book.NowUtc.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture))]);

    /// <summary>The self-test passes when its alert was raised, somebody hears of it, and it went out by every way; then it is closed. One that does not is an alarm.</summary>
    private void EndSelfTest(AlertBook book)
    {
        book.AppendDecided(_owner, Version, () =>
        {
            if (book.SelfTest is not { } test || book.SelfTestPassed?.Mark == test.Mark) return [];
            var alert = book.Alerts.FirstOrDefault(a => a.Draft.IsSelfTest && a.Draft.Change == "self-test " + test.Mark && a.State == AlertState.Open);
            if (alert is null || alert.Recipients.Count == 0 || alert.Recipients.Any(r => _ways.Any(w => !alert.DeliveredTo.Contains((w.Name, r))))) return [];
            var older = book.Alerts.Where(a => a.Draft.IsSelfTest && a.State == AlertState.Open);
            return [new SelfTestPassed(test.Mark), .. older.Select(a => new AlertSuppressed(a.Id, "self-test"))];
        });
        if (AlertAlarm.SelfTestOf(book) is { } failed) _alarms.Add(failed);
    }
}
