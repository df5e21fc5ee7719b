using System.CommandLine;
using System.Text;
using Warehouse.Cli;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Server.Configuration;
using Warehouse.Server.Tests.Services;
using Xunit;
using CliRun = Warehouse.Tests.Cli.Cli;

namespace Warehouse.Server.Tests.Clients;

/// <summary>
/// Every verb that takes <c>--server</c>, by the table of verbs: who may see everything is printed the bytes, exit code and words that the same line prints of the store
/// itself, in every form of its output; and around damage too. A verb or a form without a line here fails.
/// </summary>
public sealed class ServedVerbTests
{
    /// <summary>What each verb that reads is asked. The first line is asked in every form; each further one in one of them.</summary>
    private static readonly Dictionary<string, string[]> Lines = new(StringComparer.Ordinal)
    {
        ["seen"] = ["QUERIES 22-1-A-C nonsense GENE1 --annotate clinvar", "ALLELE 21-9000001-A-C --cohort cases --assessments", "--vcf ASKED.vcf -o OUT.vcf --annotate clinvar.CLNSIG", "MANY", "ALLELE --samples-file NAMES"],
        ["freq"] = ["--symbolic", "--by ancestry --adj --cohort controls --min-ac 1", "--variants LIST --samples-file NAMES --per sample --annotate clinvar", "--region 22:1-3,000 --as-of 2", "--variants LIST --by ancestry", "--annotate clinvar.CLNSIG"],
        ["carriers"] = ["ALLELE 21-9000001-A-C 22-1-A-C nonsense", "ALLELE GENE1 --annotate clinvar --assessments"],
        ["case-control"] = ["--cases cases --controls controls"],
        ["cohort show"] = ["cases"],
        ["cohorts"] = [""],
        ["export"] = ["--cohort cases -o OUT", "--region 22 --annotate clinvar -o OUT", "--format vcf -o OUT.vcf.gz", "--format vcf --as-of 2 --samples-file NAMES -o -"],
        ["annotations list"] = [""],
        ["verify"] = [""],
        ["info"] = [""],
        ["snapshots"] = [""],
        ["audit search"] = ["--who DIRECTOR", "--who DIRECTOR --verb warehouse.v1.ClinVar/Accept", "--sample NOBODY"],
        ["audit prove"] = ["0", "1 --since WITNESS"],
        ["audit review"] = ["--working-hours 00:00-23:59"],
        ["access list"] = ["--all", ""],
        ["access review"] = [""],
        ["access settings"] = [""],
        ["access explain"] = ["group:nobody --purpose treatment --detail record", "role:analyst --purpose research --detail aggregate"],
        ["assess show"] = ["ASSESSMENT --history", "ASSESSMENT"],
        ["assess list"] = ["--all", "", "--variant ALLELE --all"],
        ["assess export"] = ["--all", "--as jsonl -o OUT"],
        ["assess discordance"] = [""],
        ["assess suggest"] = ["ALLELE", "21-9000001-A-C --cohort cases"],
        ["assess settings"] = [""],
        ["care show"] = [""],
        ["watch list"] = [""],
        ["clinvar releases"] = [""],
        ["clinvar compare"] = [$"{AlertHouse.January} {AlertHouse.February} --all"],
        ["clinvar preview"] = ["2024-03-03"],
        ["clinvar history"] = ["ALLELE"],
        ["clinvar grades"] = [""],
        ["alerts list"] = ["--everybody --closed"],
        ["alerts status"] = [""],
        ["alerts settings"] = [""],
        ["linkage show"] = ["--samples-file NAMES"],
    };

    /// <summary>Verbs that change something, or are of one person, and where the two ways of each are held against each other; else why they are not.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new(StringComparer.Ordinal)
    {
        ["annotations load"] = nameof(ReleaseUploadTests.Loads_and_refusals_print_what_they_print_of_a_store_that_lies_here),
        ["annotations drop"] = Changed,
        ["clinvar load"] = nameof(ReleaseUploadTests.Loads_and_refusals_print_what_they_print_of_a_store_that_lies_here),
        ["clinvar accept"] = Changed,
        ["care import"] = Changed,
        ["watch add"] = Changed,
        ["watch remove"] = Changed,
        ["audit verify"] = "of the log's own folder alone: with --server it says what to do in its place",
        ["audit checkpoint"] = Grows,
        ["audit export"] = Grows,
        ["access grant"] = Policy, ["access approve"] = Policy, ["access revoke"] = Policy, ["access attest"] = Policy, ["access assign"] = Policy, ["access unassign"] = Policy, ["access project"] = Policy, ["access elevate"] = Policy, ["access epoch"] = Policy, ["access break-glass"] = Policy,
        ["assess draft"] = Assessed, ["assess review"] = Assessed, ["assess sign"] = Assessed, ["assess supersede"] = Assessed, ["assess retire"] = Assessed, ["assess import"] = Assessed,
        ["alerts follow"] = "of a server alone",
        ["alerts show"] = Own, ["alerts ack"] = Own, ["alerts delegate"] = Own, ["alerts snooze"] = Own, ["alerts escalate"] = Own,
        ["alerts run"] = "a server sends by the ways of its configuration: AlertsServiceTests",
        ["login"] = "of a server alone", ["logout"] = "of a server alone",
    };

    private const string Policy = nameof(AccessCommandTests.A_policy_is_changed_by_several_people_at_a_server_as_by_the_owner_of_a_store);
    private const string Assessed = nameof(AssessmentCommandTests.The_path_of_an_assessment_is_the_same_by_two_people_at_a_server_and_every_line_prints_what_it_prints_of_the_store_itself);
    private const string Grows = nameof(AccessCommandTests.An_auditor_reads_the_log_of_a_server_alone) + ": what is read of the log has the command's own entry at its end";
    private const string Own = nameof(ClinicReadmeTests.From_the_arrival_of_a_release_to_the_amended_report) + ": alerts of whoever asks, who here is the owner";
    private const string Changed = nameof(Every_verb_that_takes_a_server_prints_what_it_prints_of_the_store_itself);

    /// <summary>Changes of which the same line is run on a copy of the store and at the server.</summary>
    private static readonly string[] Changes =
    [
        "care import CARE", "watch add more --variants LIST --on class --least major", "watch add more --cohort cases", "watch remove more", "alerts settings --critical-hours 2 --messages-an-hour 7", "clinvar accept 2024-03-03", "clinvar accept 2024-03-03",
        "clinvar grades --set GRADES", "assess settings --least-alleles 4", "annotations drop clinvar@1",
    ];

    /// <summary>Lines that are refused, and the rule: the exit code is the same. A store that lies here quotes what is wrong with them, a server names the rule alone.</summary>
    private static readonly (string Line, string Rule)[] Refused =
    [
        ("watch remove none", "watch-unknown"), ("clinvar accept 2024-09-09", "clinvar-unknown"), ("annotations drop clinvar@9", "annotation-release"), ("freq --variants WRONG", "variant-ref"), ("freq --as-of 99", "unknown-snapshot"), ("seen ALLELE --cohort none", "unknown-cohort"),
        ("export --format vcf --region nowhere -o -", "unknown-contig"), ("seen ALLELE --annotate none", "annotation-source"), ("clinvar compare 2020-01-01 2020-02-01", "clinvar-unknown"), ("clinvar history nonsense", "clinvar-variant"), ("assess suggest nonsense", "assess-variant"),
    ];

    /// <summary>Lines of which damage is the end: here its words name the file, whoever asks a server is given the incident of its log. The exit code and what is printed are the same.</summary>
    private static readonly string[] EndInDamage = ["assess suggest", "clinvar preview"];

    /// <summary>Around damage a server says of itself what nobody says of a store that lies here: that its own rounds of alerts fail.</summary>
    private const string OfRounds = "alerts status";

    [Fact]
    public void Each_verb_that_takes_a_server_is_compared_in_each_of_its_forms()
    {
        Assert.Equal(Lines.Keys.Concat(Elsewhere.Keys).Order(StringComparer.Ordinal), Leaves().Keys.Order(StringComparer.Ordinal));
        Assert.Equal(Elsewhere.Where(e => e.Value == Changed).Select(e => e.Key).Order(StringComparer.Ordinal), Changes.Select(VerbOf).Where(v => !Lines.ContainsKey(v)).Distinct().Order(StringComparer.Ordinal));
        // What a form is, the option says; this is what it said when the lines were written.
        var forms = Lines.Keys.ToLookup(v => string.Join(' ', FormsOf(Leaves()[v]).Select(f => f.Length == 0 ? "-" : f[^1])), StringComparer.Ordinal);
        Assert.Equal(["arrow", "clinvar", "jsonl", "table", "tsv"], forms.SelectMany(f => f.Key.Split(' ')).Where(f => f is "arrow" or "clinvar" or "jsonl" or "table" or "tsv").Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(["export"], forms["vcf bcf arrow tsv"]);
        Assert.Equal(["assess export"], forms["jsonl clinvar vcf"]);
        Assert.Equal(Lines.Count - 2, forms["table tsv json arrow"].Count());
    }

    [Fact]
    public async Task Every_verb_that_takes_a_server_prints_what_it_prints_of_the_store_itself()
    {
        await using var lab = await Lab.StartAsync();
        var (wrong, asked) = (new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        AskAll(lab, asked, wrong);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        // Each form of each verb that reads was asked.
        Assert.Equal(Lines.Keys.SelectMany(v => FormsOf(Leaves()[v]).Select(f => $"{v} {string.Join(' ', f)}")).Order(StringComparer.Ordinal), asked.Order(StringComparer.Ordinal));

        lab.Copy();
        foreach (var change in Changes)
        {
            var (verb, rest) = (VerbOf(change), lab.Words(change[VerbOf(change).Length..]));
            Hold($"{change} (a change)", ServedCommands.Run([.. verb.Split(' '), lab.Served["copy"], .. rest]), lab.Remote(verb, rest), wrong);
        }
        foreach (var (line, rule) in Refused)
        {
            var (verb, rest) = (VerbOf(line), lab.Words(line[VerbOf(line).Length..]));
            var (local, remote) = (ServedCommands.Local(lab.Served, verb, rest), lab.Remote(verb, rest));
            if ((local.Exit, remote.Exit) is not (ExitCode.BadInput, ExitCode.BadInput) || !remote.Error.Contains($"({rule})", StringComparison.Ordinal) || local.Error.Length == 0 || local.Bytes.Length + remote.Bytes.Length > 0) wrong.Add($"{line}: {local.Exit} {local.Output}{local.Error}\n{remote.Exit} {remote.Output}{remote.Error}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        // Around damage: the same rows, what is left out among them, and exit code 3.
        await lab.DamageAsync();
        AskAll(lab, [], wrong, but: OfRounds);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        foreach (var (verb, says) in ((string, string)[])[("freq", "<UNAVAILABLE:"), ("freq --variants LIST", "\t"), ("seen ALLELE 21-9000001-A-C", "not assessable"), ("export --format vcf -o -", "##warehouse_unavailable"), ("verify", "damaged")])
        {
            var run = lab.Remote(verb.Split(' ')[0], lab.Words(verb[verb.Split(' ')[0].Length..]));
            Assert.True(run.Exit == ExitCode.DamagedStore && run.Output.Contains(says, StringComparison.Ordinal) && (run.Output.Contains("9000001", StringComparison.Ordinal) || verb == "verify"), $"{verb}: {run.Exit} {run.Output}{run.Error}");
        }
    }

    private static void AskAll(Lab lab, HashSet<string> asked, List<string> wrong, string but = "")
    {
        var turn = 0;
        foreach (var (verb, command) in Leaves().Where(l => Lines.ContainsKey(l.Key) && l.Key != but))
        {
            var forms = FormsOf(command);
            foreach (var (line, index) in Lines[verb].Select((l, i) => (l, i)))
            {
                var hasForm = line.Contains("--format", StringComparison.Ordinal) || line.Contains("--as ", StringComparison.Ordinal) || line.Contains("--vcf", StringComparison.Ordinal);
                foreach (var form in hasForm ? [[]] : index == 0 ? forms : [forms[turn++ % forms.Length]])
                {
                    if (index == 0) asked.Add($"{verb} {string.Join(' ', form)}");
                    Compare(lab, verb, $"{line} {string.Join(' ', form)}", wrong);
                }
            }
            // Into a file as well, where that is a choice.
            if (command.Options.FirstOrDefault(o => o.Name == "-o") is { Required: false }) Compare(lab, verb, $"{Lines[verb][0]} -o OUT {string.Join(' ', forms[^1])}", wrong);
        }
    }

    private static void Compare(Lab lab, string verb, string line, List<string> wrong)
    {
        var words = lab.Words(line);
        string[] To(string file) => [.. words.Select(w => w.StartsWith("OUT", StringComparison.Ordinal) ? lab.Served[file + w] : w)];
        (ExitCode Exit, string Output, byte[] Bytes, string Error) Whole((ExitCode Exit, string Output, byte[] Bytes, string Error) run, string file)
        {
            var written = words.FirstOrDefault(w => w.StartsWith("OUT", StringComparison.Ordinal)) is { } name && File.Exists(lab.Served[file + name]) ? lab.Served[file + name] : null;
            if (written is null) return run;
            run.Bytes = [.. run.Bytes, .. File.ReadAllBytes(written)];
            File.Delete(written);
            return run;
        }
        var (local, remote) = (Whole(ServedCommands.Local(lab.Served, verb, To("here")), "here"), Whole(lab.Remote(verb, To("there")), "there"));
        if (verb == "seen") (local.Bytes, remote.Bytes) = (ServedCommands.WithoutScope(local.Bytes), ServedCommands.WithoutScope(remote.Bytes));
        if (local.Exit == ExitCode.DamagedStore && EndInDamage.Contains(verb) && remote.Error.Contains("damaged", StringComparison.Ordinal)) local.Error = remote.Error;
        Hold($"{verb} {line}", local, remote, wrong);
    }

    private static void Hold(string line, (ExitCode Exit, string Output, byte[] Bytes, string Error) local, (ExitCode Exit, string Output, byte[] Bytes, string Error) remote, List<string> wrong)
    {
        if (local.Exit != remote.Exit) wrong.Add($"{line}: exit {local.Exit}, with a server {remote.Exit}: {local.Error}\n{remote.Error}");
        else if (local.Bytes.Length + local.Error.Length == 0) wrong.Add($"{line}: says nothing");
        else if (!local.Bytes.AsSpan().SequenceEqual(remote.Bytes)) wrong.Add($"{line}: other bytes\n{ServedCommands.Start(local.Bytes, remote.Bytes)}");
        else if (local.Error != remote.Error) wrong.Add($"{line}: says\n{local.Error}\nand\n{remote.Error}");
    }

    /// <summary>Every verb, and sub-verb, whose line may name a server: as typed, and as the parser has it.</summary>
    private static Dictionary<string, Command> Leaves()
    {
        var leaves = new Dictionary<string, Command>(StringComparer.Ordinal);
        foreach (var entry in VerbTable.All) Add(entry.Create().Build(entry, new CliRun().Context, asksServer: true), "");
        return leaves;

        void Add(Command command, string above)
        {
            foreach (var sub in command.Subcommands) Add(sub, above + command.Name + " ");
            if (command.Subcommands.Count == 0 && command.Options.Any(o => o.Name == "--server")) leaves.Add(above + command.Name, command);
        }
    }

    /// <summary>The forms of a verb's output, as words of its line.</summary>
    private static string[][] FormsOf(Command command) =>
        command.Options.FirstOrDefault(o => o.Name is "--format" or "--as") is { HelpName: { } words } option ? [.. words.Split('|').Select(w => (string[])[option.Name, w])] : [[]];

    private static string VerbOf(string line) => string.Join(' ', line.Split(' ').Take(VerbTable.All.Single(v => v.Name == line.Split(' ')[0]).Create().Build(VerbTable.All.Single(v => v.Name == line.Split(' ')[0]), new CliRun().Context, true).Subcommands.Count > 0 ? 2 : 1));

    /// <summary>A store with something of everything that a verb shows, served, and people who may see all of it.</summary>
    private sealed class Lab : IAsyncDisposable
    {
        private readonly AlertHouse _house;
        private readonly Dictionary<string, string> _words = new(StringComparer.Ordinal);
        private string _reader = "", _auditor = "", _segment = "";

        private Lab(AlertHouse house) => _house = house;

        public ServedStore Served => _house.Served;

        public static async Task<Lab> StartAsync()
        {
            var lab = new Lab(await AlertHouse.StartAsync(configure: _ => new ServerConfiguration { Limits = new() { Person = ServedStore.Fast } }, samples: 24, variants: 300));
            await lab._house.BeginAsync("Uncertain_significance", AlertHouse.Care(lab._house.Carrier.Person, "cert:nobody"));
            lab._house.Load(AlertHouse.February, "Pathogenic");
            await lab._house.Connect("director").AcceptReleaseAsync(AlertHouse.February);
            lab._house.Settle();
            lab._house.Load("2024-03-03", "Benign");
            lab.Fill();
            lab._house.Settle(); // nothing is due any more, so that no event comes but those that are made here
            return lab;
        }

        /// <summary>Words of a line: names in capitals stand for what the store has.</summary>
        public string[] Words(string line) => [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(w => _words.TryGetValue(w, out var stands) ? stands.Split('\n') : [w])];

        public (ExitCode Exit, string Output, byte[] Bytes, string Error) Remote(string verb, params string[] rest) => ServedCommands.Remote(Served, verb.StartsWith("audit", StringComparison.Ordinal) ? _auditor : _reader, verb, rest);

        /// <summary>Damages it, once all is done that was due after changes; the server starts anew, since it keeps what it has read.</summary>
        public async Task DamageAsync()
        {
            _house.Settle();
            await Served.Server.DisposeAsync();
            AnswerContextTests.Damage(_segment);
            await Served.ServeAsync(change: (_, options) => options with { Configuration = new() { Limits = new() { Person = ServedStore.Fast } } });
            await Served.Server.Rounds.DisposeAsync();
        }

        /// <summary>The store once more, with its keys and its log.</summary>
        public void Copy()
        {
            foreach (var part in (string[])["", ".keys", ".audit"]) ReleaseUploadTests.Copy(Served.StorePath + part, Served["copy"] + part);
        }

        public ValueTask DisposeAsync() => _house.DisposeAsync();

        private void Fill()
        {
            _segment = AnswerContextTests.SegmentOf(Served);
            File.WriteAllText(Served["more.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=21>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tmore\n21\t9000001\t.\tA\tC\t.\tPASS\t.\tGT\t0/1\n");
            Served.Owner((store, _) => store.Ingest(new IngestRequest { Files = [Served["more.vcf"]] }));
            Served.Owner((store, _) => store.SetCohort("cases", null, "affected == 'yes'"));
            Served.Owner((store, _) => store.SetCohort("controls", null, "affected == 'no'"));
            _reader = Person("reader", [Role.Analyst, Role.LabDirector, Role.Reviewer, Role.Clinician], Detail.Record, Detail.Linkage);
            _auditor = Person("auditor", [Role.Auditor]);
            var variants = ServedCommands.Local(Served, "freq").Output.Split('\n')[1..].Where(l => l.Length > 0).Select(l => l.Split('\t')).Select(c => $"{c[0]}-{c[1]}-{c[2]}-{c[3]}").ToList();
            (_words["ALLELE"], _words["QUERIES"], _words["NOBODY"]) = (_house.Allele, string.Join('\n', variants.Take(45)), "nobody of this name");
            _words["MANY"] = string.Join('\n', Enumerable.Range(0, 1100).Select(i => variants[i * 7 % variants.Count])); // more than fit into one message
            _words["DIRECTOR"] = Served.Entries().First(e => e.Verb == "warehouse.v1.ClinVar/Accept").Who;
            Text("LIST", string.Join('\n', [.. variants.Take(40), "22-1-G-C", "21-9000001-A-C"]));
            Text("WRONG", "22-1-A-C\n");
            Text("NAMES", "S000001\nS000002\nS000005\n");
            Text("CARE", $"person\tresponsible\tdeputies\n{_house.Carrier.Person}\tcert:somebody\tcert:another,cert:third\nnobody\tcert:somebody\t\n");
            Text("GRADES", Warehouse.Clinic.ClinVar.GradeTable.Default.Text);
            var vcf = new StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=22>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
            foreach (var at in variants.Where(v => v.StartsWith("22-", StringComparison.Ordinal)).Take(40).Select(v => v.Split('-'))) vcf.Append($"{at[0]}\t{at[1]}\t.\t{at[2]}\t{at[3]}\t.\t.\t.\n");
            Text("ASKED.vcf", vcf.ToString());
            Text("vault", $"person\tname\tmrn\n{_house.Carrier.Person}\tJane Roe\t1\n");
            Must("linkage import", _words["vault"]);
            Must("assess draft", _house.Allele, "--condition", "MONDO:0000001", "--condition-name", "a disease", "--criterion", "PVS1", "PM2=supporting:rare here", "--inheritance", "autosomal-dominant", "--reference", "PMID:25741868");
            Must("assess draft", variants[5], "--condition", "MONDO:0000002", "--class", "uncertain-high");
            var id = Must("assess list", "--all", "--variant", _house.Allele, "--format", "tsv").Split('\n')[1].Split('\t')[1];
            _words["ASSESSMENT"] = id;
            Must("assess review", id);
            Must("assess sign", id, "--version-seen", "2", "--reason", "read");
            Must("audit checkpoint", "-o", Served["WITNESS"]);
            _words["WITNESS"] = Served["WITNESS"];
        }

        private void Text(string name, string text)
        {
            File.WriteAllText(Served[name], text);
            _words[name] = Served[name];
        }

        private string Must(string verb, params string[] rest)
        {
            var (exit, output, _, error) = ServedCommands.Local(Served, verb, rest);
            Assert.True(exit == ExitCode.Done, $"{verb}: {exit} {error}");
            return output;
        }

        private string Person(string name, Role[] roles, params Detail[] details)
        {
            var (pem, issued) = Served.Server.Identity.Issue(name, 1, roles: roles, hasSecondFactor: true);
            if (details.Length > 0) Served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, details);
            File.WriteAllText(Served[name + ".pem"], pem);
            return Served[name + ".pem"];
        }
    }
}
