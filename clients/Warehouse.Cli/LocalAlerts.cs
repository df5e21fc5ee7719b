using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;

namespace Warehouse.Cli;

/// <summary>Watches and alerts of a store that lies here, in the name of its owner. The store stays the caller's. One thread.</summary>
internal sealed class LocalAlerts(AlertSources sources) : IAlerts
{
    private (string Release, ReleaseFacts Facts)? _looked;

    public AlertSettings Settings => Book.Settings;

    public GradeTable Grades => Book.Grades;

    private AlertBook Book => new(sources.Store.Events, TimeProvider.System);

    private static string Who => Engine.Owner.Id;

    public Report Inbox(bool closed)
    {
        using var desk = Desk();
        return AlertReports.Of(desk.Inbox(closed).Select(a => InboxRow.Of(a, desk.SamplesOf(a))));
    }

    public Report Course(bool closed) => AlertReports.Of(Book.Alerts.Where(a => closed || a.State == AlertState.Open).Select(CourseRow.Of));

    public Report Show(string id)
    {
        using var desk = Desk();
        var alert = desk.Show(id);
        return AlertReports.Of([InboxRow.Of(alert, desk.SamplesOf(alert))]);
    }

    public Report Acknowledge(IReadOnlyList<string> ids, string reason) => Act(ids, desk => desk.Acknowledge(ids, reason));

    public Report Delegate(string id, string to, string reason) => Act([id], desk => desk.Delegate(id, to, reason));

    public Report Snooze(string id, int hours, string reason) => Act([id], desk => desk.Snooze(id, desk.Book.NowUtc.AddHours(hours), reason));

    public Report Escalate(string id, string reason) => Act([id], desk => desk.Escalate(id, reason));

    public Report Run(RunWays ways)
    {
        var open = new List<IAlertWay>();
        if (ways.Communications is { } communications) open.Add(new FhirFolderWay(communications));
        if (ways.Tasks is { } tasks) open.Add(new FhirFolderWay(tasks, asTask: true));
        using var webhook = WebhookOf(ways);
        if (webhook is not null) open.Add(webhook);
        return AlertReports.Of(new AlertRun(sources, TimeProvider.System, Who, open).Run());
    }

    public Report Status() => AlertReports.Of(AlertStatus.Of(Book));

    public void Change(AlertSettings settings) => Append(new SettingsSet(settings));

    public Report Watches()
    {
        var watches = Book.Watches.Values.ToList();
        sources.Name(watches.SelectMany(w => w.Persons), sources.Shown);
        return AlertReports.Of(watches);
    }

    public Report Keep(Watch watch)
    {
        using var session = sources.Store.OpenSession();
        var kept = WatchIntake.Checked(watch, session);
        sources.Name(kept.Persons, sources.Shown);
        Append(new WatchSet(kept));
        return AlertReports.Noted(AlertReports.Of([kept]), WatchIntake.Unheld(sources, kept.Hears));
    }

    public Report Remove(string watch)
    {
        if (!Book.Watches.ContainsKey(watch)) throw new InputException("watch-unknown", "there is no watch of that name", InputPlace.None);
        Append(new WatchRemoved(watch));
        return Watches();
    }

    public Report Care()
    {
        var care = Book.Care;
        sources.Name(care.Keys, sources.Shown);
        return AlertReports.Of(care.Values.OrderBy(r => r.Person, StringComparer.Ordinal));
    }

    public Report Import(IReadOnlyList<CareRow> rows)
    {
        sources.Name(rows.Select(r => r.Person), sources.Shown);
        Append([.. rows.Chunk(1000).Select(r => new CareSet(r))]);
        return AlertReports.OfCare(rows.Count, WatchIntake.Unheld(sources, rows.SelectMany(WatchIntake.NamedBy)));
    }

    public ReleaseFacts Facts(string release)
    {
        // A look at a release reads all of it, and its facts do not change.
        if (_looked is not { } looked || looked.Release != release) _looked = looked = (release, ReleaseIntake.Look(sources, Book, release));
        return looked.Facts;
    }

    public (ReleaseFacts, bool) Accept(string release, AcceptOptions options)
    {
        var facts = Facts(release);
        return (facts, ReleaseIntake.Accept(sources, Book, Who, (release, facts), options));
    }

    public Report Releases() => AlertReports.OfReleases(ReleaseRow.Of(sources, Book).Select(r => (r.Release, r.Holds, r.IsThere, r.Alleles, r.Unrecognised, r.Digest)));

    public Report Compare(string before, string after, bool all)
    {
        var changes = ReleaseComparison.Run(ReleaseIntake.Shelved(sources, before), ReleaseIntake.Shelved(sources, after), Book.Grades);
        return AlertReports.Of((all ? changes : changes.Where(c => c.IsOfClass)).Select(ChangeRow.Made));
    }

    public Report Preview(string release) => AlertReports.Of(ReleasePreview.Of(sources, TimeProvider.System, release));

    public Report History(string allele)
    {
        using var session = sources.Store.OpenSession();
        return AlertReports.Of(ReleaseHistory.Of(sources, Book, session.Resolve([allele]).Single()));
    }

    public GradeTable Change(GradeTable table)
    {
        Append(new GradesSet(table.Text));
        return Grades;
    }

    private static WebhookWay? WebhookOf(RunWays ways)
    {
        var (address, secret) = (ways.Webhook, ways.Secret);
        if ((address is null) != (secret is null)) throw new InputException("alert-webhook", "--webhook and --webhook-secret go together", InputPlace.None);
        if (address is null) return null;
        if (!File.Exists(secret)) throw new InputException("no-file", "no such file", new InputPlace(secret!, 0, 0, ""));
        try
        {
            return new WebhookWay(new Uri(address, UriKind.Absolute), File.ReadAllBytes(secret));
        }
        catch (Exception e) when (e is ArgumentException or UriFormatException)
        {
            throw new InputException("alert-webhook", $"the address is https, or http on this machine, and the secret has {SignedPost.MinSecretBytes} bytes or more", InputPlace.None);
        }
    }

    private Report Act(IReadOnlyList<string> ids, Action<AlertDesk> act)
    {
        using var desk = Desk();
        act(desk);
        return AlertReports.Of(ids.Select(id => CourseRow.Of(desk.Book.Find(id)!)));
    }

    private AlertDesk Desk() => new(sources, TimeProvider.System, Who, Who);

    /// <summary>Appends what was decided by whoever runs the command.</summary>
    private void Append(params AlertEvent[] events) => Book.AppendDecided(Who, sources.Store.Version, () => events);
}
