using System.CommandLine;
using System.Globalization;
using System.Text;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;

namespace Warehouse.Cli.Verbs;

/// <summary><c>clinvar</c>: releases of ClinVar, what changed in them, and from which alerts follow.</summary>
internal sealed class ClinVarVerb : AlertVerb
{
    private readonly Argument<string> _file = new("FILE") { Description = "ClinVar's VCF, or a table of macarthur-lab (.tsv)." };
    private readonly Argument<string> _from = new("BEFORE") { Description = "Date of the earlier release." };
    private readonly Argument<string> _to = new("AFTER") { Description = "Date of the later one." };
    private readonly Argument<string> _date = new("DATE") { Description = "Date of the release." };
    private readonly Argument<string> _allele = new("VARIANT") { Description = "The allele." };
    private readonly Option<string> _release = new("--release") { HelpName = "DATE", Required = true, Description = "Date of the release: 2027-01-31." };
    private readonly Option<bool> _hold = new("--hold") { Description = "Keep it without letting it hold yet: preview shows what it would raise, accept lets it hold." };
    private readonly Option<long> _unknown = new("--accept-unrecognised") { HelpName = "N", Description = "So many alleles may have terms that are not known." };
    private readonly Option<long?> _gone = new("--accept-retracted") { HelpName = "N", Description = "So many alleles of the release before may be gone; one in fifty where not said." };
    private readonly Option<string?> _grades = new("--set") { HelpName = "FILE", Description = "Put this table in its place." };
    private readonly Option<bool> _all = new("--all") { Description = "Also changes of review, condition and record." };

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Changes(command, context, ("load", "Load a release and let it hold: alerts follow from what it changed."), [_file, _release, _hold, _unknown, _gone], (parsed, sources) => Load(parsed, sources, context));
        Changes(command, context, ("accept", "Let a release hold that was loaded before."), [_date, _unknown, _gone], (parsed, sources) => Accept(parsed, sources, parsed.GetRequiredValue(_date), context));
        Shows(command, context, ("compare", "What changed between two releases, by net class."), [_from, _to, _all], Compare);
        Shows(command, context, ("preview", "How many alerts a release would raise, before it is accepted."), [_date], (parsed, sources) => AlertReports.Of(ReleasePreview.Of(sources, TimeProvider.System, parsed.GetRequiredValue(_date))));
        Shows(command, context, ("history", "What each release that holds says of an allele."), [_allele], History);
        Changes(command, context, ("grades", "Show the table of grades, or put another in its place."), [_grades], Grades);
    }

    private Report Load(ParseResult parsed, AlertSources sources, CliContext context)
    {
        var (file, date) = (parsed.GetRequiredValue(_file), parsed.GetRequiredValue(_release));
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) throw new InputException("clinvar-release", "a release of ClinVar is named by its date, 2027-01-31", InputPlace.None);
        var isTable = file.Contains(".tsv", StringComparison.Ordinal);
        var request = new AnnotationRequest { Source = ClinVarShelf.Source, Date = day, File = file, Mapping = isTable ? AnnotationMapping.Parse(ClinVarShelf.TableMapping, "tables of macarthur-lab") : null, Threads = Environment.ProcessorCount };
        sources.Store.LoadAnnotations(request, null, context.Cancellation);
        if (!parsed.GetValue(_hold)) return Accept(parsed, sources, date, context);
        return AlertReports.Of(ReleaseIntake.Look(sources, Book(sources), date), date, "loaded, does not hold yet");
    }

    private Report Accept(ParseResult parsed, AlertSources sources, string date, CliContext context)
    {
        var book = Book(sources);
        var facts = ReleaseIntake.Look(sources, book, date);
        var options = new AcceptOptions { Unrecognised = parsed.GetValue(_unknown), Retracted = parsed.GetValue(_gone) };
        // What is not known is listed before it is refused.
        if (facts.Unrecognised > options.Unrecognised)
            foreach (var (allele, line, text) in facts.First.Take(100)) context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"warehouse: line {line}: {allele}: unrecognised: {Output.SafeText.EscapeMessage(text)}"));
        var isNew = ReleaseIntake.Accept(sources, book, Who, (date, facts), options);
        return AlertReports.Of(facts, date, isNew ? "holds" : "held already");
    }

    private Report Compare(ParseResult parsed, AlertSources sources)
    {
        var (before, after) = (Shelved(sources, parsed.GetRequiredValue(_from)), Shelved(sources, parsed.GetRequiredValue(_to)));
        var changes = ReleaseComparison.Run(before, after, Book(sources).Grades);
        return AlertReports.Of(parsed.GetValue(_all) ? changes : changes.Where(c => c.IsOfClass));
    }

    private Report History(ParseResult parsed, AlertSources sources)
    {
        using var session = sources.Store.OpenSession();
        var asked = session.Resolve([parsed.GetRequiredValue(_allele)]).Single();
        if (asked.Reason is { } fault) throw new InputException("clinvar-variant", fault, InputPlace.None);
        var history = new List<(string, ClinVarAxis, Classification, string)>();
        foreach (var (_, release) in Book(sources).Releases)
        {
            var found = Shelved(sources, release.Release).Alleles().FirstOrDefault(a => a.Allele.Start == asked.Start && a.Allele.Ref == asked.Ref && a.Allele.Alt == asked.Alt && (a.Allele.Contig == asked.Contig || "chr" + a.Allele.Contig == asked.Contig));
            foreach (var axis in Enum.GetValues<ClinVarAxis>())
                if (axis == ClinVarAxis.Germline || found?.On(axis) is { } other && other != Classification.None) history.Add((release.Release, axis, found?.On(axis) ?? Classification.None, found is null ? "" : string.Join(',', found.Ids)));
        }
        return AlertReports.OfHistory(history);
    }

    private Report Grades(ParseResult parsed, AlertSources sources)
    {
        if (parsed.GetValue(_grades) is { } file)
        {
            if (!File.Exists(file) || new FileInfo(file).Length > 1 << 18) throw new InputException("grade-file", "a table of grades is a file of at most 256 KiB", new InputPlace(file, 0, 0, ""));
            Append(sources, new GradesSet(GradeTable.Parse(File.ReadAllText(file, Encoding.UTF8), file).Text));
        }
        string[] columns = ["axis", "kind", "from", "to", "grade"];
        return new Report([.. columns.Select(c => new Output.Column(c, Output.ColumnKind.Text))]).With(Book(sources).Grades.Rows.Select(r => r.ToArray<object?>()));
    }

    private static ShelvedRelease Shelved(AlertSources sources, string date) => sources.Release(date) ?? throw new InputException("clinvar-unknown", "the store has no release of ClinVar of that date", InputPlace.None);
}
