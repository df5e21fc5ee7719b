using System.Text;
using Warehouse.Cli;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Cli.Verbs;
using Warehouse.Engine;
using Warehouse.Engine.Arrow;
using Warehouse.Engine.Query;
using Xunit;

namespace Warehouse.Tests.Cli;

public sealed class CommandLineTests
{
    private const string FrequencyHeader = "contig\tpos\tref\talt\tac\tan\taf\tn_het\tn_hom_alt\tn_hemi\tn_half\tcarriers\tn_no_call\tn_not_assessed\tn_samples\tan_assumed\tfaf95\n";

    /// <summary>Answers with what a test gives it.</summary>
    private sealed class FakeEngine : Warehouse.Cli.Engine
    {
        public List<FrequencyRow> Rows { get; init; } = [];

        public List<SeenAnswer> Answers { get; init; } = [];

        public Exception? Failure { get; init; }

        public override void BeginCall(StoreAddress store, string verb, string question)
        {
            // No store, no log.
        }

        public override IEnumerable<FrequencyRow> Frequencies(StoreAddress store, string? asOf, FrequencyRequest request, CancellationToken cancellation)
        {
            foreach (var row in Rows) yield return row;
            cancellation.ThrowIfCancellationRequested();
            if (Failure is not null) throw Failure;
        }

        public override IEnumerable<FrequencyBatch> FrequencyBatches(StoreAddress store, string? asOf, FrequencyRequest request, CancellationToken cancellation)
        {
            foreach (var row in Frequencies(store, asOf, request, cancellation))
            {
                using var batch = new FrequencyBatch([row.Group], [(int)row.Figures.NSamples]) { Contig = row.Contig };
                batch.Begin(1);
                batch.Add((row.Start, row.End, Encoding.UTF8.GetBytes(row.Ref), Encoding.UTF8.GetBytes(row.Alt)), [row.Figures]);
                yield return batch;
            }
        }

        public override IEnumerable<SeenAnswer> Seen(StoreAddress store, SeenRequest request, CancellationToken cancellation) => Answers;

        public override IEnumerable<CarrierAnswer> Carriers(StoreAddress store, IEnumerable<string> queries, CancellationToken cancellation) =>
            Answers.Select(a => new CarrierAnswer(a, a.State == SeenState.Seen ? [new CarrierRow { Sample = "=S\u001b[2J1", Zygosity = "het", Genotype = "0|1", Gq = 99, DepthAlt = 7 }] : []));
    }

    private sealed class ClosedPipe : MemoryStream
    {
        public override void Write(byte[] buffer, int offset, int count) => throw new IOException("Broken pipe", 32);
    }

    private static FrequencyRow Row(long ac = 2, long an = 1000, string? group = null, int end = -1) => new()
    {
        Contig = "22", Start = 16_050_074, Ref = "A", Alt = "G", Group = group, End = end,
        Figures = new CountFigures { Ac = ac, An = an, NHet = (int)ac, NSamples = 500, NNoCall = 1, NNotAssessed = an == 0 ? 500 : 0, AnAssumed = 8 },
    };

    private static SeenAnswer Answer(SeenState state) => new()
    {
        Query = "q", State = state, Contig = "22", Start = 9, Ref = "A", Alt = "G", Reason = state == SeenState.NotAssessable ? "why" : null,
        Figures = new CountFigures { An = 600, Ac = state == SeenState.Seen ? 1 : 0, NSamples = 300 },
        FirstSeen = state == SeenState.Seen ? new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1)) : null,
    };

    [Theory]
    [InlineData("")]
    [InlineData("bogus")]
    [InlineData("--bogus")]
    [InlineData("freq")]
    [InlineData("freq s --bogus")]
    [InlineData("freq s extra")]
    [InlineData("freq s --format TSV")]
    [InlineData("freq s --format 1")]
    [InlineData("freq s --min-ac x")]
    [InlineData("freq s --ploidy both")]
    [InlineData("freq s --per both")]
    [InlineData("freq s --cohort a --samples-file b")]
    [InlineData("freq s --region 1 --variants b")]
    [InlineData("seen s --vcf a.vcf -o b.bcf")]
    [InlineData("freq s --json --format tsv")]
    [InlineData("freq s --region 22:5")]
    [InlineData("freq s --samples-file no-such-file")]
    [InlineData("freq s @args")]
    [InlineData("init s")]
    [InlineData("ingest s")]
    [InlineData("ingest s f --on-error stop")]
    [InlineData("ingest s f --block-gq -1")]
    [InlineData("ingest s f --threads 0")]
    [InlineData("ingest s f --threads 65")]
    [InlineData("seen s")]
    [InlineData("seen s q --vcf v -o o")]
    [InlineData("seen s --vcf v")]
    [InlineData("carriers s")]
    [InlineData("case-control s --cases a")]
    [InlineData("cohort")]
    [InlineData("cohort set s n")]
    [InlineData("cohort set s n --where a --samples-file b")]
    [InlineData("export s --format vcf")]
    [InlineData("export s --format json -o x")]
    [InlineData("withdraw s")]
    [InlineData("simulate o --samples 0")]
    [InlineData("verify")]
    public void Bad_usage_ends_with_2_and_says_why(string line)
    {
        var cli = new Cli();
        Assert.Equal(ExitCode.BadInput, cli.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.StartsWith("warehouse: ", cli.Error);
        Assert.Empty(cli.Output);
    }

    [Theory]
    [InlineData("--version")]
    [InlineData("--help")]
    public void Version_and_help_go_to_standard_output(string option)
    {
        var cli = new Cli();
        Assert.Equal(ExitCode.Done, cli.Run(option));
        Assert.Contains("warehouse", cli.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(cli.Error);
    }

    public static TheoryData<Exception, int> Failures => new()
    {
        { new InputException("vcf-pos", "POS is no number", new InputPlace("a.vcf", 3, 10, "POS")), 2 },
        { new InvalidDataException("a segment is damaged"), 3 },
        { new IOException("No space left on device"), 5 },
        { new UnauthorizedAccessException("denied"), 5 },
        { new InvalidOperationException("ours"), 5 },
        { new AggregateException(new InputException("x", "in a thread, near '\\x1B'", InputPlace.None)), 2 },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_failure_ends_with_its_code_and_one_message(Exception failure, int expected)
    {
        var cli = new Cli { Engine = new FakeEngine { Failure = failure } };
        Assert.Equal(expected, (int)cli.Run("freq", "s"));
        Assert.StartsWith("warehouse: ", cli.Error);
        Assert.Contains((failure.InnerException ?? failure).Message, cli.Error);
    }

    [Fact]
    public void Cancelled_ends_with_130()
    {
        var cli = new Cli { Engine = new FakeEngine(), Cancellation = new CancellationToken(canceled: true) };
        Assert.Equal(ExitCode.Cancelled, cli.Run("freq", "s"));
    }

    [Fact]
    public void A_closed_pipe_is_no_error()
    {
        var cli = new Cli { Engine = new FakeEngine { Rows = [Row()] }, OpenOutput = () => new ClosedPipe() };
        Assert.Equal(ExitCode.Done, cli.Run("freq", "s"));
        Assert.Empty(cli.Error);
    }

    [Fact]
    public void Freq_prints_the_columns_of_the_contract()
    {
        var cli = new Cli { Engine = new FakeEngine { Rows = [Row(), Row(0, 0)] } };
        Assert.Equal(ExitCode.Done, cli.Run("freq", "s", "--format", "tsv"));
        Assert.Equal(FrequencyHeader
            + "22\t16050075\tA\tG\t2\t1000\t0.002\t2\t0\t0\t0\t2\t1\t0\t500\t8\t0.00035536\n"
            + "22\t16050075\tA\tG\t0\t0\t.\t0\t0\t0\t0\t0\t1\t500\t500\t8\t0\n", cli.Output);
    }

    [Fact]
    public void Freq_adds_end_and_group_after_alt()
    {
        var cli = new Cli { Engine = new FakeEngine { Rows = [Row(group: "EUR", end: 16_050_200), Row(group: null)] } };
        cli.Run("freq", "s", "--by", "ancestry", "--symbolic");
        var lines = cli.Output.Split('\n');
        Assert.StartsWith("contig\tpos\tref\talt\tend\tgroup\tac\t", lines[0]);
        Assert.StartsWith("22\t16050075\tA\tG\t16050200\tEUR\t2\t", lines[1]);
        Assert.StartsWith("22\t16050075\tA\tG\t.\t.\t2\t", lines[2]);
    }

    [Fact]
    public void Freq_without_rows_ends_with_1_and_an_allele_asked_for_without_assessed_samples_with_4()
    {
        Assert.Equal(ExitCode.NothingMatched, new Cli { Engine = new FakeEngine() }.Run("freq", "s"));
        Cli Asked(params FrequencyRow[] rows) => new() { Engine = new FakeEngine { Rows = [.. rows] }, Input = "22-1-A-G\n" };
        Assert.Equal(ExitCode.Done, Asked(Row(), Row(0)).Run("freq", "s", "--variants", "-"));
        Assert.Equal(ExitCode.NothingMatched, Asked(Row(0)).Run("freq", "s", "--variants", "-"));
        Assert.Equal(ExitCode.Incomplete, Asked(Row(), Row(0, 0)).Run("freq", "s", "--variants", "-"));
    }

    [Fact]
    public void Allele_asked_for_that_only_no_calls_answer_is_incomplete_as_seen_says()
    {
        var row = Row(0);
        row.Figures = new CountFigures { NSamples = 3, NNoCall = 2, NNotAssessed = 1 };
        Assert.Equal(ExitCode.Incomplete, new Cli { Engine = new FakeEngine { Rows = [row] }, Input = "22-1-A-G\n" }.Run("freq", "s", "--variants", "-"));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("Seen", 0)]
    [InlineData("NotSeen", 1)]
    [InlineData("NotSeen Seen", 0)]
    [InlineData("NotAssessable", 4)]
    [InlineData("Seen NotAssessable NotSeen", 4)]
    public void Seen_ends_with_the_code_of_its_weakest_answer(string states, int code)
    {
        var engine = new FakeEngine { Answers = [.. states.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(s => Answer(Enum.Parse<SeenState>(s)))] };
        Assert.Equal(code, (int)new Cli { Engine = engine }.Run("seen", "s", "q"));
        Assert.Equal(code, (int)new Cli { Engine = engine }.Run("carriers", "s", "q"));
    }

    [Fact]
    public void Seen_says_three_things()
    {
        var cli = new Cli { Engine = new FakeEngine { Answers = [Answer(SeenState.Seen), Answer(SeenState.NotSeen), Answer(SeenState.NotAssessable) with { Contig = null }] } };
        cli.Run("seen", "s", "q", "q", "q", "--json");
        Assert.Equal(
            """
            [
            {"query":"q","answer":"seen","contig":"22","pos":10,"ref":"A","alt":"G","n_assessed":300,"ac":1,"an":600,"af":0.00166667,"n_het":0,"n_hom_alt":0,"n_hemi":0,"n_half":0,"carriers":0,"n_no_call":0,"n_not_assessed":0,"n_samples":300,"an_assumed":0,"faf95":0,"af_upper95":null,"first_seen":"2026-01-02T02:04:05Z","last_seen":null,"note":null,"end":null,"matched_alleles":null,"overlapping":[],"n_overlapping":0,"vrs":null,"spdi":null,"hgvs_g":null,"variant_key":null,"assembly":null,"refget":null,"normalizer":null,"trimmed_only":null,"snapshot":null,"snapshot_digest":null,"scope_digest":null,"withdrawn_digest":null,"samples_digest":null},
            {"query":"q","answer":"not seen","contig":"22","pos":10,"ref":"A","alt":"G","n_assessed":300,"ac":0,"an":600,"af":0,"n_het":0,"n_hom_alt":0,"n_hemi":0,"n_half":0,"carriers":0,"n_no_call":0,"n_not_assessed":0,"n_samples":300,"an_assumed":0,"faf95":0,"af_upper95":0.005,"first_seen":null,"last_seen":null,"note":null,"end":null,"matched_alleles":null,"overlapping":[],"n_overlapping":0,"vrs":null,"spdi":null,"hgvs_g":null,"variant_key":null,"assembly":null,"refget":null,"normalizer":null,"trimmed_only":null,"snapshot":null,"snapshot_digest":null,"scope_digest":null,"withdrawn_digest":null,"samples_digest":null},
            {"query":"q","answer":"not assessable","contig":null,"pos":null,"ref":null,"alt":null,"n_assessed":null,"ac":null,"an":null,"af":null,"n_het":null,"n_hom_alt":null,"n_hemi":null,"n_half":null,"carriers":null,"n_no_call":null,"n_not_assessed":null,"n_samples":null,"an_assumed":null,"faf95":null,"af_upper95":null,"first_seen":null,"last_seen":null,"note":"why","end":null,"matched_alleles":null,"overlapping":[],"n_overlapping":0,"vrs":null,"spdi":null,"hgvs_g":null,"variant_key":null,"assembly":null,"refget":null,"normalizer":null,"trimmed_only":null,"snapshot":null,"snapshot_digest":null,"scope_digest":null,"withdrawn_digest":null,"samples_digest":null}
            ]

            """, cli.Output);
        using var json = System.Text.Json.JsonDocument.Parse(cli.Output);
        Assert.Equal(3, json.RootElement.GetArrayLength());
    }

    [Fact]
    public void Names_reach_a_file_without_controls_and_not_as_formulas()
    {
        var cli = new Cli { Engine = new FakeEngine { Answers = [Answer(SeenState.Seen)] } };
        cli.Run("carriers", "s", "q");
        Assert.Equal("query\tcontig\tpos\tref\talt\tsample\tzygosity\tgt\tgq\tdp\tad_ref\tad_alt\nq\t22\t10\tA\tG\t'=S\\x1B[2J1\thet\t0|1\t99\t.\t.\t7\n", cli.Output);
        cli.Run("carriers", "s", "q", "--format", "table");
        Assert.Contains("  =S\\x1B[2J1  ", cli.Output);
        Assert.Equal(ExitCode.Done, cli.Run("carriers", "s", "q", "--format", "json"));
        Assert.Contains("\"sample\":\"=S\\u001b[2J1\"", cli.Output);
    }

    [Fact]
    public void A_terminal_gets_a_table_and_no_binary()
    {
        var cli = new Cli { Engine = new FakeEngine { Rows = [Row(), Row(0, 0)] }, Terminal = true };
        cli.Run("freq", "s");
        Assert.StartsWith("contig       pos  ref  alt  ac    an     af  ", cli.Output);
        Assert.Contains("\n22      16050075  A    G     2  1000  0.002  ", cli.Output);
        Assert.Equal(ExitCode.BadInput, cli.Run("freq", "s", "--format", "arrow"));
    }

    [Fact]
    public void Arrow_holds_numbers_as_numbers_and_missing_as_null()
    {
        var cli = new Cli { Engine = new FakeEngine { Rows = [.. Enumerable.Range(0, 40_000).Select(i => i % 2 == 0 ? Row(1, 3) : Row(0, 0))] } };
        Assert.Equal(ExitCode.Done, cli.Run("freq", "s", "--format", "arrow"));
        var reader = new ArrowStreamReader(new MemoryStream(cli.OutputBytes));
        Assert.Equal(FrequencyHeader.Trim().Split('\t'), reader.Schema.Fields.Select(f => f.Name));
        var rows = 0;
        while (reader.Read() is { } batch)
        {
            for (var i = 0; i < batch.RowCount; i++, rows++)
            {
                Assert.Equal(("22", 16_050_075), (batch.Columns[0].Text(i), batch.Columns[1].Int64(i)));
                Assert.Equal(rows % 2 == 1, batch.Columns[6].IsNull(i));
                if (rows % 2 == 0) Assert.Equal(1.0 / 3, batch.Columns[6].Float64(i));
            }
        }
        Assert.Equal(40_000, rows);
    }

    [NodeFact("apache-arrow")]
    public void Apache_arrow_for_JavaScript_reads_the_answer_of_freq()
    {
        using var folder = new TempFolder();
        var cli = new Cli { Engine = new FakeEngine { Rows = [Row(group: "EUR"), Row(0, 0)] } };
        Assert.Equal(ExitCode.Done, cli.Run("freq", "s", "--by", "ancestry", "--format", "arrow", "-o", folder["out.arrows"]));
        var (exit, output, error) = Peer.RunIn(Path.Combine(TestData.ProjectRoot, "tests", "interop"), "node", "arrow.mjs", "read", folder["out.arrows"]);
        Assert.True(exit == 0, error);
        Assert.Equal(
        [
            $"""["22","16050075n","A","G","EUR","2n","1000n",0.002,"2n","0n","0n","0n","2n","1n","0n","500n","8n",{Faf95.Of(2, 1000):R}]""",
            """["22","16050075n","A","G",null,"0n","0n",null,"0n","0n","0n","0n","0n","1n","500n","500n","8n",0]""",
        ], output.TrimEnd('\n').Split('\n')[2..]);
    }

    [Fact]
    public void A_list_that_is_not_UTF8_or_is_a_VCF_is_refused_with_its_line()
    {
        var cli = new Cli { InputBytes = [.. "good\n"u8, 0xFF, 0xFE, (byte)'\n'] };
        Assert.Equal(ExitCode.BadInput, cli.Run("withdraw", "s", "--samples-file", "-"));
        Assert.Contains("-:2: not UTF-8 [text-encoding]", cli.Error);
        var vcf = new Cli { Input = "##fileformat=VCFv4.2\n" };
        Assert.Equal(ExitCode.BadInput, vcf.Run("freq", "s", "--variants", "-"));
        Assert.Contains("[variant-list]", vcf.Error);
    }

    [Fact]
    public void A_file_appears_when_it_is_complete_and_never_before()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["out.tsv"], "old");
        File.CreateSymbolicLink(folder["link.tsv"], folder["out.tsv"]);

        var failing = new Cli { Engine = new FakeEngine { Rows = [Row()], Failure = new IOException("full") } };
        Assert.Equal(ExitCode.CouldNot, failing.Run("freq", "s", "-o", folder["out.tsv"]));
        Assert.Equal("old", File.ReadAllText(folder["out.tsv"]));
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);

        var working = new Cli { Engine = new FakeEngine { Rows = [Row()] } };
        Assert.Equal(ExitCode.Done, working.Run("freq", "s", "-o", folder["link.tsv"]));
        Assert.StartsWith(FrequencyHeader, File.ReadAllText(folder["out.tsv"]));
        Assert.NotNull(new FileInfo(folder["link.tsv"]).LinkTarget);
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
        Assert.Equal(ExitCode.Done, working.Run("freq", "s", "-o", "/dev/null"));
        Assert.Equal(ExitCode.CouldNot, working.Run("freq", "s", "-o", folder["no/such/folder.tsv"]));
        Assert.Equal(ExitCode.CouldNot, working.Run("freq", "s", "-o", folder.Path));
    }

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("tab\there", "tab\\x09here")]
    [InlineData("back\\slash", "back\\x5Cslash")]
    [InlineData("\u001b]52;c;aGk=\a", "\\x1B]52;c;aGk=\\x07")]
    [InlineData("c1\u009b31m", "c1\\xC2\\x9B31m")]
    [InlineData("rtl\u202Egnp", "rtl\\xE2\\x80\\xAEgnp")]
    [InlineData("žluť 変異 🧬", "žluť 変異 🧬")]
    [InlineData("\0\u007f\u2028", "\\x00\\x7F\\xE2\\x80\\xA8")]
    public void Unsafe_characters_are_escaped_byte_by_byte(string text, string expected) => Assert.Equal(expected, SafeText.Escape(text));

    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("+1", "'+1")]
    [InlineData("-1", "'-1")]
    [InlineData("@x", "'@x")]
    [InlineData("\tx", "'\\x09x")]
    [InlineData("\rx", "'\\x0Dx")]
    [InlineData("'x", "''x")]
    [InlineData("a=1", "a=1")]
    [InlineData("", "")]
    public void Free_text_in_TSV_is_no_formula_and_alleles_are_left_alone(string text, string expected)
    {
        var stream = new MemoryStream();
        using (var writer = new TsvWriter([new Column("name", ColumnKind.FreeText), new Column("alt", ColumnKind.Text), new Column("n", ColumnKind.Integer)], stream))
        {
            writer.Text(text);
            writer.Text("-A");
            writer.Integer(-1);
            writer.EndRow();
            writer.Complete();
        }
        Assert.Equal($"name\talt\tn\n{expected}\t-A\t-1\n", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Text_longer_than_the_buffer_is_written_whole()
    {
        var stream = new MemoryStream();
        var text = new string('A', 300_000);
        using (var writer = new TsvWriter([new Column("ref", ColumnKind.Text)], stream))
        {
            writer.Text(text);
            writer.EndRow();
            writer.Text("x");
            writer.EndRow();
            writer.Complete();
        }
        Assert.Equal($"ref\n{text}\nx\n", Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Fact]
    public void Cells_are_whole_wherever_the_buffer_ends()
    {
        Column[] columns = [new("name", ColumnKind.FreeText), new("n", ColumnKind.Integer), new("x", ColumnKind.Real)];
        var stream = new MemoryStream();
        var expected = new StringBuilder("name\tn\tx\n");
        using (var writer = new TsvWriter(columns, stream))
        {
            for (var i = 0; i < 20_000; i++)
            {
                writer.Text($"n{i}");
                writer.Integer(i);
                writer.Real(i / 7.0);
                writer.EndRow();
                expected.Append($"n{i}\t{i}\t{CFormat.G(i / 7.0, 6)}\n");
            }
            writer.Complete();
        }
        Assert.Equal(expected.ToString(), Encoding.UTF8.GetString(stream.ToArray()));
    }

    [Theory]
    [InlineData(0, 0, 1, "reading  0 bytes  0/s")]
    [InlineData(5_000_000, 0, 2, "reading  5.0 M bytes  2.5 M/s")]
    [InlineData(500, 1000, 5, " 50 %  reading  500 of 1000 bytes  100/s  0:05 left")]
    [InlineData(1000, 36_001_000, 1, "  0 %  reading  1000 of 36.0 M bytes  1000/s  10 h 00 min left")]
    public void Progress_tells_share_rate_and_time_left(long done, long total, int seconds, string expected) =>
        Assert.Equal(expected, ProgressLine.Describe(new WorkProgress("reading", done, total, "bytes"), TimeSpan.FromSeconds(seconds)));
}
