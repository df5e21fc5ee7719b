using System.CommandLine;
using System.Globalization;
using System.Text;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;

namespace Warehouse.Cli.Verbs;

/// <summary><c>assess</c> and its sub-verbs: what the laboratory says of alleles. Whoever runs them is the store's owner, and is named.</summary>
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
    protected override void Declare(Command command, CliContext context)
    {
        var draft = Changes(command, context, ("draft", "Begin an assessment of an allele in a condition, or change one that is being written."), [_variant, _edit, _version], Draft);
        _content.AddTo(draft);
        Changes(command, context, ("review", "Hand a draft in: it waits for a signature by somebody else. Or send it back."), [_id, _version, _back, _why], (parsed, desk, _) =>
            parsed.GetValue(_back) ? desk.Return(Engine.Owner, Id(parsed), Seen(parsed, desk), parsed.GetValue(_why) ?? "") : desk.Submit(Engine.Owner, Id(parsed), Seen(parsed, desk)));
        Changes(command, context, ("sign", "Sign: from now on it is what the laboratory says. Author and signer are two people."), [_id, _needed, _meaning, _reason], (parsed, desk, _) =>
            desk.Sign(Engine.Owner, Id(parsed), parsed.GetValue(_needed), Words.Parse<SignatureMeaning>(parsed.GetRequiredValue(_meaning)), parsed.GetRequiredValue(_reason)));
        var supersede = Changes(command, context, ("supersede", "Begin an assessment that takes the place of a signed one, with what the options change of it; the old one holds until it is signed."), [_id], (parsed, desk, _) =>
        {
            var old = Required(desk, Id(parsed));
            return desk.Begin(Engine.Owner, _content.Read(parsed, context, old.Content.Allele, old.Content), old.Id);
        });
        _content.AddTo(supersede);
        Changes(command, context, ("retire", "Take a signed assessment back, or give up one that is not signed."), [_id, _version, _reason], (parsed, desk, _) => desk.Retire(Engine.Owner, Id(parsed), Seen(parsed, desk), parsed.GetRequiredValue(_reason)));
        Shows(command, context, ("show", "Show an assessment: what it says, who wrote it, who signed it."), [_id, _history], (parsed, address) => context.Engine.Assessments(address, (desk, _) =>
            AssessmentReports.InFull(parsed.GetValue(_history) ? desk.History(Engine.Owner, Required(desk, Id(parsed)).Id) : [Required(desk, Id(parsed))])));
        var list = Shows(command, context, ("list", "List assessments, by allele and condition."), [_of, _state, _all], (parsed, address) => context.Engine.Assessments(address, (desk, store) => List(parsed, context, desk, store)));
        _asOf.AddTo(list);
        Sub(command, context, ("import", "Take in what other laboratories say, all of a file or nothing."), [_file], (parsed, address) =>
        {
            var statements = Statements(parsed.GetRequiredValue(_file), context);
            context.BeginChange(address, parsed);
            return context.Engine.Assessments(address, (desk, _) => AssessmentReports.Of(desk.Import(Engine.Owner, statements)));
        });
        Export(command, context);
        Shows(command, context, ("discordance", "List alleles of which laboratories, or ClinVar, say what differs in care, the worst first."), [_with], (parsed, address) => context.Engine.Assessments(address, (desk, store) => Discordance(parsed, context, desk, store)));
        var suggest = Shows(command, context, ("suggest", "Suggest BA1, BS1 or PM2 from the store's own figures, and show them."), [_variant], (parsed, address) => context.Engine.Suggest(address, parsed.GetRequiredValue(_variant), _samples.Read(parsed, context), context.Cancellation));
        _samples.AddTo(suggest);
        Settings(command, context);
    }

    private void Settings(Command command, CliContext context) => Sub(command, context, ("settings", "Show the laboratory's name and thresholds, or change some."), [_laboratory, _ba1, _bs1, _pm2, _least], (parsed, address) =>
    {
        var isChange = parsed.GetValue(_laboratory) is not null || parsed.GetValue(_ba1) is not null || parsed.GetValue(_bs1) is not null || parsed.GetValue(_pm2) is not null || parsed.GetValue(_least) is not null;
        if (isChange) context.BeginChange(address, parsed);
        else context.Begin(address, parsed);
        return context.Engine.Assessments(address, (desk, _) =>
        {
            var now = desk.Settings;
            if (isChange)
            {
                desk.Set(Engine.Owner, new AssessmentSettings
                {
                    Laboratory = parsed.GetValue(_laboratory) ?? now.Laboratory, Ba1 = parsed.GetValue(_ba1) ?? now.Ba1, Bs1 = parsed.GetValue(_bs1) ?? now.Bs1, Pm2 = parsed.GetValue(_pm2) ?? now.Pm2, LeastAlleles = parsed.GetValue(_least) ?? now.LeastAlleles,
                });
            }
            return AssessmentReports.Of(desk.Settings);
        });
    });

    private Assessment Draft(ParseResult parsed, AssessmentDesk desk, (VariantStore Store, CliContext Context) at)
    {
        var allele = at.Context.Engine.Allele(at.Store, parsed.GetRequiredValue(_variant));
        if (parsed.GetValue(_edit) is not { } id) return desk.Begin(Engine.Owner, _content.Read(parsed, at.Context, allele, null));
        var before = Required(desk, id);
        return desk.Edit(Engine.Owner, id, parsed.GetValue(_version) ?? before.Version, _content.Read(parsed, at.Context, allele, before.Content) with { Allele = allele });
    }

    private Report List(ParseResult parsed, CliContext context, AssessmentDesk desk, VariantStore store)
    {
        var (allele, asOf, all) = (parsed.GetValue(_of) is { } spelling ? context.Engine.Allele(store, spelling) : null, _asOf.Read(parsed) is { } typed ? Snapshot(typed) : null, parsed.GetValue(_all));
        if (asOf > store.Version) throw new InputException("unknown-snapshot", string.Create(CultureInfo.InvariantCulture, $"there is no snapshot {asOf}; the newest is {store.Version}"), InputPlace.None);
        AssessmentState? state = parsed.GetValue(_state) is { } word ? Words.Parse<AssessmentState>(word) : all ? null : AssessmentState.Signed;
        var own = desk.List(Engine.Owner, asOf, allele).Where(a => state is null || a.State == state).ToList();
        var others = all ? desk.Others(Engine.Owner, asOf, allele).Where(o => state is null || o.State == state).ToList() : [];
        return AssessmentReports.Of(own, others, desk.Settings.Laboratory);
    }

    private Report Discordance(ParseResult parsed, CliContext context, AssessmentDesk desk, VariantStore store)
    {
        var statements = DiscordantPair.StatementsOf(desk.List(Engine.Owner), desk.Others(Engine.Owner), desk.Settings.Laboratory).ToList();
        if (parsed.GetValue(_with) is { } file)
        {
            foreach (var (number, line) in Options.Lines.Numbered(file, context))
            {
                if (line[0] == '#') continue;
                var cells = line.Split('\t');
                if (cells.Length is < 3 or > 4) throw new InputException("assess-columns", "a line has variant, class, source and perhaps condition, with tabs between", new InputPlace(file, number, 0, ""));
                statements.Add(new ClassStatement(cells[2], context.Engine.Allele(store, cells[0]), cells.Length > 3 && cells[3].Length > 0 ? cells[3] : null, Words.Parse<Tier>(cells[1])));
            }
        }
        return AssessmentReports.Of(DiscordantPair.Find(statements));
    }

    private void Export(Command command, CliContext context)
    {
        var export = new Command("export", "Write the signed assessments, or all of them and those of others, for other programs.");
        Store.AddTo(export);
        foreach (var option in (Option[])[_as, _all, _path]) export.Options.Add(option);
        export.SetAction(parsed =>
        {
            var address = Store.Read(parsed);
            context.Begin(address, parsed);
            return (int)context.Engine.Assessments(address, (desk, store) => Export(parsed, context, desk, store));
        });
        command.Subcommands.Add(export);
    }

    private ExitCode Export(ParseResult parsed, CliContext context, AssessmentDesk desk, VariantStore store)
    {
        var (all, form) = (parsed.GetValue(_all), parsed.GetRequiredValue(_as));
        var own = desk.List(Engine.Owner).Where(a => all || a.State == AssessmentState.Signed).ToList();
        var signed = own.Where(a => a.State == AssessmentState.Signed).ToList();
        var others = all ? desk.Others(Engine.Owner) : [];
        Action<Stream> write = form switch
        {
            "jsonl" => stream => WriteLines(stream, own.Select(a => OtherAssessment.Of(a, desk.Settings.Laboratory, store.Assembly.Name)).Concat(others).Select(o => o.ToLine())),
            "vcf" => stream => WriteLines(stream, AssessmentTables.VcfLines(signed, store.Assembly.Name).Select(Encoding.ASCII.GetBytes)),
            "clinvar" => stream => WriteClinVar(stream, signed),
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
        return own.Count + others.Count == 0 ? ExitCode.NothingMatched : ExitCode.Done;
    }

    private static void WriteLines(Stream stream, IEnumerable<byte[]> lines)
    {
        using var buffered = new BufferedStream(stream, 1 << 16);
        foreach (var line in lines)
        {
            buffered.Write(line);
            buffered.WriteByte((byte)'\n');
        }
    }

    /// <summary>Cells that a spreadsheet would run as a formula get a leading <c>'</c>, as in every table.</summary>
    private static void WriteClinVar(Stream stream, IEnumerable<Assessment> signed)
    {
        var columns = AssessmentTables.ClinVarColumns.Select(name => new Column(name, ColumnKind.FreeText)).ToArray();
        using var writer = new TsvWriter(columns, stream);
        new Report(columns).With(signed.Select(s => AssessmentTables.ClinVarRow(s).ToArray<object?>())).WriteTo(writer);
        writer.Complete();
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

    private int Seen(ParseResult parsed, AssessmentDesk desk) => parsed.GetValue(_version) ?? Required(desk, Id(parsed)).Version;

    private static Assessment Required(AssessmentDesk desk, long id) => desk.Get(id) ?? throw new InputException("assess-unknown", string.Create(CultureInfo.InvariantCulture, $"there is no assessment {id}"), InputPlace.None);

    private static long? Snapshot(string typed) => long.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new InputException("snapshot", "a snapshot is the number that warehouse snapshots shows", InputPlace.None);

    private Command Changes(Command command, CliContext context, (string Name, string Summary) sub, Symbol[] symbols, Func<ParseResult, AssessmentDesk, (VariantStore Store, CliContext Context), Assessment> change) => Sub(command, context, sub, symbols, (parsed, address) =>
    {
        context.BeginChange(address, parsed);
        return context.Engine.ChangeAssessment(address, (desk, store) => change(parsed, desk, (store, context)));
    });
}
