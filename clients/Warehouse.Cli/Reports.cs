using System.Globalization;
using Warehouse.Cli.Output;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Doctor;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;

namespace Warehouse.Cli;

/// <summary>Receipts of the engine as reports.</summary>
internal static class Reports
{
    /// <summary>One row per file and fact; findings last.</summary>
    public static Report Of(IngestReceipt receipt)
    {
        var report = new Report(new Column("file", ColumnKind.FreeText), new Column("fact", ColumnKind.Text), new Column("value", ColumnKind.FreeText));
        foreach (var file in receipt.Files)
        {
            var name = file.File == "-" ? "standard input" : file.File;
            void Add(string fact, string value) => report.Rows.Add([name, fact, value]);
            Add("outcome", file.Outcome);
            Add("samples", Text(file.Samples));
            Add("records", Text(file.Records));
            Add("variants", Text(file.Variants));
            if (file.Collapsed > 0) Add("repeated alleles collapsed", Text(file.Collapsed));
            foreach (var (code, count) in file.Skipped) Add("skipped " + code, Text(count));
            foreach (var place in file.SkippedPlaces) Add("skipped at", place);
            foreach (var warning in file.Warnings) Add("lint", warning);
            Add("sha256", file.Sha256);
        }
        foreach (var finding in receipt.Findings) report.Rows.Add([null, "finding", finding]);
        report.Rows.Add([null, receipt.Committed ? "committed snapshot" : "nothing to commit; snapshot", Text(receipt.Version)]);
        return report;
    }

    /// <summary>One row per fact of a load of annotations.</summary>
    public static Report Of(AnnotationReceipt receipt)
    {
        var release = receipt.Release;
        var report = Report.OfFacts([
            ("release", release.ToString()), ("outcome", receipt.Committed ? "loaded" : "unchanged: the store has this file"),
            ("newest of its source", receipt.IsNewest ? "yes" : "no: a release of a later day is in the store"), ("records", Text(release.Records)), ("rows", Text(release.Rows)),
            .. release.LeftOut.Select(l => ("left out: " + l.Reason, Text(l.Count))), ("fields", string.Join(' ', release.Fields.Select(f => f.Name))),
            .. receipt.Unmapped.Count > 0 ? [("INFO keys not taken", string.Join(' ', receipt.Unmapped))] : Array.Empty<(string, string)>(),
            ("alleles", release.IsIntervals ? "none: intervals" : release.TrimmedOnly ? "trimmed only: the store has no reference" : "normalised against the reference"),
            ("sha256", release.SourceSha256), (receipt.Committed ? "committed snapshot" : "nothing to commit; snapshot", Text(receipt.Version))]);
        return report;
    }

    /// <summary>One row per release.</summary>
    public static Report Of(IReadOnlyList<AnnotationRelease> releases) =>
        new Report(new Column("source", ColumnKind.FreeText), new Column("release", ColumnKind.Text), new Column("number", ColumnKind.Integer), new Column("state", ColumnKind.Text), new Column("rows", ColumnKind.Integer),
            new Column("loaded_at", ColumnKind.Integer), new Column("retired_at", ColumnKind.Integer), new Column("fields", ColumnKind.FreeText), new Column("sha256", ColumnKind.Text))
            .With(releases.Select(r => new object?[]
            {
                r.Source, r.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), r.Number, StateOf(r, releases), r.Rows, r.FromVersion, r.UntilVersion == 0 ? null : (long?)r.UntilVersion,
                string.Join(' ', r.Fields.Select(f => f.Name)), r.SourceSha256,
            }));

    private static string StateOf(AnnotationRelease release, IReadOnlyList<AnnotationRelease> all) => release.IsPurged ? "purged" : release.UntilVersion != 0 ? "retired"
        : all.Any(r => r.Source == release.Source && r.UntilVersion == 0 && (r.Date, r.Number).CompareTo((release.Date, release.Number)) > 0) ? "in force" : "newest";

    /// <summary>One row per check; damage outweighs what is missing.</summary>
    public static Report Of(IReadOnlyList<DoctorRow> rows)
    {
        var code = rows.Any(r => r.State == DoctorState.Damaged) ? ExitCode.DamagedStore : rows.Any(r => r.State == DoctorState.Missing) ? ExitCode.CouldNot : ExitCode.Done;
        var report = new Report(new Column("check", ColumnKind.Text), new Column("state", ColumnKind.Text), new Column("finding", ColumnKind.FreeText)) { Code = code };
        return report.With(rows.Select(r => new object?[] { r.Check, r.State switch { DoctorState.Ok => "ok", DoctorState.Note => "note", _ => "wrong" }, r.Text }));
    }

    /// <summary>One row per finding of <c>verify</c>, behind what was mended before; surplus files in one row.</summary>
    public static Report OfFindings(IReadOnlyList<object?[]> mended, IEnumerable<(string Kind, string File, string Problem)> findings)
    {
        var (rows, damaged, surplus) = (new List<object?[]>(mended), false, 0);
        foreach (var (kind, file, problem) in findings)
        {
            if (kind == "surplus") surplus++;
            else rows.Add([kind, file, problem]);
            damaged |= kind != "surplus";
        }
        if (surplus > 0) rows.Add(["surplus", Text(surplus) + " files", "left by earlier versions or a stop; no answer depends on them, and compact removes them"]);
        return new Report(new Column("kind", ColumnKind.Text), new Column("file", ColumnKind.Text), new Column("problem", ColumnKind.FreeText)) { Code = damaged ? ExitCode.DamagedStore : ExitCode.Done }.With(rows);
    }

    /// <summary>Facts of a store, then a row per damage.</summary>
    public static Report Of(StoreInfo info)
    {
        var facts = Report.OfFacts([.. info.Facts, .. info.Damage.Select(d => ("damage", d))]);
        return info.Damage.Count == 0 ? facts : new Report(facts.Columns) { Code = ExitCode.DamagedStore, Notice = info.Damage[0] }.With(facts.Rows);
    }

    /// <summary>One row per snapshot.</summary>
    public static Report OfSnapshots(IEnumerable<(long Version, DateTimeOffset Committed, int Samples)> snapshots) =>
        new Report(new Column("snapshot", ColumnKind.Integer), new Column("committed", ColumnKind.Text), new Column("samples", ColumnKind.Integer))
            .With(snapshots.Select(s => new object?[] { s.Version, Columns.Time(s.Committed), (long)s.Samples }));

    /// <summary>One row per member of a cohort.</summary>
    public static Report OfMembers(IEnumerable<string> names) => new Report(new Column("sample", ColumnKind.FreeText)).With(names.Select(n => new object?[] { n }));

    /// <summary>Whom samples are of: the columns of the vault behind sample and person, empty where it does not have him.</summary>
    public static Report OfLinks(IReadOnlyList<string> columns, IEnumerable<LinkedSample> links) =>
        new Report([new Column("sample", ColumnKind.FreeText), new Column("person", ColumnKind.FreeText), .. columns.Select(c => new Column(c, ColumnKind.FreeText))])
            .With(links.Select(l => (object?[])[Cell(l.Sample), Cell(l.Person), .. (IEnumerable<string?>?)l.Cells ?? new string?[columns.Count]]));

    private static string? Cell(string text) => text.Length > 0 ? text : null;

    /// <summary>One row per cohort.</summary>
    public static Report Of(params CohortInfo[] cohorts) => OfCohorts(cohorts.Select(c => (c.Name, (long?)c.Samples, c.Version, c.Where)));

    /// <summary>The same from a server, which may hold the number of samples back.</summary>
    public static Report OfCohorts(IEnumerable<(string Name, long? Samples, long Version, string? Where)> cohorts) =>
        new Report(new Column("cohort", ColumnKind.FreeText), new Column("samples", ColumnKind.Integer), new Column("set_at", ColumnKind.Integer), new Column("where", ColumnKind.FreeText))
            .With(cohorts.Select(c => new object?[] { c.Name, c.Samples, c.Version, c.Where }));

    /// <summary>Facts of a compaction.</summary>
    public static Report Of(CompactReport report)
    {
        var facts = Report.OfFacts([
            ("segments before", Text(report.SegmentsBefore)), ("segments after", Text(report.SegmentsAfter)), ("bytes before", Text(report.BytesBefore)),
            ("bytes after", Text(report.BytesAfter)), ("sample parts dropped", Text(report.SamplesDropped)), ("files removed", Text(report.FilesRemoved)),
            ("snapshot", Text(report.Version)), .. report.DamagedFiles.Select(f => ("damaged, left as it is", f))]);
        return report.DamagedFiles.Count == 0 ? facts : new Report(facts.Columns)
        {
            Code = ExitCode.DamagedStore, Notice = "damaged segments were left as they are; what was to be dropped from them is still in them",
        }.With(facts.Rows);
    }

    /// <summary>What was taken, then one row per finding.</summary>
    public static Report Of(SalvageReport report)
    {
        var refused = report.Findings.FirstOrDefault(f => f.Kind == SalvageKind.Refused);
        var rows = new Report(new Column("kind", ColumnKind.Text), new Column("name", ColumnKind.FreeText), new Column("range", ColumnKind.FreeText), new Column("samples", ColumnKind.Integer), new Column("problem", ColumnKind.FreeText))
        {
            Code = report.IsWhole ? ExitCode.Done : ExitCode.DamagedStore,
            Notice = refused?.Problem ?? (report.IsWhole ? null : "a store was written; what the damaged one held and the new one lacks is listed"),
        };
        if (report.Version > 0) rows.Rows.Add(["taken", "snapshot " + Text(report.Version), null, (long)report.Samples, report.IsWhole ? "whole, and the newest" : "without what is listed"]);
        return rows.With(report.Findings.Select(f => new object?[] { f.Kind.ToString().ToLowerInvariant(), f.Name, f.Range, (long?)f.Samples, f.Problem }));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
