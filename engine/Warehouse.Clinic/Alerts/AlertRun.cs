using System.Globalization;
using System.Runtime.ExceptionServices;
using Warehouse.Engine.Audit;
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

    /// <summary>Alerts suppressed, since the samples were withdrawn or are another person's.</summary>
    public int Suppressed { get; init; }

    /// <summary>What somebody must look at; none = all is well.</summary>
    public IReadOnlyList<AlertAlarm> Alarms { get; init; } = [];
}

/// <summary>
/// Brings alerts up to date: raises what follows from the log and the store, finds who hears, suppresses, escalates, delivers, tests itself. Keeps I10: every step
/// reads from the log what is left to do and writes there what it has done, so that a stop at any point is made good by the next run: nothing is lost, nothing raised
/// twice, and a message goes out again at most when the stop came between it and its record. A step that fails, for whatever reason, holds up no other, and the run
/// ends with its exception. One thread; several processes may run side by side.
/// </summary>
public sealed partial class AlertRun
{
    /// <summary>Alerts of one event; its payload stays below <see cref="AlertCodec.LargestPlainBytes"/> besides.</summary>
    private const int PerEvent = 500;

    /// <summary>Alerts of one append.</summary>
    private const int PerAppend = 10_000;

    /// <summary>Bytes of the alerts of one append.</summary>
    private const int BytesPerAppend = 1 << 24;

    /// <summary>Escalations of one alert that come as its grade says; those after them once a day.</summary>
    private const int QuickLevels = 24;

    /// <summary>Longest genes or ids, and longest names of samples or watches together, of an alert whose event would be too large.</summary>
    private const int LongestText = 1 << 15, LongestTexts = 1 << 17;

    private static readonly TimeSpan TestEvery = TimeSpan.FromHours(24);

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
    /// <exception cref="Warehouse.Engine.InputException">The same, of the reference.</exception>
    public AlertRunReport Run()
    {
        var book = _book ?? new AlertBook(_log, _clock);
        if (book.IsClockBehind) _alarms.Add(AlertAlarm.ClockBehind);
        Try(() => book.NoticeClock(_owner, Version));
        if (book.Head > 0) Try(() => BeginSelfTest(book));
        Try(() => Raise(book));
        using (var routing = new Routing(_sources, _owner))
        {
            Try(() => Suppress(book, routing));
            Try(() => Escalate(book, routing));
            Try(() => Route(book, routing));
        }
        Try(() => Deliver(book));
        Try(() => EndSelfTest(book));
        _failure?.Throw();
        if (AlertAlarm.UnseenIn(book) is { } unseen) _alarms.Add(unseen);
        if (AlertAlarm.OverdueIn(book) is { } overdue) _alarms.Add(overdue);
        return new AlertRunReport
        {
            Raised = _raised, Sent = _sent, Escalated = _escalated, Suppressed = _suppressed, Alarms = [.. _alarms], Open = book.Alerts.Count(a => a.State == AlertState.Open && !a.Draft.IsSelfTest),
        };
    }

    private long Version => _sources.Store.Version;

    /// <summary>
    /// A step that fails holds up none that comes after it: who waits for a message must not wait for a mistake elsewhere. The run ends with the first failure, so it is told and tried
    /// again. Where there is nothing to go on for, no audit log or no disk that keeps what is written, it ends at once.
    /// </summary>
    private void Try(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e) when (IsOfOneStep(e))
        {
            _failure ??= ExceptionDispatchInfo.Capture(e);
        }
    }

    private static bool IsOfOneStep(Exception e) => e is not (OperationCanceledException or AuditRefusedException or StorePoisonedException);

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
                var (end, made, bytes) = (next, 0, 0L);
                book.AppendDecided(_owner, through.Version, () =>
                {
                    // Of another process that did the same meanwhile, what it wrote is read by now.
                    var some = new List<AlertDraft>();
                    for ((end, bytes) = (next, 0); end < drafts.Count && some.Count < PerAppend && bytes < BytesPerAppend; end++)
                        if (!book.HasKey(drafts[end].Key))
                        {
                            some.Add(Fitting(drafts[end]));
                            bytes += AlertCodec.BytesOf(some[^1]);
                        }
                    (isDone, made) = (end == drafts.Count, some.Count(d => !d.IsSelfTest));
                    AlertEvent[] raised = [.. Events(some, AlertCodec.BytesOf).Select(d => new AlertsRaised(d))];
                    return isDone && (through.Event > book.Derived.Event || through.Version > book.Derived.Version) ? [.. raised, through] : raised;
                });
                _raised += made;
                next = end;
            }
        }
    }

    /// <summary>Parts of a list of which each fits into one event: it is bounded by number and by bytes, whatever the length of an allele or of an id. One that alone is larger is a part by itself.</summary>
    private static IEnumerable<List<T>> Events<T>(IEnumerable<T> items, Func<T, int> bytesOf)
    {
        var (part, bytes) = (new List<T>(), 0);
        foreach (var item in items)
        {
            var more = bytesOf(item);
            if (part.Count > 0 && (part.Count == PerEvent || bytes + more > AlertCodec.LargestPlainBytes - 64))
            {
                yield return part;
                (part, bytes) = ([], 0);
            }
            part.Add(item);
            bytes += more;
        }
        if (part.Count > 0) yield return part;
    }

    /// <summary>An alert that is too large for an event keeps what it is about, and of what only tells more of it the beginning: genes, ids, names of samples and of watches. What is left is packed.</summary>
    private static AlertDraft Fitting(AlertDraft draft)
    {
        if (AlertCodec.BytesOf(draft) <= AlertCodec.LargestPlainBytes) return draft;
        return draft with { Genes = Cut(draft.Genes), Ids = Cut(draft.Ids), Samples = Beginning(draft.Samples), Watches = Beginning(draft.Watches) };

        static IReadOnlyList<string> Beginning(IReadOnlyList<string> texts)
        {
            var bytes = 0;
            return [.. texts.TakeWhile(t => (bytes += AlertCodec.BytesOf([t])) <= LongestTexts)];
        }
    }

    /// <summary>The beginning of a list, be it one with commas or GENEINFO.</summary>
    private static string Cut(string list) => list.Length <= LongestText ? list : list[..Math.Max(0, list.LastIndexOfAny(WatchFilter.Separators, LongestText))];

    /// <summary>
    /// Alerts about persons whose samples were withdrawn, or turned out to be another person's: nobody may see them of this one any more, so nobody could acknowledge them. That another
    /// sample of the person carries it, loaded later, is looked up only where it matters.
    /// </summary>
    private void Suppress(AlertBook book, Routing routing)
    {
        using var all = _sources.Store.OpenSession();
        var persons = all.LoadedSamples().ToDictionary(s => s.Name, s => s.Person, StringComparer.Ordinal);
        bool IsWithout(Alert alert) => !alert.Draft.Samples.Any(s => persons.TryGetValue(s, out var person) && person == alert.Draft.Person) && !routing.IsCarried(alert.Draft);
        ForEach(book, a => a.State == AlertState.Open && a.Draft.Samples.Count > 0 && IsWithout(a), a => [new AlertSuppressed(a.Id, a.Draft.Samples.Any(persons.ContainsKey) ? "of another person" : "withdrawn")], () => _suppressed++);
    }

    /// <summary>Sends further what waits too long. It never ends of itself: when everybody there is was told, they are told again.</summary>
    private void Escalate(AlertBook book, Routing routing) =>
        ForEach(book, a => a.State == AlertState.Open && !a.Draft.IsSelfTest && IsDue(a, book), a => [new AlertEscalated(a.Id, a.Level + 1, "not acknowledged in time") { Again = a.Level >= book.LastLevelOf(a) ? routing.AgainOf(a, book) : [] }], () => _escalated++);

    private static bool IsDue(Alert alert, AlertBook book)
    {
        var hours = book.Settings.HoursOf(alert.Draft.Grade);
        return !(alert.SnoozedUntilUtc > book.NowUtc) && alert.WaitsSinceUtc.AddHours(alert.Level < QuickLevels ? hours : Math.Max(hours, 24)) <= book.NowUtc;
    }

    /// <summary>
    /// Finds who hears: of alerts that need it, and, since it changes without an event here, of all that are open when other things may be seen than when that was last done. Then who
    /// may not see it any more hears no more, another hears in his place, and who may see it since hears too. What somebody routed who knew more of the callers stands; what is
    /// routed here all the same, he looks at again.
    /// </summary>
    private void Route(AlertBook book, Routing routing)
    {
        var open = book.Alerts.Where(a => a.State == AlertState.Open).ToList();
        if (open.Count == 0) return;
        var (mark, isOther, knowsLess, isLooked) = (routing.AccessMark(), routing.IsOther(book.AccessMark), routing.KnowsLess(book.AccessMark), false);
        foreach (var some in open.Where(a => isOther || !a.IsRouted || (!knowsLess && routing.IsElsewhere(a, book))).Chunk(PerAppend).ToList())
            book.AppendDecided(_owner, Version, () =>
            {
                var routes = new List<(string Alert, IReadOnlyList<string> Recipients)>();
                foreach (var alert in some.Where(a => a.State == AlertState.Open))
                {
                    var now = routing.RecipientsOf(alert, book);
                    if (!alert.IsRouted || !now.SequenceEqual(alert.Recipients)) routes.Add((alert.Id, now));
                }
                isLooked |= routes.Count > 0;
                return [.. Events(routes, r => AlertCodec.BytesOf(r.Recipients) + AlertCodec.BytesOf([r.Alert])).Select(r => new AlertsRouted(r))];
            });
        book.AppendDecided(_owner, Version, () => mark == book.AccessMark || (knowsLess && !isOther && !isLooked) ? [] : [new AccessLooked(mark)]);
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
