using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// What one recipient does with his alerts. He is shown those that are for him and about patients whom he may see at that moment; before they are returned, the log
/// says so, and only what was shown to him can he acknowledge. Made for one call, since what he may see is looked up once. One thread.
/// </summary>
public sealed class AlertDesk : IDisposable
{
    /// <summary>Longest reason, in characters.</summary>
    public const int MaxReason = 2000;

    /// <summary>Alerts of one append.</summary>
    private const int PerAppend = 5000;

    private static readonly TimeSpan LongestCriticalSnooze = TimeSpan.FromHours(24), LongestSnooze = TimeSpan.FromDays(30);

    private readonly AlertSources _sources;
    private readonly string _who;
    private readonly Routing _routing;

    /// <summary>The desk of somebody.</summary>
    /// <param name="sources">What alerts follow from.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="who">Id of the recipient.</param>
    /// <param name="owner">Id of the store's owner.</param>
    public AlertDesk(AlertSources sources, TimeProvider clock, string who, string owner) =>
        (_sources, _who, Book, _routing) = (sources, who, new AlertBook(sources.Store.Events, clock), new Routing(sources, owner));

    /// <summary>The desk of somebody who is here, so that what his credentials state of him counts, over a log that was read already.</summary>
    /// <param name="sources">What alerts follow from.</param>
    /// <param name="book">The log.</param>
    /// <param name="caller">The recipient.</param>
    /// <param name="owner">Id of the store's owner.</param>
    public AlertDesk(AlertSources sources, AlertBook book, Caller caller, string owner) =>
        (_sources, _who, Book, _routing) = (sources, caller.Id, book, new Routing(sources with { Callers = () => [caller, .. sources.Callers?.Invoke() ?? []] }, owner));

    /// <summary>The log as it was read last.</summary>
    public AlertBook Book { get; }

    /// <summary>His alerts, the gravest and oldest first; on return they count as shown to him.</summary>
    /// <param name="closed">Also those that are closed.</param>
    /// <param name="most">So many at the most.</param>
    /// <param name="isAsked">Says of which of his alerts he asks; null = of all.</param>
    public IReadOnlyList<Alert> Inbox(bool closed = false, int most = int.MaxValue, Func<Alert, bool>? isAsked = null)
    {
        Book.Refresh();
        var asked = Book.Alerts.Where(a => a.Recipients.Contains(_who) && (closed || a.State == AlertState.Open) && isAsked?.Invoke(a) != false);
        var his = asked.OrderByDescending(a => a.Draft.Grade).ThenBy(a => a.RaisedUtc).ThenBy(a => a.Id, StringComparer.Ordinal).Where(IsHis).Take(most).ToList();
        Shows(his);
        return his;
    }

    /// <summary>One of his alerts; on return it counts as shown to him.</summary>
    /// <exception cref="InputException">There is none of that id for him.</exception>
    public Alert Show(string id)
    {
        Book.Refresh();
        var alert = His(id);
        Shows([alert]);
        return alert;
    }

    /// <summary>The samples of an alert in which he may see its allele now.</summary>
    public IReadOnlyList<string> SamplesOf(Alert alert) => _routing.SamplesSeenBy(_who, alert.Draft);

    /// <summary>Acknowledges an alert: he has seen it and takes care.</summary>
    /// <exception cref="InputException">It is not his, was not shown to him, or is closed; or there is no reason.</exception>
    public void Acknowledge(string id, string reason) => Act(id, reason, _ => new AlertAcknowledged(id, _who, reason));

    /// <summary>Acknowledges several, for one reason; those before one that cannot be are.</summary>
    /// <exception cref="InputException">As for one.</exception>
    public void Acknowledge(IReadOnlyCollection<string> ids, string reason)
    {
        CheckReason(reason);
        Book.Refresh();
        foreach (var some in ids.Distinct(StringComparer.Ordinal).Chunk(PerAppend))
            Book.AppendDecided(_who, _sources.Store.Version, () => [.. some.Select(id => new AlertAcknowledged(Open(id).Id, _who, reason))]);
    }

    /// <summary>Hands an alert to somebody who may see the patient.</summary>
    /// <exception cref="InputException">As for <see cref="Acknowledge(string, string)"/>; or the other one may not see it.</exception>
    public void Delegate(string id, string to, string reason) => Act(id, reason, alert =>
        alert.Draft.Person.Length == 0 || _routing.MaySee(to, alert.Draft) ? new AlertDelegated(id, _who, to, reason) : throw new InputException("alert-delegate", "whoever it is given to may not see what it is about", InputPlace.None));

    /// <summary>Puts an alert off: it does not go further until then.</summary>
    /// <exception cref="InputException">As for <see cref="Acknowledge(string, string)"/>; or it is too long: a critical one can be put off for a day, others for thirty.</exception>
    public void Snooze(string id, DateTimeOffset untilUtc, string reason) => Act(id, reason, alert =>
        untilUtc > Book.NowUtc && untilUtc - Book.NowUtc <= (alert.Draft.Grade == Grade.Critical ? LongestCriticalSnooze : LongestSnooze)
            ? new AlertSnoozed(id, _who, untilUtc, reason)
            : throw new InputException("alert-snooze", "a critical alert is put off for 24 hours at most, another for 30 days, from now on", InputPlace.None));

    /// <summary>Sends an alert to the next deputy now.</summary>
    /// <exception cref="InputException">As for <see cref="Acknowledge(string, string)"/>.</exception>
    public void Escalate(string id, string reason) => Act(id, reason, alert =>
        new AlertEscalated(id, alert.Level + 1, reason) { Again = alert.Level >= Book.LastLevelOf(alert) ? _routing.AgainOf(alert, Book) : [] });

    /// <inheritdoc/>
    public void Dispose() => _routing.Dispose();

    private void Act(string id, string reason, Func<Alert, AlertEvent> make)
    {
        CheckReason(reason);
        Book.Refresh();
        Book.AppendDecided(_who, _sources.Store.Version, () => [make(Open(id))]);
    }

    private static void CheckReason(string reason)
    {
        if (reason.Length is 0 or > MaxReason || string.IsNullOrWhiteSpace(reason)) throw new InputException("alert-reason", $"a reason is needed, of at most {MaxReason} characters", InputPlace.None);
    }

    /// <summary>One of his alerts that is open and was shown to him.</summary>
    private Alert Open(string id)
    {
        var alert = His(id);
        if (alert.State != AlertState.Open) throw new InputException("alert-closed", "the alert is closed already", InputPlace.None);
#if PLANTED_UNSEEN_ACKNOWLEDGED
        return alert;
#else
        return alert.ShownTo.ContainsKey(_who) ? alert : throw new InputException("alert-not-shown", "the alert was not shown to you yet: look at it first", InputPlace.None);
#endif
    }

    private Alert His(string id) => Book.Find(id) is { } alert && IsHis(alert) ? alert : throw new InputException("alert-unknown", "there is no alert of that id for you", InputPlace.None);

    private bool IsHis(Alert alert) => alert.Recipients.Contains(_who) && (alert.Draft.Person.Length == 0 || _routing.MaySee(_who, alert.Draft));

    private void Shows(IReadOnlyList<Alert> alerts)
    {
        Book.AppendDecided(_who, _sources.Store.Version, () =>
        {
            var unshown = alerts.Where(a => !a.ShownTo.ContainsKey(_who)).Select(a => a.Id).ToList();
            return [.. unshown.Chunk(PerAppend).Select(ids => new AlertsShown(_who, ids))];
        });
    }
}
