using System.Globalization;
using Warehouse.Cli.Output;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;

namespace Warehouse.Cli;

/// <summary>Assessments as reports.</summary>
internal static class AssessmentReports
{
    /// <summary>What became of one.</summary>
    public static Report Of(Assessment one) => Report.OfFacts([
        ("assessment", Text(one.Id)), ("version", Text(one.Version)), ("state", Words.Of(one.State)), ("variant", one.Content.Allele.ToString()), ("condition", one.Content.ConditionId),
        ("class", ClassOf(one.Content)), ("implied", Implied(one.Content)), .. one.Signature is { IsAlone: true } ? [("signed by", "its author alone: the policy names no reviewer and no director")] : Array.Empty<(string, string)>()]);

    /// <summary>All of one, or of each of its versions.</summary>
    public static Report InFull(IEnumerable<Assessment> versions)
    {
        var report = Report.OfFacts();
        foreach (var one in versions)
        {
            var content = one.Content;
            report.With(Of(one).Rows);
            void Add(string fact, string? value)
            {
                if (!string.IsNullOrEmpty(value)) report.Rows.Add([fact, value]);
            }
            Add("condition name", content.ConditionName);
            Add("inheritance", content.Inheritance == Inheritance.Unknown ? null : Words.Of(content.Inheritance));
            foreach (var use in content.Criteria) Add("criterion", $"{use.Code} {Words.Of(use.Strength)}{(use.Evidence.Length > 0 ? ": " + use.Evidence : "")}{(use.References.Count > 0 ? $" ({string.Join(", ", use.References)})" : "")}");
            Add("why not as implied", content.DifferenceReason);
            foreach (var reference in content.References) Add("reference", reference);
            Add("text", content.Text);
            foreach (var author in one.Authors) Add("author", author);
            Add("this version by", one.By);
            Add("at", Columns.Time(one.TimeUtc));
            Add("follows snapshot", Text(one.ManifestVersion));
            Add("reason", one.Reason);
            Add("supersedes", one.Supersedes is { } old ? Text(old) : null);
            Add("superseded by", one.SupersededBy is { } next ? Text(next) : null);
            if (one.Signature is not { } signature) continue;
            Add("signature", $"{Words.Of(signature.Meaning)}, {signature.By}, {Columns.Time(signature.TimeUtc)}");
            Add("reason of the signature", signature.Reason);
            Add("content signed", signature.ContentSha256);
        }
        return report;
    }

    /// <summary>One row per assessment, own ones and those of other laboratories.</summary>
    public static Report Of(IReadOnlyList<Assessment> own, IReadOnlyList<OtherAssessment> others, string laboratory)
    {
        var report = new Report(new Column("laboratory", ColumnKind.FreeText), new Column("assessment", ColumnKind.Integer), new Column("version", ColumnKind.Integer), new Column("state", ColumnKind.Text), new Column("variant", ColumnKind.FreeText),
            new Column("condition", ColumnKind.Text), new Column("condition_name", ColumnKind.FreeText), new Column("class", ColumnKind.Text), new Column("points", ColumnKind.Integer), new Column("implied", ColumnKind.Text),
            new Column("criteria", ColumnKind.Text), new Column("signed_by", ColumnKind.FreeText), new Column("signed", ColumnKind.Text)) { Code = own.Count + others.Count == 0 ? ExitCode.NothingMatched : ExitCode.Done };
        report.With(own.Select(a => Row(OtherAssessment.Of(a, laboratory, ""))));
        return report.With(others.Select(Row));
    }

    /// <summary>One row per discordant pair.</summary>
    public static Report Of(IReadOnlyList<DiscordantPair> pairs) =>
        new Report(new Column("grade", ColumnKind.Text), new Column("variant", ColumnKind.FreeText), new Column("source", ColumnKind.FreeText), new Column("class", ColumnKind.Text), new Column("condition", ColumnKind.Text),
            new Column("other_source", ColumnKind.FreeText), new Column("other_class", ColumnKind.Text), new Column("other_condition", ColumnKind.Text), new Column("same_condition", ColumnKind.Text)) { Code = pairs.Count == 0 ? ExitCode.NothingMatched : ExitCode.Done }
            .With(pairs.Select(p => new object?[]
            {
                Words.Of(p.Grade), p.First.Allele.ToString(), p.First.Source, Words.Of(p.First.Class), p.First.ConditionId, p.Second.Source, Words.Of(p.Second.Class), p.Second.ConditionId, p.IsOfOneCondition ? "yes" : "no",
            }));

    /// <summary>A suggestion with its figures.</summary>
    public static Report Of(FrequencyEvidence evidence)
    {
        var figures = evidence.Figures;
        return Report.OfFacts([
            ("suggested", evidence.Criterion is { } use ? $"{use.Code} {Words.Of(use.Strength)}" : "nothing"), ("note", evidence.Note), .. evidence.Criterion is { } with ? [("evidence", with.Evidence)] : Array.Empty<(string, string)>(),
            ("ac", Text(figures.Ac)), ("an", Text(figures.An)), ("homozygotes", Text(figures.NHomAlt)), ("samples", Text(figures.NSamples)), ("not assessed", Text(figures.NNotAssessed)), ("snapshot", Text(evidence.Snapshot))]);
    }

    /// <summary>A suggestion with released figures, which may be held back.</summary>
    public static Report Of(FrequencyEvidence evidence, (bool IsBanded, long Epoch) released) => Report.OfFacts([
        ("suggested", evidence.Criterion is { } use ? $"{use.Code} {Words.Of(use.Strength)}" : "nothing"), ("note", evidence.Note), .. evidence.Criterion is { } with ? [("evidence", with.Evidence)] : Array.Empty<(string, string)>(),
        .. released.IsBanded ? Array.Empty<(string, string)>() : [("ac", Text(evidence.Figures.Ac)), ("an", Text(evidence.Figures.An)), ("homozygotes", Text(evidence.Figures.NHomAlt))], ("release epoch", Text(released.Epoch))]);

    /// <summary>The settings in force.</summary>
    public static Report Of(AssessmentSettings settings) => Report.OfFacts(("laboratory", settings.Laboratory), ("ba1", Text(settings.Ba1)), ("bs1", Text(settings.Bs1)), ("pm2", Text(settings.Pm2)), ("least alleles", Text(settings.LeastAlleles)));

    /// <summary>What an import did.</summary>
    public static Report Of(ImportReceipt receipt) => Report.OfFacts(("taken", Text(receipt.Taken)), ("known", Text(receipt.Known)), ("older than what is known", Text(receipt.Older)));

    /// <summary>A class, with the third of uncertain that is stated.</summary>
    public static string ClassOf(AssessmentContent content) => content.Uncertain is { } third ? $"{Words.Of(content.Class)}-{Words.Of(third)}" : Words.Of(content.Class);

    private static string Implied(AssessmentContent content)
    {
        var third = content.Implied == Tier.Uncertain ? PointScale.UncertainTierOf(content.Points) : null;
        return $"{Words.Of(content.Implied)}{(third is { } of ? " " + Words.Of(of) : "")} ({Text(content.Points)} points)";
    }

    private static object?[] Row(OtherAssessment one) =>
    [
        one.Laboratory, one.Id, (long)one.Version, Words.Of(one.State), one.Content.Allele.ToString(), one.Content.ConditionId, one.Content.ConditionName.Length > 0 ? one.Content.ConditionName : null, ClassOf(one.Content), (long)one.Content.Points,
        Words.Of(one.Content.Implied), one.Content.Criteria.Count == 0 ? null : string.Join(' ', one.Content.Criteria.Select(c => c.Strength == Criterion.DefaultStrength(c.Code) ? c.Code : $"{c.Code}_{Words.Of(c.Strength)}")),
        one.SignedBy, one.SignedBy is null ? null : Columns.Time(one.SignedUtc),
    ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
