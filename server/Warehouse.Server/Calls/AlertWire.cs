using System.Numerics;
using Google.Protobuf.WellKnownTypes;
using Warehouse.Clinic;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>
/// Between messages and watches, alerts and releases of ClinVar. Members of sets have the number of the engine's and one more, since 0 is what was not stated; of sets
/// of flags, the place of the bit, from 1. A test holds their names equal. Stateless.
/// </summary>
internal static class AlertWire
{
    public static V1.Grade Of(Grade grade) => (V1.Grade)((int)grade + 1);

    public static V1.Alert Of(Alert alert, IEnumerable<string> samples)
    {
        var wire = new V1.Alert
        {
            Id = alert.Id, Grade = Of(alert.Draft.Grade), State = (V1.AlertState)((int)alert.State + 1), Person = alert.Draft.Person, Allele = alert.Draft.Allele, Genes = alert.Draft.Genes, Change = alert.Draft.Change,
            Raised = Timestamp.FromDateTimeOffset(alert.RaisedUtc), ClosedBy = alert.ClosedBy ?? "", Reason = alert.Reason ?? "",
        };
        wire.Samples.AddRange(samples);
        wire.Kinds.AddRange(Bits((int)alert.Draft.Kinds).Select(b => (V1.ChangeKind)b));
        return wire;
    }

    public static V1.AlertCourse CourseOf(Alert alert)
    {
        var wire = new V1.AlertCourse
        {
            Id = alert.Id, Grade = Of(alert.Draft.Grade), State = (V1.AlertState)((int)alert.State + 1), Level = alert.Level, Raised = Timestamp.FromDateTimeOffset(alert.RaisedUtc), Delivered = Of(alert.DeliveredUtc),
            Shown = Of(alert.Shown.Count == 0 ? null : alert.Shown.Values.Min()), Closed = Of(alert.ClosedUtc), SnoozedUntil = Of(alert.SnoozedUntilUtc), IsSelfTest = alert.Draft.IsSelfTest,
        };
        wire.Recipients.AddRange(alert.Recipients);
        return wire;
    }

    public static V1.AlertAlarm Of(AlertAlarm alarm) => new() { Kind = (V1.AlertAlarmKind)((int)alarm.Kind + 1), Text = alarm.Text };

    public static V1.AlertRun Of(AlertRunReport run)
    {
        var wire = new V1.AlertRun { Raised = run.Raised, Open = run.Open, Sent = run.Sent, Escalated = run.Escalated, Suppressed = run.Suppressed };
        wire.Alarms.AddRange(run.Alarms.Select(Of));
        return wire;
    }

    public static V1.AlertStatus Of(AlertStatus status)
    {
        var wire = new V1.AlertStatus { SelfTestPassed = Of(status.SelfTestPassedUtc), DerivedVersion = status.DerivedVersion };
        foreach (var (grade, open, unshown) in status.Open) wire.Open.Add(new V1.OpenAlerts { Grade = Of(grade), Open = open, Unshown = unshown });
        wire.Alarms.AddRange(status.Alarms.Select(Of));
        return wire;
    }

    public static V1.AlertSettings Of(AlertSettings settings)
    {
        var wire = new V1.AlertSettings { CriticalHours = settings.CriticalHours, MajorHours = settings.MajorHours, MinorHours = settings.MinorHours, MessagesAnHour = settings.MessagesAnHour };
        wire.Directors.AddRange(settings.Directors);
        return wire;
    }

    public static AlertSettings Of(V1.AlertSettings wire) => new()
    {
        CriticalHours = wire.CriticalHours, MajorHours = wire.MajorHours, MinorHours = wire.MinorHours, MessagesAnHour = wire.MessagesAnHour, Directors = [.. wire.Directors],
    };

    public static V1.Watch Of(Watch watch)
    {
        var wire = new V1.Watch { Name = watch.Name, Scope = (V1.WatchScope)((int)watch.Scope + 1), Least = Of(watch.Least), FrequencyLine = watch.FrequencyLine };
        wire.Items.AddRange(watch.Items);
        wire.Triggers.AddRange(Bits((int)watch.Triggers).Select(b => (V1.WatchTrigger)b));
        wire.Hears.AddRange(watch.Hears);
        return wire;
    }

    public static Watch Of(V1.Watch wire) => new()
    {
        Name = wire.Name, Scope = Member<WatchScope>((int)wire.Scope, "watch-scope"), Items = [.. wire.Items], Hears = [.. wire.Hears], FrequencyLine = wire.FrequencyLine,
        Triggers = wire.Triggers.Count == 0 ? WatchTriggers.Default : wire.Triggers.Aggregate(WatchTriggers.None, (all, one) => all | (one is > V1.WatchTrigger.Unspecified and <= V1.WatchTrigger.Frequency ? (WatchTriggers)(1 << ((int)one - 1)) : throw Refusals.BadRequest("watch-trigger"))),
        Least = wire.Least == V1.Grade.Unspecified ? Grade.Minor : Member<Grade>((int)wire.Least, "watch-trigger"),
    };

    public static V1.CareRow Of(CareRow row)
    {
        var wire = new V1.CareRow { Person = row.Person, Responsible = row.Responsible };
        wire.Deputies.AddRange(row.Deputies);
        return wire;
    }

    public static V1.ClinVarFacts Of(ReleaseFacts facts)
    {
        var wire = new V1.ClinVarFacts { Alleles = facts.Alleles, Retracted = facts.Retracted, Unrecognised = facts.Unrecognised };
        foreach (var (allele, line, text) in facts.First) wire.First.Add(new V1.ClinVarUnrecognised { Allele = allele, Line = line, Text = text });
        return wire;
    }

    public static V1.ClassChange Of(ClassChange change)
    {
        var wire = new V1.ClassChange
        {
            Contig = change.Allele.Contig, Pos = change.Allele.Start + 1, Ref = change.Allele.Ref, Alt = change.Allele.Alt, Axis = Of(change.Axis), From = Of(change.From), To = Of(change.To), FromStars = change.FromStars, ToStars = change.ToStars,
            Grade = Of(change.Grade), Genes = change.Genes, Ids = change.Ids,
        };
        wire.Kinds.AddRange(Bits((int)change.Kinds).Select(b => (V1.ChangeKind)b));
        return wire;
    }

    public static V1.ClinVarPreview Of(ReleasePreview preview)
    {
        var wire = new V1.ClinVarPreview();
        foreach (var (axis, from, to, grade, count) in preview.Changes) wire.Changes.Add(new V1.ClinVarChangeCount { Axis = Of(axis), From = Of(from), To = Of(to), Grade = Of(grade), Count = count });
        foreach (var (grade, alerts, persons) in preview.Alerts) wire.Alerts.Add(new V1.ClinVarAlertCount { Grade = Of(grade), Alerts = alerts, Persons = persons });
        return wire;
    }

    public static V1.ClinVarHistoryRow Of(ReleaseHistory row)
    {
        var wire = new V1.ClinVarHistoryRow { Release = row.Release, Axis = Of(row.Axis), Net = Of(row.Said.Net), Stars = row.Said.Stars, Ids = row.Ids };
        wire.Terms.AddRange(Words.OfFlags(row.Said.Terms));
        return wire;
    }

    private static V1.ClinVarAxis Of(ClinVarAxis axis) => (V1.ClinVarAxis)((int)axis + 1);

    private static V1.NetClass Of(NetClass net) => (V1.NetClass)((int)net + 1);

    private static Timestamp? Of(DateTimeOffset? time) => time is { } there ? Timestamp.FromDateTimeOffset(there) : null;

    /// <summary>The places of the bits of a set of flags, from 1.</summary>
    private static IEnumerable<int> Bits(int flags)
    {
        for (var left = (uint)flags; left != 0; left &= left - 1) yield return BitOperations.TrailingZeroCount(left) + 1;
    }

    private static T Member<T>(int wire, string rule) where T : struct, System.Enum =>
        (T)System.Enum.ToObject(typeof(T), wire - 1) is var member && System.Enum.IsDefined(member) ? member : throw Refusals.BadRequest(rule);
}
