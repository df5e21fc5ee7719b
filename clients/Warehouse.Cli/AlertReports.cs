using System.Globalization;
using Warehouse.Cli.Output;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;

namespace Warehouse.Cli;

/// <summary>Releases of ClinVar, watches and alerts as reports.</summary>
internal static class AlertReports
{
    /// <summary>What a release has, and the first of what is not known in it.</summary>
    public static Report Of(ReleaseFacts facts, string release, string state)
    {
        var report = new Report(new Column("fact", ColumnKind.Text), new Column("value", ColumnKind.FreeText));
        report.Rows.Add(["release", release]);
        report.Rows.Add(["alleles", Text(facts.Alleles)]);
        report.Rows.Add(["alleles of the release before that are gone", Text(facts.Retracted)]);
        report.Rows.Add(["alleles with unrecognised terms", Text(facts.Unrecognised)]);
        report.Rows.Add(["state", state]);
        return report.With(facts.First.Select(f => new object?[] { "unrecognised", string.Create(CultureInfo.InvariantCulture, $"line {f.Line}: {f.Allele}: {f.Text}") }));
    }

    /// <summary>One row per change.</summary>
    public static Report Of(IEnumerable<ChangeRow> changes) => new Report(ChangeRow.Columns).With(changes.Select(c => c.Cells));

    /// <summary>Changes and alerts by grade.</summary>
    public static Report Of(ReleasePreview preview)
    {
        var report = new Report(new Column("what", ColumnKind.Text), new Column("axis", ColumnKind.Text), new Column("from", ColumnKind.Text), new Column("to", ColumnKind.Text), new Column("grade", ColumnKind.Text), new Column("count", ColumnKind.Integer), new Column("persons", ColumnKind.Integer));
        foreach (var (grade, alerts, persons) in preview.Alerts) report.Rows.Add(["alerts", null, null, null, Word(grade), (long)alerts, (long)persons]);
        return report.With(preview.Changes.Select(c => new object?[] { "changes", Word(c.Axis), Word(c.From), Word(c.To), Word(c.Grade), (long)c.Count, null }));
    }

    /// <summary>One row per release.</summary>
    public static Report OfReleases(IEnumerable<(string Release, bool Holds, bool IsThere, long? Alleles, long? Unrecognised, string Digest)> releases) =>
        new Report(new Column("release", ColumnKind.Text), new Column("holds", ColumnKind.Text), new Column("there", ColumnKind.Text), new Column("alleles", ColumnKind.Integer), new Column("unrecognised", ColumnKind.Integer), new Column("digest", ColumnKind.Text))
            .With(releases.Select(r => new object?[] { r.Release, r.Holds ? "yes" : "no", r.IsThere ? "yes" : "no", r.Alleles, r.Unrecognised, r.Digest }));

    /// <summary>What each release says of an allele.</summary>
    public static Report Of(IEnumerable<ReleaseHistory> history) => OfHistory(history.Select(h => (h.Release, h.Axis, h.Said.Net, h.Said.Stars, Words(h.Said.Terms), h.Ids)));

    /// <summary>The same of rows.</summary>
    public static Report OfHistory(IEnumerable<(string Release, ClinVarAxis Axis, NetClass Net, int Stars, string Terms, string Ids)> history) =>
        new Report(new Column("release", ColumnKind.Text), new Column("axis", ColumnKind.Text), new Column("class", ColumnKind.Text), new Column("stars", ColumnKind.Integer), new Column("terms", ColumnKind.Text), new Column("ids", ColumnKind.FreeText))
            .With(history.Select(h => new object?[] { h.Release, Word(h.Axis), Word(h.Net), (long)h.Stars, h.Terms, Some(h.Ids) }));

    /// <summary>One row per watch.</summary>
    public static Report Of(IEnumerable<Watch> watches) =>
        new Report(new Column("watch", ColumnKind.FreeText), new Column("looks_at", ColumnKind.Text), new Column("items", ColumnKind.FreeText), new Column("on", ColumnKind.Text), new Column("least", ColumnKind.Text), new Column("line", ColumnKind.Real), new Column("hears", ColumnKind.FreeText))
            .With(watches.Select(w => new object?[] { w.Name, Word(w.Scope), w.Items.Count == 0 ? null : string.Join(' ', w.Items), Words(w.Triggers), Word(w.Least), w.FrequencyLine > 0 ? w.FrequencyLine : null, w.Hears.Count == 0 ? "care" : string.Join(' ', w.Hears) }));

    /// <summary>The same with a word about roles that nobody is known to hold.</summary>
    public static Report Noted(Report report, IReadOnlyList<string> unheld)
    {
        if (unheld.Count == 0) return report;
        var notice = $"nobody is known to hold {string.Join(", ", unheld)}: who has it by a group or by a token of an identity provider hears of nothing while he is not here; name callers, or assign them the role";
        return new Report(report.Columns) { Code = report.Code, Notice = notice }.With(report.Rows);
    }

    /// <summary>For how many persons it was said who cares for them.</summary>
    public static Report OfCare(int persons, IReadOnlyList<string> unheld) => Noted(Report.OfFacts(("persons", persons.ToString(CultureInfo.InvariantCulture))), unheld);

    /// <summary>One row per person.</summary>
    public static Report Of(IEnumerable<CareRow> rows) =>
        new Report(new Column("person", ColumnKind.FreeText), new Column("responsible", ColumnKind.FreeText), new Column("deputies", ColumnKind.FreeText))
            .With(rows.Select(r => new object?[] { r.Person, r.Responsible, r.Deputies.Count == 0 ? null : string.Join(' ', r.Deputies) }));

    /// <summary>Alerts as their recipient sees them.</summary>
    public static Report Of(IEnumerable<InboxRow> alerts) => new Report(InboxRow.Columns).With(alerts.Select(a => a.Cells));

    /// <summary>Alerts without what they are about: who hears, and how long everything took.</summary>
    public static Report Of(IEnumerable<CourseRow> alerts) => new Report(CourseRow.Columns).With(alerts.Select(a => a.Cells));

    /// <summary>Where alerts stand; an alarm makes the answer incomplete.</summary>
    public static Report Of(AlertStatus status) =>
        new Report(new Column("fact", ColumnKind.Text), new Column("value", ColumnKind.FreeText)) { Code = status.Alarms.Count > 0 ? ExitCode.Incomplete : ExitCode.Done, Notice = status.Alarms.Count > 0 ? status.Alarms[0].Text : null }
            .With([
                .. status.Open.SelectMany(o => new object?[][] { [Word(o.Grade) + " open", Text(o.Open)], [Word(o.Grade) + " that nobody looked at", Text(o.Unshown)] }),
                ["raised through snapshot", Text(status.DerivedVersion)], ["self-test passed", status.SelfTestPassedUtc is { } at ? Columns.Time(at) : null], .. status.Alarms.Select(a => new object?[] { "alarm", a.Text }),
            ]);

    /// <summary>What a run did; an alarm makes the answer incomplete.</summary>
    public static Report Of(AlertRunReport run) =>
        new Report(new Column("fact", ColumnKind.Text), new Column("value", ColumnKind.FreeText)) { Code = run.Alarms.Count > 0 ? ExitCode.Incomplete : ExitCode.Done, Notice = run.Alarms.Count > 0 ? run.Alarms[0].Text : null }
            .With([["raised", Text(run.Raised)], ["open", Text(run.Open)], ["messages sent", Text(run.Sent)], ["escalated", Text(run.Escalated)], ["suppressed", Text(run.Suppressed)], .. run.Alarms.Select(a => new object?[] { "alarm", a.Text })]);

    /// <summary>Members of a set in kebab-case.</summary>
    public static string Words<T>(T members) where T : struct, Enum => string.Join('+', members.ToString().Split(", ").Select(Kebab));

    /// <summary>A member of a set in kebab-case.</summary>
    public static string Word<T>(T member) where T : struct, Enum => Kebab(member.ToString());

    private static string Kebab(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "-" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));

    /// <summary>A text; null when there is none.</summary>
    public static string? Some(string text) => text.Length == 0 ? null : text;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
