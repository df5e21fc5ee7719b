using Warehouse.Cli;
using Warehouse.Units;
using Xunit;
using CommandLines = Warehouse.Tests.Cli.Cli;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// I6: every verb of the command line with tokens in all that it takes, ended in four ways: nothing of it in what it leaves beside its answer.
/// Standard output is the answer.
/// </summary>
public sealed class CanaryVerbTests
{
    private const string NoSuch = "no such";

    private static readonly CanaryTokens Tokens = new(20261130);

    [Fact]
    public void Done_leaves_nothing_of_persons_behind()
    {
        using var lab = new Lab();
        lab.Drive(lab.Lines(), code => code is ExitCode.Done or ExitCode.NothingMatched or ExitCode.Incomplete);
        lab.AssertNoLeak();
    }

    [Fact]
    public void Bad_input_leaves_nothing_of_persons_behind()
    {
        using var lab = new Lab();
        lab.Fill();
        // What somebody typed may be told to him: the name of a file, a cohort or a sample that is not there, a spelling that means nothing.
        lab.Run.Allow("standard error", CanaryKind.FileName, "the path as it was typed").Allow("standard error", CanaryKind.CliInput, "the argument as it was typed, of the rule that it breaks");
        lab.Drive(lab.BadLines(), code => code is ExitCode.BadInput or ExitCode.CouldNot or ExitCode.NothingMatched or ExitCode.Incomplete or ExitCode.DamagedStore);
        lab.AssertNoLeak();
    }

    /// <summary>Of every file, so that no store opens; of the largest alone, so that it does.</summary>
    [Theory]
    [InlineData(int.MaxValue, 8)]
    [InlineData(1, 1)]
    public void Damage_leaves_nothing_of_persons_behind(int files, int least)
    {
        using var lab = new Lab();
        lab.Fill();
        lab.Damage(files);
        lab.Drive(lab.Lines(), _ => true);
        Assert.True(lab.Codes.Count(c => c == ExitCode.DamagedStore) >= least, string.Join(' ', lab.Codes));
        lab.AssertNoLeak();
    }

    [Fact]
    public void Cancelled_leaves_nothing_of_persons_behind()
    {
        using var lab = new Lab();
        lab.Fill();
        lab.Cancellation = new CancellationToken(canceled: true);
        lab.Drive(lab.Lines(), _ => true);
        Assert.True(lab.Codes.Count(c => c == ExitCode.Cancelled) > 8, string.Join(' ', lab.Codes));
        lab.AssertNoLeak();
    }

    [Fact]
    public void Every_verb_is_driven()
    {
        using var lab = new Lab();
        // serve becomes another program in place of this one; its calls are driven over the wire. login waits for a person at an identity provider.
        var driven = VerbTable.All.Select(v => v.Name).Where(v => v != "serve").ToList();
        Assert.Equal(driven.Where(v => v != "login").Order(StringComparer.Ordinal), lab.Lines().Select(l => l.Line[0]).Distinct().Order(StringComparer.Ordinal));
        Assert.Empty(driven.Except(lab.BadLines().Select(l => l.Line[0])));
    }

    /// <summary>A store of people who do not exist, and the sinks around it.</summary>
    private sealed class Lab : IDisposable
    {
        private readonly TempFolder _folder = new();
        private readonly MemoryStream _error = new();
        private readonly List<string> _unexpected = [];
        private readonly EventCatcher _events = new();
        private readonly string[] _samples = [.. Enumerable.Range(0, 6).Select(_ => Tokens.Next(CanaryKind.SampleId))];
        private readonly string _cohort = Tokens.Next(CanaryKind.CohortName), _other = Tokens.Next(CanaryKind.CohortName);

        public Lab()
        {
            Directory.CreateDirectory(In);
            Directory.CreateDirectory(Out);
            Directory.CreateDirectory(_folder["lab"]);
            Run = new CanaryRun(Tokens, CanarySink.Of("standard error", _error), CanarySink.OfFiles("store", Store), CanarySink.OfFiles("keys", Store + ".keys"), CanarySink.OfFiles("audit log", Store + ".audit"), CanarySink.OfFiles("linkage vault", Store + ".linkage"),
                CanarySink.OfFiles("outbox", Path.Combine(_folder["lab"], "outbox")), CanarySink.OfFileNames("names of files", _folder["lab"]), CanarySink.OfEvents(_events), CanarySink.OfTemp());
        }

        public CanaryRun Run { get; }

        public List<ExitCode> Codes { get; } = [];

        public CancellationToken Cancellation { get; set; }

        // Input and output of the user, which are no sinks, stand beside the lab.
        private string In => _folder["in"];

        private string Out => _folder["out"];

        private string Store => Path.Combine(_folder["lab"], "store");

        /// <summary>A line of every verb, in an order in which each has something to do.</summary>
        public List<(string[] Line, string Input)> Lines()
        {
            var (vcf, sheet, names, where) = (Vcf(Tokens.Next(CanaryKind.FileName), "0/1"), Sheet(), Write("names", string.Concat(_samples.Where((_, i) => i % 2 == 1).Select(s => s + "\n"))), Write("where", "affected == 'yes'\n"));
            return
            [
                (["init", Store, "--assembly", "GRCh38"], ""),
                (["ingest", Store, vcf, "--samples", sheet], ""),
                (["seen", Store, "-"], "1-100-A-G\n1-7-A-G\n"),
                (["seen", Store, "-", "--json"], Tokens.Next(CanaryKind.CliInput) + "\n"),
                (["seen", Store, "--vcf", vcf, "-o", Path.Combine(Out, "seen.vcf")], ""),
                (["freq", Store, "--by", "note"], ""),
                (["freq", Store, "--samples-file", names, "--format", "tsv"], ""),
                (["carriers", Store, "-"], "1-100-A-G\n"),
                (["cohort", "set", Store, _cohort, "--samples-file", names], ""),
                (["cohort", "set", Store, _other, "--where-file", where], ""),
                (["cohort", "refresh", Store, _other], ""),
                (["cohort", "show", Store, _cohort], ""), (["cohorts", Store], ""),
                (["case-control", Store, "--cases", _cohort, "--controls", _other], ""),
                (["export", Store, "--format", "vcf", "-o", Path.Combine(Out, "all.vcf")], ""),
                (["export", Store, "--format", "tsv", "-o", "-", "--cohort", _cohort], ""),
                (["access", "grant", Store, "role:analyst", "--cohort", _cohort, "--detail", "record", "--purpose", "treatment", "--reason", Tokens.Next(CanaryKind.BundleNote)], ""),
                (["access", "list", Store, "--all"], ""),
                (["access", "review", Store], ""),
                (["access", "settings", Store], ""),
                (["access", "explain", Store, "oidc:https://id.example|" + Tokens.Next(CanaryKind.CliInput), "--purpose", "treatment", "--detail", "record"], ""),
                (["annotations", "load", Store, "panel", Write("panel.vcf", "##fileformat=VCFv4.2\n##INFO=<ID=NOTE,Number=1,Type=String,Description=\"n\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t100\t.\tA\tG\t.\t.\tNOTE=x\n"), "--release", "2024-01-07"], ""),
                (["annotations", "list", Store], ""),
                (["seen", Store, "1-100-A-G", "--annotate", "panel"], ""),
                (["annotations", "drop", Store, "panel"], ""),
                // The numbers of assessments are those of events: they come first.
                (["assess", "draft", Store, "1-100-A-G", "--condition", "MONDO:0000001", "--condition-name", Tokens.Next(CanaryKind.CliInput), "--criterion", "PVS1=strong:" + Tokens.Next(CanaryKind.BundleNote), "--text-file", "-"], Tokens.Next(CanaryKind.PatientName) + "\n"),
                (["assess", "show", Store, "1"], ""),
                (["assess", "list", Store, "--all"], ""),
                (["assess", "suggest", Store, "1-100-A-G"], ""),
                (["care", "import", Store, Write("care", $"person\tresponsible\tdeputies\np0\tlocal:{Environment.UserName}\t\n{Tokens.Next(CanaryKind.PatientName)}\tlocal:{Environment.UserName}\tlocal:deputy\n")], ""),
                (["care", "show", Store], ""),
                (["watch", "add", Store, "everybody"], ""),
                (["watch", "add", Store, "one", "--person-file", Write("person", Tokens.Next(CanaryKind.PatientName) + "\n"), "--least", "major"], ""),
                (["watch", "list", Store], ""),
                (["clinvar", "load", Store, ClinVar("january", "Benign"), "--release", "2024-01-07"], ""),
                (["alerts", "run", Store], ""),
                (["clinvar", "load", Store, ClinVar("february", "Pathogenic"), "--release", "2024-02-04"], ""),
                (["clinvar", "releases", Store], ""),
                (["clinvar", "compare", Store, "2024-01-07", "2024-02-04"], ""),
                (["alerts", "run", Store, "--fhir-tasks", Path.Combine(_folder["lab"], "outbox")], ""),
                (["alerts", "list", Store], ""),
                (["alerts", "status", Store], ""),
                (["linkage", "import", Store, Write("identities", $"person\tname\tmrn\tborn\np0\t{Tokens.Next(CanaryKind.PatientName)}\t{Tokens.Next(CanaryKind.Mrn)}\t{Tokens.Next(CanaryKind.BirthDate)}\n{Tokens.Next(CanaryKind.OrderId)}\tx\ty\tz\n")], ""),
                (["linkage", "show", Store, "--samples-file", names], ""),
                (["linkage", "show", Store, "--persons-file", Write("whom", "p0\n")], ""),
                (["linkage", "rotate", Store], ""),
                (["linkage", "verify", Store], ""),
                (["linkage", "remove", Store, "--persons-file", Write("whom2", "p0\n")], ""),
                (["withdraw", Store, "--samples-file", Write("withdrawn", _samples[5] + "\n")], ""),
                (["compact", Store], ""), (["verify", Store], ""),
                (["salvage", Store, "--to", Path.Combine(_folder["lab"], "rescued")], ""),
                (["keys", "rotate", Store], ""),
                (["info", Store], ""),
                (["snapshots", Store], ""),
                (["simulate", Path.Combine(Out, "sim"), "--samples", "3", "--variants", "20", "--seed", "1"], ""),
                (["audit", "verify", Store], ""),
                (["audit", "search", Store, "--sample", _samples[0]], ""),
                (["audit", "prove", Store, "0"], ""),
                (["audit", "review", Store], ""),
                (["audit", "checkpoint", Store, "-o", Path.Combine(Out, "checkpoint.note")], ""),
                (["audit", "export", Store, "-o", Path.Combine(Out, "audit.jsonl")], ""),
                (["doctor", Store], ""),
                (["logout", "--server", "https://localhost:9"], ""),
            ];
        }

        /// <summary>A line or more of every verb that its input or its arguments make fail.</summary>
        public List<(string[] Line, string Input)> BadLines()
        {
            string Name() => Tokens.Next(CanaryKind.CliInput);
            var missing = Path.Combine(In, Tokens.Next(CanaryKind.FileName));
            var stranger = Write("stranger", Tokens.Next(CanaryKind.SampleId) + "\n");
            var lines = new List<(string[], string)>
            {
                (["init", Store, "--assembly", Name()], ""), (["ingest", Store, missing], ""), (["ingest", Store, Write("text", $"{Tokens.Next(CanaryKind.PatientName)}\n{Tokens.Next(CanaryKind.Mrn)}\n")], ""),
                (["ingest", Store, Vcf("again", "0/1")], ""), (["ingest", Store, Vcf("genotype", Tokens.Next(CanaryKind.InfoValue))], ""), (["ingest", Store, Vcf("twice", "0/1", names: [_samples[0], _samples[0]])], ""),
                (["ingest", Store, Vcf("new", "0/1", names: [Tokens.Next(CanaryKind.SampleId)]), "--samples", Sheet(Tokens.Next(CanaryKind.Mrn))], ""),
                (["ingest", Store, Vcf("new2", "0/1", names: [Tokens.Next(CanaryKind.SampleId)]), "--samples", Write("sheet", $"sample\t{Tokens.Next(CanaryKind.PatientName)}\nx\ty\n")], ""),
                (["ingest", Store, Vcf("new3", "0/1", names: [Tokens.Next(CanaryKind.SampleId)]), "--callable", Write("bed", $"1\t{Tokens.Next(CanaryKind.OrderId)}\t7\n")], ""),
                (["seen", Store, "--samples-file", stranger, "1-100-A-G"], ""), (["seen", missing, "-"], "1-100-A-G\n"), (["seen", Store, "--vcf", Write("broken.vcf", "##fileformat=VCFv4.2\n#CHROM\t" + Tokens.Next(CanaryKind.HeaderSample))], ""),
                (["freq", Store, "--region", Name()], ""), (["freq", Store, "--cohort", Name()], ""), (["freq", Store, "--by", Name()], ""), (["freq", Store, "--variants", missing], ""), (["freq", Store, "--samples-file", stranger], ""),
                (["carriers", Store, "--format", Name(), "-"], ""), (["cohort", "set", Store, "bad name " + NoSuch, "--samples-file", stranger], ""), (["cohort", "set", Store, "x", "--samples-file", stranger], ""),
                (["cohort", "set", Store, "x", "--where-file", Write("filter", $"name == '{Tokens.Next(CanaryKind.PatientName)}")], ""), (["cohort", "set", Store, "x", "--where-file", Write("filter2", $"{Tokens.Next(CanaryKind.InfoValue)} == 'x'")], ""), (["cohort", "show", Store, Name()], ""),
                (["cohorts", missing], ""), (["case-control", Store, "--cases", Name(), "--controls", Name()], ""), (["export", Store, "--format", "vcf", "--cohort", Name(), "-o", Path.Combine(Out, "none.vcf")], ""), (["export", Store, "--format", "bcf", "--samples-file", stranger, "-o", Path.Combine(Out, "none.bcf")], ""),
                (["annotations", "load", Store, "panel", missing, "--release", "2024-01-07"], ""), (["annotations", "drop", Store, Name()], ""), (["seen", Store, "1-100-A-G", "--annotate", Name()], ""),
                (["annotations", "load", Store, "panel", Write("panel2.vcf", "##fileformat=VCFv4.2\n##INFO=<ID=N,Number=1,Type=Integer,Description=\"n\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t100\t.\tA\tG\t.\t.\tN=" + Tokens.Next(CanaryKind.InfoValue) + "\n"), "--release", "2024-01-07"], ""),
                (["care", "import", Store, Write("care2", $"person\tresponsible\tdeputies\n{Tokens.Next(CanaryKind.PatientName)}\n")], ""), (["watch", "add", Store, "x", "--cohort", Name()], ""), (["watch", "remove", Store, Name()], ""),
                (["alerts", "follow", Store], ""), (["clinvar", "load", Store, missing, "--release", "2024-03-03"], ""), (["clinvar", "history", Store, Name()], ""), (["alerts", "ack", Store, Name(), "--reason", Tokens.Next(CanaryKind.BundleNote)], ""),
                (["linkage", "import", Store, Write("identities2", $"person\tname\n{Tokens.Next(CanaryKind.PatientName)}\n")], ""), (["linkage", "import", Store, missing], ""), (["linkage", "show", Store, "--samples-file", missing], ""), (["linkage", "show", Store, "--persons-file", stranger, "--vault", missing], ""),
                (["withdraw", Store, "--samples-file", stranger], ""), (["compact", Store, "--purge-before", Name()], ""), (["verify", missing], ""), (["salvage", missing, "--to", Path.Combine(Out, "r")], ""), (["keys", "rotate", missing], ""),
                (["info", missing], ""), (["snapshots", missing], ""), (["simulate", Path.Combine(Out, "s"), "--samples", Name()], ""), (["audit", "prove", Store, Name()], ""), (["audit", "search", Store, "--from", Name()], ""), (["audit", "verify", missing], ""),
                (["access", "grant", Store, Name(), "--cohort", Name(), "--detail", "record", "--purpose", "treatment"], ""), (["access", "approve", Store, Name()], ""),
                (["access", "explain", "--server", "https://localhost:9", Name(), "--purpose", "treatment", "--detail", "record"], ""), (["access", "break-glass", "--server", "https://localhost:9", "--samples-file", stranger, "--reason", Tokens.Next(CanaryKind.BundleNote)], ""),
                (["audit", "search", "--server", "https://localhost:9", "--sample", Tokens.Next(CanaryKind.SampleId)], ""),
                (["assess", "draft", Store, "1-100-A-G", "--condition", Name(), "--criterion", "PVS1"], ""), (["assess", "show", Store, Name()], ""), (["assess", "import", Store, Write("bad.jsonl", Tokens.Next(CanaryKind.PatientName) + "\n")], ""), (["doctor", missing], ""), (["login", "--server", Name()], ""), (["logout", "--server", Name()], ""),
            };
            return lines;
        }

        /// <summary>Runs lines; what they write to standard error is a sink.</summary>
        public void Drive(IEnumerable<(string[] Line, string Input)> lines, Func<ExitCode, bool> isExpected) => Run.Drive(lines.Select(l => (string.Join(' ', l.Line.Take(2)), (Action)(() =>
        {
            var cli = new CommandLines { Input = l.Input, Cancellation = Cancellation };
            var code = cli.Run(l.Line);
            Codes.Add(code);
            _error.Write(System.Text.Encoding.UTF8.GetBytes(cli.Error));
            if (!isExpected(code)) _unexpected.Add($"{string.Join(' ', l.Line)}: {code}: {cli.Error}");
        }))));

        /// <summary>A store with people in it, its cohorts, and a log.</summary>
        public void Fill()
        {
            foreach (var (line, input) in Lines().TakeWhile(l => l.Line[0] != "withdraw"))
            {
                var cli = new CommandLines { Input = input };
                Assert.True(cli.Run(line) is ExitCode.Done or ExitCode.NothingMatched or ExitCode.Incomplete, $"{string.Join(' ', line)}: {cli.Error}");
            }
        }

        /// <summary>A changed byte in the middle of the largest files of the store.</summary>
        public void Damage(int files)
        {
            foreach (var path in Directory.GetFiles(Store).OrderByDescending(f => new FileInfo(f).Length).ThenBy(f => f, StringComparer.Ordinal).Take(files))
            {
                var bytes = File.ReadAllBytes(path);
                if (bytes.Length == 0) continue;
                bytes[bytes.Length / 2] ^= 0x55;
                File.WriteAllBytes(path, bytes);
            }
        }

        public void AssertNoLeak()
        {
            Assert.True(_unexpected.Count == 0, string.Join('\n', _unexpected));
            Run.AssertNoLeak();
            Assert.True(Run.Driven > 30 && Run.SearchedBytes > 5_000, $"{Run.Driven} lines, {Run.SearchedBytes} bytes");
        }

        public void Dispose()
        {
            _events.Dispose();
            _folder.Dispose();
        }

        private string Write(string name, string text)
        {
            File.WriteAllText(Path.Combine(In, name), text);
            return Path.Combine(In, name);
        }

        private string Sheet(string? sex = null) => Write("sheet.tsv", "sample\tperson\tsex\taffected\tname\tmrn\tborn\torder_ref\tnote\n" + string.Concat(_samples.Select((s, i) =>
            $"{s}\tp{i}\t{sex ?? "XX"}\t{(i % 2 == 0 ? "yes" : "no")}\t{Tokens.Next(CanaryKind.PatientName)}\t{Tokens.Next(CanaryKind.Mrn)}\t{Tokens.Next(CanaryKind.BirthDate)}\t{Tokens.Next(CanaryKind.OrderId)}\tx\n")).Replace("note", "note:aggregate", StringComparison.Ordinal));

        private string ClinVar(string name, string significance) => Write(name + ".vcf", $"##fileformat=VCFv4.1\n##reference=GRCh38\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t100\t7\tA\tG\t.\t.\tCLNSIG={significance}\n");

        private string Vcf(string name, string genotype, string[]? names = null)
        {
            var samples = names ?? _samples;
            return Write(name, $"##fileformat=VCFv4.3\n##SAMPLE=<ID=x,Description=\"{Tokens.Next(CanaryKind.HeaderSample)}\">\n##INFO=<ID=NOTE,Number=1,Type=String,Description=\"n\">\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{string.Join('\t', samples)}\n"
                + string.Concat(Enumerable.Range(1, 20).Select(i => $"1\t{100 * i}\t.\tA\tG\t.\tPASS\tNOTE={Tokens.Next(CanaryKind.InfoValue)}\tGT\t{string.Join('\t', samples.Select(_ => genotype))}\n")));
        }
    }
}
