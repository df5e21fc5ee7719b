using Google.Protobuf.WellKnownTypes;
using Warehouse.Cli.Output;
using Warehouse.Client;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>
/// Watches, alerts and releases of ClinVar of a server, as the reports that a store gives. Members of sets have the number of the engine's and one more; of sets of flags,
/// the place of the bit, from 1. One thread.
/// </summary>
internal sealed class RemoteAlerts(WarehouseClient client, CancellationToken cancellation) : IAlerts
{
    private (string Release, ReleaseFacts Facts)? _looked;

    public AlertSettings Settings => Of(Wait(client.AlertSettingsAsync()));

    public GradeTable Grades => GradeTable.Parse(Wait(client.GradesAsync()));

    public Report Inbox(bool closed)
    {
        var reply = Wait(client.InboxAsync(closed, cancellation));
        return new Report(InboxRow.Columns) { Notice = reply.HasMore ? "there may be more: they are listed when some of these are acknowledged" : null }.With(reply.Alerts.Select(a => Of(a).Cells));
    }

    /// <summary>Alerts as they come, as TSV: so many, or until somebody stops it.</summary>
    public ExitCode Follow(int? most, CliContext context)
    {
        using var output = context.OpenAnswer();
        using var writer = new TsvWriter(InboxRow.Columns, output);
        var left = most ?? int.MaxValue;
        foreach (var reply in Remote.Wait.Each(client.FollowAsync(cancellation), cancellation))
        {
            if (reply.Alert is { } alert)
            {
                new Report(InboxRow.Columns).With([Of(alert).Cells]).WriteTo(writer);
                left--;
            }
            if (left == 0) break;
            if (reply.IsCurrent) writer.Complete(); // what there is, is to be read now
        }
        writer.Complete();
        return ExitCode.Done;
    }

    public Report Show(string id) => AlertReports.Of([Of(Wait(client.AlertAsync(id)))]);

    public Report Acknowledge(IReadOnlyList<string> ids, string reason) => Course(Wait(client.AcknowledgeAsync(ids, reason)));

    public Report Delegate(string id, string to, string reason) => Course(Wait(client.DelegateAsync(id, to, reason)));

    public Report Snooze(string id, int hours, string reason) => Course(Wait(client.SnoozeAsync(id, hours, reason)));

    public Report Escalate(string id, string reason) => Course(Wait(client.EscalateAsync(id, reason)));

    public Report Course(bool closed) => Course(Wait(client.AlertCourseAsync(closed)));

    public Report Status()
    {
        var status = Wait(client.AlertStatusAsync());
        return AlertReports.Of(new AlertStatus
        {
            Open = [.. status.Open.Select(o => (Of(o.Grade), o.Open, o.Unshown))], Alarms = [.. status.Alarms.Select(Of)], SelfTestPassedUtc = Of(status.SelfTestPassed), DerivedVersion = status.DerivedVersion,
        });
    }

    public Report Run(RunWays ways)
    {
        if (ways is not { Communications: null, Tasks: null, Webhook: null, Secret: null }) throw new InputException("alert-ways", "--fhir-communications, --fhir-tasks and --webhook are for a store that lies here: a server's ways are in its configuration", InputPlace.None);
        var run = Wait(client.RunAlertsAsync());
        return AlertReports.Of(new AlertRunReport { Raised = run.Raised, Open = run.Open, Sent = run.Sent, Escalated = run.Escalated, Suppressed = run.Suppressed, Alarms = [.. run.Alarms.Select(Of)] });
    }

    public void Change(AlertSettings settings) => Wait(client.ChangeAlertSettingsAsync(new V1.AlertSettings
    {
        CriticalHours = settings.CriticalHours, MajorHours = settings.MajorHours, MinorHours = settings.MinorHours, MessagesAnHour = settings.MessagesAnHour, Directors = { settings.Directors },
    }));

    public Report Watches() => AlertReports.Of(Wait(client.WatchesAsync()).Select(Of));

    public Report Keep(Watch watch)
    {
        var wire = new V1.Watch { Name = watch.Name, Scope = (V1.WatchScope)((int)watch.Scope + 1), Items = { watch.Items }, Hears = { watch.Hears }, Least = (V1.Grade)((int)watch.Least + 1), FrequencyLine = watch.FrequencyLine };
        wire.Triggers.AddRange(System.Enum.GetValues<V1.WatchTrigger>().Where(t => t > 0 && (watch.Triggers & (WatchTriggers)(1 << ((int)t - 1))) != 0));
        var kept = Wait(client.SetWatchAsync(wire));
        return AlertReports.Noted(AlertReports.Of([Of(kept)]), kept.Unheld);
    }

    public Report Remove(string watch) => AlertReports.Of(Wait(client.RemoveWatchAsync(watch)).Select(Of));

    public Report Care() => AlertReports.Of(Wait(client.CareAsync()).Select(r => new CareRow(r.Person, r.Responsible, [.. r.Deputies])));

    public Report Import(IReadOnlyList<CareRow> rows)
    {
        var reply = Wait(client.ImportCareAsync(rows.Select(r => new V1.CareRow { Person = r.Person, Responsible = r.Responsible, Deputies = { r.Deputies } })));
        return AlertReports.OfCare(reply.Rows, reply.Unheld);
    }

    public ReleaseFacts Facts(string release)
    {
        var facts = Of(Wait(client.ClinVarFactsAsync(release)));
        _looked = (release, facts);
        return facts;
    }

    public (ReleaseFacts Facts, bool IsNew) Accept(string release, AcceptOptions options)
    {
        try
        {
            var reply = Wait(client.AcceptReleaseAsync(release, options.Unrecognised, options.Retracted));
            return (Of(reply.Facts), reply.IsNew);
        }
        catch (WarehouseException refused) when (_looked is { } looked && looked.Release == release && ReleaseIntake.Refusal(refused.Rule, looked.Facts) is { } words)
        {
            throw words; // of a store that lies here
        }
    }

    public Report Compare(string before, string after, bool all) => AlertReports.Of(Remote.Wait.Each(client.CompareReleasesAsync(before, after, all, cancellation), cancellation).Select(c => new ChangeRow
    {
        Allele = FormattableString.Invariant($"{c.Contig}-{c.Pos}-{c.Ref}-{c.Alt}"), Axis = Of(c.Axis), From = (Of(c.From), c.FromStars), To = (Of(c.To), c.ToStars), Is = (Of(c.Kinds), Of(c.Grade)), Of = (c.Genes, c.Ids),
    }));

    public Report Preview(string release)
    {
        var preview = Wait(client.PreviewReleaseAsync(release));
        return AlertReports.Of(new ReleasePreview([.. preview.Changes.Select(c => (Of(c.Axis), Of(c.From), Of(c.To), Of(c.Grade), c.Count))], [.. preview.Alerts.Select(a => (Of(a.Grade), a.Alerts, a.Persons))]));
    }

    public Report History(string allele) => AlertReports.OfHistory(Wait(client.ClinVarHistoryAsync(allele)).Select(r => (r.Release, Of(r.Axis), Of(r.Net), r.Stars, string.Join('+', r.Terms), r.Ids)));

    public Report Releases() => AlertReports.OfReleases(Wait(client.ClinVarReleasesAsync()).Select(r => (r.Release, r.Holds, r.IsThere, r.Holds ? (long?)r.Alleles : null, r.Holds ? (long?)r.Unrecognised : null, r.Digest)));

    public GradeTable Change(GradeTable table) => GradeTable.Parse(Wait(client.SetGradesAsync(table.Text)));

    private static Report Course(IEnumerable<V1.AlertCourse> alerts) => AlertReports.Of(alerts.Select(a => new CourseRow
    {
        Id = a.Id, Is = (Of(a.Grade), (AlertState)((int)a.State - 1)), Recipients = a.Recipients, Level = a.Level, IsSelfTest = a.IsSelfTest,
        Utc = (a.Raised.ToDateTimeOffset(), Of(a.Delivered), Of(a.Shown), Of(a.Closed), Of(a.SnoozedUntil)),
    }));

    private static InboxRow Of(V1.Alert alert) => new()
    {
        Id = alert.Id, State = (AlertState)((int)alert.State - 1), RaisedUtc = alert.Raised.ToDateTimeOffset(), Closed = (AlertReports.Some(alert.ClosedBy), AlertReports.Some(alert.Reason)),
        Draft = new AlertDraft
        {
            Trigger = WatchTriggers.None, Person = alert.Person, Allele = alert.Allele, Change = alert.Change, Grade = Of(alert.Grade), Genes = alert.Genes, Samples = [.. alert.Samples], Kinds = Of(alert.Kinds),
        },
    };

    private static Watch Of(V1.Watch watch) => new()
    {
        Name = watch.Name, Scope = (WatchScope)((int)watch.Scope - 1), Items = [.. watch.Items], Hears = [.. watch.Hears], Least = Of(watch.Least), FrequencyLine = watch.FrequencyLine,
        Triggers = watch.Triggers.Aggregate(WatchTriggers.None, (all, one) => all | (WatchTriggers)(1 << ((int)one - 1))),
    };

    private static AlertSettings Of(V1.AlertSettings settings) => new()
    {
        CriticalHours = settings.CriticalHours, MajorHours = settings.MajorHours, MinorHours = settings.MinorHours, MessagesAnHour = settings.MessagesAnHour, Directors = [.. settings.Directors],
    };

    private static ReleaseFacts Of(V1.ClinVarFacts facts) => new(facts.Alleles, facts.Retracted, facts.Unrecognised, [.. facts.First.Select(f => (f.Allele, f.Line, f.Text))]);

    private static AlertAlarm Of(V1.AlertAlarm alarm) => new((AlertAlarmKind)((int)alarm.Kind - 1), alarm.Text);

    private static Grade Of(V1.Grade grade) => (Grade)((int)grade - 1);

    private static ClinVarAxis Of(V1.ClinVarAxis axis) => (ClinVarAxis)((int)axis - 1);

    private static NetClass Of(V1.NetClass net) => (NetClass)((int)net - 1);

    private static ChangeKinds Of(IEnumerable<V1.ChangeKind> kinds) => kinds.Aggregate(ChangeKinds.None, (all, one) => all | (ChangeKinds)(1 << ((int)one - 1)));

    private static DateTimeOffset? Of(Timestamp? time) => time?.ToDateTimeOffset();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
