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
        Sub(command, context, ("load", "Load a release, and let it hold: alerts follow from what it changed."), [_file, _release, _hold, _unknown, _gone], (parsed, address) =>
        {
            context.BeginChange(address, parsed);
            var date = parsed.GetRequiredValue(_release);
            var load = Request(parsed.GetRequiredValue(_file), date);
            return context.Engine.LoadClinVar(address, load, alerts => parsed.GetValue(_hold) ? AlertReports.Of(alerts.Facts(date), date, "loaded, does not hold yet") : Accept(parsed, alerts, date, context), context);
        });
        Changes(command, context, ("accept", "Let a release hold that was loaded before."), [_date, _unknown, _gone], (parsed, alerts) => Accept(parsed, alerts, parsed.GetRequiredValue(_date), context));
        Shows(command, context, ("releases", "The releases in the store, and which of them hold."), [], (_, alerts) => alerts.Releases());
        Shows(command, context, ("compare", "What changed between two releases, by net class."), [_from, _to, _all], (parsed, alerts) => alerts.Compare(parsed.GetRequiredValue(_from), parsed.GetRequiredValue(_to), parsed.GetValue(_all)));
        Shows(command, context, ("preview", "How many alerts a release would raise, before it is accepted."), [_date], (parsed, alerts) => alerts.Preview(parsed.GetRequiredValue(_date)));
        Shows(command, context, ("history", "What each release that holds says of an allele."), [_allele], (parsed, alerts) => alerts.History(parsed.GetRequiredValue(_allele)));
        Changes(command, context, ("grades", "Show the table of grades, or put another in its place."), [_grades], (parsed, alerts) => OfGrades(Given(parsed) is { } table ? alerts.Change(table) : alerts.Grades));
    }

    private static AnnotationRequest Request(string file, string date)
    {
        if (!DateOnly.TryParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)) throw new InputException("clinvar-release", "a release of ClinVar is named by its date, 2027-01-31", InputPlace.None);
        var isTable = file.Contains(".tsv", StringComparison.Ordinal);
        return new AnnotationRequest { Source = ClinVarShelf.Source, Date = day, File = file, Mapping = isTable ? AnnotationMapping.Parse(ClinVarShelf.TableMapping, "tables of macarthur-lab") : null, Threads = Environment.ProcessorCount };
    }

    private Report Accept(ParseResult parsed, IAlerts alerts, string date, CliContext context)
    {
        var options = new AcceptOptions { Unrecognised = parsed.GetValue(_unknown), Retracted = parsed.GetValue(_gone) };
        Tell(alerts.Facts(date), options, context);
        var (facts, isNew) = alerts.Accept(date, options);
        return AlertReports.Of(facts, date, isNew ? "holds" : "held already");
    }

    /// <summary>What is not known is listed before it is refused.</summary>
    private static void Tell(ReleaseFacts facts, AcceptOptions options, CliContext context)
    {
        if (facts.Unrecognised <= options.Unrecognised) return;
        foreach (var (allele, line, text) in facts.First.Take(100)) context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"warehouse: line {line}: {allele}: unrecognised: {Output.SafeText.EscapeMessage(text)}"));
    }

    /// <summary>The table of a file that is named.</summary>
    private GradeTable? Given(ParseResult parsed)
    {
        if (parsed.GetValue(_grades) is not { } file) return null;
        if (!File.Exists(file) || new FileInfo(file).Length > WatchIntake.MaxGradeBytes) throw new InputException("grade-file", "a table of grades is a file of at most 256 KiB", new InputPlace(file, 0, 0, ""));
        return GradeTable.Parse(File.ReadAllText(file, Encoding.UTF8), file);
    }

    private static Report OfGrades(GradeTable grades)
    {
        string[] columns = ["axis", "kind", "from", "to", "grade"];
        return new Report([.. columns.Select(c => new Output.Column(c, Output.ColumnKind.Text))]).With(grades.Rows.Select(r => r.ToArray<object?>()));
    }
}
