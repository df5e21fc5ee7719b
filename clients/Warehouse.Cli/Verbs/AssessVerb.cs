using System.CommandLine;
using System.Globalization;
using System.Text;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>assess</c> and its sub-verbs: what the laboratory says of alleles. Whoever runs them is the store's owner, or whom a server takes him for, and is named.</summary>
internal sealed class AssessVerb : GroupVerb
{
    private readonly ContentSymbols _content = new();
    private readonly SampleSymbols _samples = new();
    private readonly Argument<string> _variant = new("VARIANT") { Description = "The allele, in any spelling." };
    private readonly Argument<long> _id = new("ID") { Description = "Number of the assessment." };
    private readonly Argument<string> _file = new("FILE") { Description = "Lines of JSON, as assess export writes them; - is standard input." };
    private readonly Option<string?> _of = new("--variant") { HelpName = "VARIANT", Description = "Only those of this allele." };
    private readonly Option<string?> _state = new("--state") { HelpName = "STATE", Description = "Only those that are draft, in-review, signed, superseded or retired." };
    private readonly Option<long?> _edit = new("--edit") { HelpName = "ID", Description = "Change this draft in place of beginning another." };
    private readonly Option<int?> _version = new("--version-seen") { HelpName = "N", Description = "Version that you looked at: where it is another by now, nothing is changed." };
    private readonly Option<int> _needed = new("--version-seen") { HelpName = "N", Required = true, Description = "Version that you looked at: where it is another by now, nothing is signed." };
    private readonly Option<bool> _back = new("--return") { Description = "Send it back to its authors instead." };
    private readonly Option<string> _reason = new("--reason") { HelpName = "TEXT", Required = true, Description = "Why; holds no name of a patient or sample." };
    private readonly Option<string?> _why = new("--reason") { HelpName = "TEXT", Description = "Why it goes back; holds no name of a patient or sample." };
    private readonly Option<string> _meaning = new("--meaning") { HelpName = "approved|responsible", DefaultValueFactory = _ => "approved", Description = "What the signature means." };
    private readonly Option<bool> _history = new("--history") { Description = "Every version, the first first." };
    private readonly AsOfSymbol _asOf = new();
    private readonly Option<bool> _all = new("--all") { Description = "Also what other laboratories say, and what is not signed." };
    private readonly Option<string> _as = new("--as") { HelpName = "jsonl|clinvar|vcf", Required = true, Description = "Lines of JSON, columns of a ClinVar submission, or a VCF with INFO." };
    private readonly Option<string?> _path = new("-o", "--output") { HelpName = "FILE", Description = "Write to a file, which appears when it is complete." };
    private readonly Option<string?> _with = new("--with") { HelpName = "FILE", Description = "Compare with these too: tab-separated variant, class, source and, if it is known, condition; e.g. of ClinVar." };
    private readonly Option<string?> _laboratory = new("--laboratory") { HelpName = "NAME", Description = "Name of the laboratory in what it exports." };
    private readonly Option<double?> _ba1 = new("--ba1") { HelpName = "X", Description = "Least FAF95 of BA1." };
    private readonly Option<double?> _bs1 = new("--bs1") { HelpName = "X", Description = "Least FAF95 of BS1." };
    private readonly Option<double?> _pm2 = new("--pm2") { HelpName = "X", Description = "Highest AF of PM2." };
    private readonly Option<long?> _least = new("--least-alleles") { HelpName = "N", Description = "With fewer alleles assessed nothing is suggested." };

    /// <inheritdoc/>
    protected override bool MayAskServer => true;

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        var draft = Changes(command, context, ("draft", "Begin an assessment of an allele in a condition, or change one that is being written."), [_variant, _edit, _version], (parsed, desk) => Draft(parsed, desk, context));
        _content.AddTo(draft);
        Changes(command, context, ("review", "Hand a draft in: it waits for a signature by somebody else. Or send it back."), [_id, _version, _back, _why], (parsed, desk) =>
            parsed.GetValue(_back) ? desk.Return(Id(parsed), Seen(parsed, desk), parsed.GetValue(_why) ?? "") : desk.Submit(Id(parsed), Seen(parsed, desk)));
        Changes(command, context, ("sign", "Sign: from now on it is what the laboratory says. Author and signer are two people."), [_id, _needed, _meaning, _reason], (parsed, desk) =>
            desk.Sign(Id(parsed), parsed.GetValue(_needed), Words.Parse<SignatureMeaning>(parsed.GetRequiredValue(_meaning)), parsed.GetRequiredValue(_reason)));
        var supersede = Changes(command, context, ("supersede", "Begin an assessment that takes the place of a signed one, with what the options change of it; the old one holds until it is signed."), [_id], (parsed, desk) =>
        {
            var old = Required(desk, Id(parsed));
            return desk.Begin(_content.Read(parsed, context, old.Content.Allele, old.Content), old.Id);
        });
        _content.AddTo(supersede);
        Changes(command, context, ("retire", "Take a signed assessment back, or give up one that is not signed."), [_id, _version, _reason], (parsed, desk) => desk.Retire(Id(parsed), Seen(parsed, desk), parsed.GetRequiredValue(_reason)));
        Shows(command, context, ("show", "Show an assessment: what it says, who wrote it, who signed it."), [_id, _history], (parsed, address) => context.Engine.Assessments(address, desk =>
            AssessmentReports.InFull(parsed.GetValue(_history) ? desk.History(Required(desk, Id(parsed)).Id) : [Required(desk, Id(parsed))])));
        var list = Shows(command, context, ("list", "List assessments, by allele and condition."), [_of, _state, _all], (parsed, address) => context.Engine.Assessments(address, desk => List(parsed, desk)));
        _asOf.AddTo(list);
        Sub(command, context, ("import", "Take in what other laboratories say, all of a file or nothing."), [_file], (parsed, address) =>
        {
            var statements = Statements(parsed.GetRequiredValue(_file), context);
            context.BeginChange(address, parsed);
            return context.Engine.Assessments(address, desk => AssessmentReports.Of(desk.Import(statements)));
        });
        Export(command, context);
        Shows(command, context, ("discordance", "List alleles of which laboratories, or ClinVar, say what differs in care, the worst first."), [_with], (parsed, address) => context.Engine.Assessments(address, desk => Discordance(parsed, context, desk)));
        var suggest = Shows(command, context, ("suggest", "Suggest BA1, BS1 or PM2 from the store's own figures, and show them."), [_variant], (parsed, address) => context.Engine.Suggest(address, parsed.GetRequiredValue(_variant), _samples.Read(parsed, context), context.Cancellation));
        _samples.AddTo(suggest);
        Settings(command, context);
    }

    private void Settings(Command command, CliContext context) => Sub(command, context, ("settings", "Show the laboratory's name and thresholds, or change some."), [_laboratory, _ba1, _bs1, _pm2, _least], (parsed, address) =>
    {
        var isChange = parsed.GetValue(_laboratory) is not null || parsed.GetValue(_ba1) is not null || parsed.GetValue(_bs1) is not null || parsed.GetValue(_pm2) is not null || parsed.GetValue(_least) is not null;
        if (isChange) context.BeginChange(address, parsed);
        else context.Begin(address, parsed);
        return context.Engine.Assessments(address, desk =>
        {
            var now = desk.Settings;
            if (isChange)
            {
                desk.Set(new AssessmentSettings
                {
                    Laboratory = parsed.GetValue(_laboratory) ?? now.Laboratory, Ba1 = parsed.GetValue(_ba1) ?? now.Ba1, Bs1 = parsed.GetValue(_bs1) ?? now.Bs1, Pm2 = parsed.GetValue(_pm2) ?? now.Pm2, LeastAlleles = parsed.GetValue(_least) ?? now.LeastAlleles,
                });
            }
            return AssessmentReports.Of(desk.Settings);
        });
    });

    private Assessment Draft(ParseResult parsed, IAssessments desk, CliContext context)
    {
        var allele = desk.Alleles([parsed.GetRequiredValue(_variant)])[0];
        if (parsed.GetValue(_edit) is not { } id) return desk.Begin(_content.Read(parsed, context, allele, null), null);
        var before = Required(desk, id);
        return desk.Edit(id, parsed.GetValue(_version) ?? before.Version, _content.Read(parsed, context, allele, before.Content) with { Allele = allele });
    }

    private Report List(ParseResult parsed, IAssessments desk)
    {
        var (allele, asOf, all) = (parsed.GetValue(_of) is { } spelling ? desk.Alleles([spelling])[0] : null, _asOf.Read(parsed) is { } typed ? Snapshot(typed) : null, parsed.GetValue(_all));
        AssessmentState? state = parsed.GetValue(_state) is { } word ? Words.Parse<AssessmentState>(word) : all ? null : AssessmentState.Signed;
        var (own, others) = desk.List(asOf, allele, all);
        return AssessmentReports.Of([.. own.Where(a => state is null || a.State == state)], [.. others.Where(o => state is null || o.State == state)], desk.Settings.Laboratory);
    }

    private Report Discordance(ParseResult parsed, CliContext context, IAssessments desk)
    {
        var statements = new List<(string Variant, string Source, string? Condition, Tier Class)>();
        if (parsed.GetValue(_with) is { } file)
        {
            foreach (var (number, line) in Options.Lines.Numbered(file, context))
            {
                if (line[0] == '#') continue;
                var cells = line.Split('\t');
                if (cells.Length is < 3 or > 4) throw new InputException("assess-columns", "a line has variant, class, source and perhaps condition, with tabs between", new InputPlace(file, number, 0, ""));
                statements.Add((cells[0], cells[2], cells.Length > 3 && cells[3].Length > 0 ? cells[3] : null, Words.Parse<Tier>(cells[1])));
            }
        }
        var alleles = statements.Count == 0 ? [] : desk.Alleles([.. statements.Select(s => s.Variant)]);
        return AssessmentReports.Of(desk.Discordance([.. statements.Select((s, i) => new ClassStatement(s.Source, alleles[i], s.Condition, s.Class))]));
    }

    private void Export(Command command, CliContext context)
    {
        var export = new Command("export", "Write the signed assessments, or all of them and those of others, for other programs.");
        Store.AddReadingTo(export, AsksServer);
        foreach (var option in (Option[])[_as, _all, _path]) export.Options.Add(option);
        export.SetAction(parsed =>
        {
            var address = Store.Read(parsed, context);
            context.Begin(address, parsed);
            return (int)context.Engine.Assessments(address, desk => Export(parsed, context, desk));
        });
        command.Subcommands.Add(export);
    }

    private ExitCode Export(ParseResult parsed, CliContext context, IAssessments desk)
    {
        var (all, form, count) = (parsed.GetValue(_all), parsed.GetRequiredValue(_as), 0L);
        Action<Stream> write = form switch
        {
            "jsonl" or "vcf" => stream => count = desk.Export(form == "vcf", all, stream),
            "clinvar" => stream => count = WriteClinVar(stream, desk.List(null, null, all), all),
            _ => throw new InputException("assess-form", "an export is jsonl, clinvar or vcf", InputPlace.None),
        };
        if (parsed.GetValue(_path) is { } path and not "-")
        {
            using var file = OutputFile.Open(path);
            write(context.Guard(file.Stream));
            file.Complete();
        }
        else
        {
            using var output = context.OpenAnswer();
            write(output);
        }
        return count == 0 ? ExitCode.NothingMatched : ExitCode.Done;
    }

    /// <summary>Cells that a spreadsheet would run as a formula get a leading <c>'</c>, as in every table.</summary>
    private static long WriteClinVar(Stream stream, (IReadOnlyList<Assessment> Own, IReadOnlyList<OtherAssessment> Others) of, bool all)
    {
        var signed = of.Own.Where(a => a.State == AssessmentState.Signed).ToList();
        var columns = AssessmentTables.ClinVarColumns.Select(name => new Column(name, ColumnKind.FreeText)).ToArray();
        using var writer = new TsvWriter(columns, stream);
        new Report(columns).With(signed.Select(s => AssessmentTables.ClinVarRow(s).ToArray<object?>())).WriteTo(writer);
        writer.Complete();
        return all ? of.Own.Count + of.Others.Count : signed.Count;
    }

    private static List<OtherAssessment> Statements(string path, CliContext context)
    {
        var statements = new List<OtherAssessment>();
        foreach (var (number, line) in Options.Lines.Numbered(path, context))
        {
            try
            {
                statements.Add(OtherAssessment.Parse(Encoding.UTF8.GetBytes(line)));
            }
            catch (InputException bad)
            {
                throw new InputException(bad.Code, bad.Expected, new InputPlace(path, number, 0, ""));
            }
        }
        return statements;
    }

    private long Id(ParseResult parsed) => parsed.GetRequiredValue(_id);

    private int Seen(ParseResult parsed, IAssessments desk) => parsed.GetValue(_version) ?? Required(desk, Id(parsed)).Version;

    private static Assessment Required(IAssessments desk, long id) => desk.Get(id) ?? throw new InputException("assess-unknown", string.Create(CultureInfo.InvariantCulture, $"there is no assessment {id}"), InputPlace.None);

    private static long? Snapshot(string typed) => long.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new InputException("snapshot", "a snapshot is the number that warehouse snapshots shows", InputPlace.None);

    private Command Changes(Command command, CliContext context, (string Name, string Summary) sub, Symbol[] symbols, Func<ParseResult, IAssessments, Assessment> change) => Sub(command, context, sub, symbols, (parsed, address) =>
    {
        context.BeginChange(address, parsed);
        return context.Engine.ChangeAssessment(address, desk => change(parsed, desk));
    });
}
