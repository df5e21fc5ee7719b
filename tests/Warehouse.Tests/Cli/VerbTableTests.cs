using Warehouse.Cli;
using Warehouse.Cli.Options;
using Warehouse.Cli.Verbs;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Cli;

public sealed class VerbTableTests
{
    public static TheoryData<string> Examples => [.. VerbTable.All.SelectMany(v => v.Examples)];

    public static TheoryData<string> Names => [.. VerbTable.All.Select(v => v.Name)];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_example_parses(string example)
    {
        var parsed = CommandLine.Parse(Cli.Words(example), new Cli().Context);
        Assert.Empty(parsed.Errors);
        Assert.NotNull(parsed.Action);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Help_of_every_verb_shows_its_examples(string name)
    {
        var cli = new Cli();
        Assert.Equal(ExitCode.Done, cli.Run(name, "--help"));
        var entry = VerbTable.All.Single(v => v.Name == name);
        Assert.NotEmpty(entry.Examples);
        Assert.All(entry.Examples, e => Assert.Contains(e, cli.Output));
        Assert.Contains(entry.Summary, cli.Output);
        Assert.Empty(cli.Error);
    }

    [Theory]
    [InlineData("set", 3)]
    [InlineData("refresh", 1)]
    [InlineData("show", 1)]
    public void Help_of_a_sub_verb_shows_its_own_examples(string sub, int count)
    {
        var cli = new Cli();
        Assert.Equal(ExitCode.Done, cli.Run("cohort", sub, "--help"));
        Assert.Equal(count, cli.Output.Split("  warehouse cohort ").Length - 1);
        Assert.Equal(count, cli.Output.Split("  warehouse cohort " + sub).Length - 1);
    }

    [Fact]
    public void Shells_can_ask_for_completions()
    {
        var cli = new Cli();
        Assert.Equal(ExitCode.Done, cli.Run("[suggest:9]", "freq s --"));
        Assert.Contains("--min-ac", cli.Output);
        Assert.Equal(ExitCode.Done, cli.Run("[suggest:4]", "snap"));
        Assert.Equal("snapshots", cli.Output.Trim());
    }

    [Fact]
    public void The_verbs_are_those_of_the_contract() => Assert.Equal(
        ["init", "ingest", "seen", "freq", "carriers", "case-control", "cohort", "cohorts", "export", "annotations", "withdraw", "compact", "verify", "salvage", "keys", "info", "snapshots", "simulate", "audit", "access", "assess", "care", "watch", "clinvar", "alerts", "linkage", "serve", "login", "logout", "doctor"],
        VerbTable.All.Select(v => v.Name));

    [Fact]
    public void Freq_reads_every_option()
    {
        var cli = new Cli { Input = "S1\r\nS 2\n\nS3" };
        var request = cli.Read<FreqVerb, FrequencyRequest>((v, p, c) => v.Read(p, c), "freq", "s", "--region", "22:11-20", "--region", "X", "--samples-file", "-",
            "--by", "ancestry", "--adj", "--pass", "--ploidy", "as-called", "--per", "sample", "--as-of", "7", "--symbolic", "--min-ac", "3", "--no-precomputed");
        Assert.Equal([new Region("22", 10, 20), new Region("X", 0, Region.Unbounded)], request.Regions);
        Assert.Null(request.Variants);
        Assert.Equal(["S1", "S 2", "S3"], request.Samples.Names);
        Assert.Equal("ancestry", request.By);
        Assert.Equal(new CountRules { Adj = true, PassOnly = true, PloidyAsCalled = true, PerSample = true, NoPrecomputed = true }, request.Rules);
        Assert.True(request.Symbolic);
        Assert.Equal(3, request.MinAc);
    }

    [Fact]
    public void Freq_without_options_asks_for_everything_by_the_default_rules()
    {
        var request = new Cli().Read<FreqVerb, FrequencyRequest>((v, p, c) => v.Read(p, c), "freq", "s");
        Assert.Equal(new CountRules(), request.Rules);
        Assert.Empty(request.Regions);
        Assert.Same(SampleChoice.All, request.Samples);
        Assert.Equal((null, null, false, 0L), (request.Variants, request.By, request.Symbolic, request.MinAc));
    }

    [Fact]
    public void Lists_of_variants_skip_comments_and_empty_lines()
    {
        var cli = new Cli { Input = "# asked\n22-1-A-G\n\n22:5 A>G\r\n" };
        Assert.Equal(["22-1-A-G", "22:5 A>G"], cli.Read<FreqVerb, FrequencyRequest>((v, p, c) => v.Read(p, c), "freq", "s", "--variants", "-").Variants);
        Assert.Equal(["a", "22-1-A-G", "22:5 A>G", "b"], cli.Read<SeenVerb, List<string>>((v, p, c) => [.. v.Read(p, c).Queries], "seen", "s", "a", "-", "b"));
    }

    [Fact]
    public void Ingest_reads_every_option()
    {
        var request = new Cli().Read<IngestVerb, IngestRequest>((v, p, _) => v.Read(p), "ingest", "s", "a.vcf", "-", "--samples", "t.tsv", "--callable", "c.bed",
            "--assume-reference", "--block-gq", "30", "--on-error", "skip", "--replace", "--lint", "--threads", "3");
        Assert.Equal(["a.vcf", "-"], request.Files);
        Assert.Equal(("t.tsv", "c.bed", true, 30), (request.SheetPath, request.CallablePath, request.AssumeReference, request.BlockGq));
        Assert.Equal((true, true, true, 3), (request.SkipBadRecords, request.Replace, request.Lint, request.Threads));
        var plain = new Cli().Read<IngestVerb, IngestRequest>((v, p, _) => v.Read(p), "ingest", "s", "a.vcf");
        Assert.Equal((20, false), (plain.BlockGq, plain.SkipBadRecords));
    }

    [Fact]
    public void The_other_verbs_read_their_options()
    {
        var cli = new Cli { Input = "S1\n" };
        Assert.Equal(new InitRequest("GRCh38", "r.fa"), cli.Read<InitVerb, InitRequest>((v, p, _) => v.Read(p), "init", "s", "--assembly", "GRCh38", "--reference", "r.fa"));
        Assert.Equal(new AnnotateRequest("in.vcf", "out.vcf", SampleChoice.All), cli.Read<SeenVerb, AnnotateRequest?>((v, p, c) => v.ReadAnnotation(p, c), "seen", "s", "--vcf", "in.vcf", "-o", "out.vcf"));
        Assert.Equal(("a", "b"), cli.Read<CaseControlVerb, (string, string)>((v, p, _) => v.Read(p), "case-control", "s", "--cases", "a", "--controls", "b"));
        var export = cli.Read<ExportVerb, ExportRequest>((v, p, c) => v.Read(p, c), "export", "s", "--format", "bcf", "--region", "X", "--cohort", "c", "-o", "-");
        Assert.Equal((ExportFormat.Bcf, "X", "c", "-"), (export.Format, export.Regions[0].Contig, export.Samples.Cohort, export.OutputPath));
        Assert.Equal(["S1"], cli.Read<WithdrawVerb, IReadOnlyList<string>>((v, p, c) => v.Read(p, c), "withdraw", "s", "--samples-file", "-"));
        Assert.Equal("12", cli.Read<CompactVerb, string?>((v, p, _) => v.Read(p), "compact", "s", "--purge-before", "12"));
        Assert.Equal(new SimulationOptions { Folder = "o", Samples = 5, Variants = 6, Seed = 7, Shape = SimulationShape.Gvcf, Truth = true },
            cli.Read<SimulateVerb, SimulationOptions>((v, p, _) => v.Read(p), "simulate", "o", "--samples", "5", "--variants", "6", "--seed", "7", "--as", "gvcf", "--truth"));
        Assert.Null(cli.Read<DoctorVerb, StoreAddress?>((v, p, _) => v.Read(p), "doctor"));
        Assert.Equal(new StoreAddress("s", "k"), cli.Read<DoctorVerb, StoreAddress?>((v, p, _) => v.Read(p), "doctor", "s", "--keys", "k"));
    }

    [Theory]
    [InlineData("set s n --where-file -", "sex = 'XX'\nand age > 4", null)]
    [InlineData("set s n --samples-file -", null, "S1,S2")]
    public void Cohort_set_takes_a_list_or_an_expression(string line, string? where, string? names)
    {
        var cli = new Cli { Input = where ?? "S1\nS2\n" };
        var request = cli.Read<CohortVerb, CohortRequest>((v, p, c) => v.Read(p, c), ["cohort", .. line.Split(' ')]);
        Assert.Equal(("n", where, names), (request.Name, request.Where, request.Samples is null ? null : string.Join(',', request.Samples)));
    }
}
