using Warehouse.Units.Query;
using Xunit;

namespace Warehouse.Units.Oracle;

/// <summary>The evaluator, and the engine beside it, against answers worked out by hand from COUNTS.md, first of all where the reference program reads it otherwise.</summary>
public sealed class NaiveCountsTests
{
    private const string Fields = "ac an n_het n_hom_alt n_hemi n_half carriers n_no_call n_not_assessed n_samples an_assumed";

    // (a) A deletion over 1:10-12 is asked; its first base has a passing SNV record, its second one without a call.
    [Fact]
    public void A_passing_record_that_touches_keeps_rule_4_from_giving_a_no_call() =>
        AssertFigures("0 0 0 0 0 0 0 0 1 1 0", "1:10:ACG:A", "1 10 A C GT 0/1", "1 11 C T GT ./.");

    [Fact]
    public void Records_that_touch_and_none_of_which_passes_give_a_no_call() =>
        AssertFigures("0 0 0 0 0 0 0 1 0 1 0", "1:10:ACG:A", "1 10 A C GT ./.", "1 11 C T GT ./.");

    // (b)
    [Fact]
    public void A_star_beside_NON_REF_makes_a_record_and_not_a_block() =>
        AssertFigures("0 2 0 0 0 0 0 0 0 1 0", "1:10:A:C", "1 10 A *,<NON_REF> GT 0/1");

    [Fact]
    public void A_star_record_without_a_call_is_a_no_call_where_a_block_would_be_no_evidence() =>
        AssertFigures("0 0 0 0 0 0 0 1 0 1 0", "1:10:A:C", "1 10 A *,<NON_REF> GT ./.");

    // (c)
    [Fact]
    public void Adj_has_no_balance_test_for_a_half_call_of_ploidy_3() =>
        AssertFigures("1 2 0 0 0 1 1 0 0 1 0", "1:10:A:C", new NaiveQuery { Adj = true }, "1 10 A C GT:GQ:DP:AD 0/1/.:20:10:9,1");

    // (d)
    [Fact]
    public void Adj_asks_for_the_depths_of_called_alleles_only() =>
        AssertFigures("1 2 1 0 0 0 1 0 0 1 0", "1:10:A:C", new NaiveQuery { Adj = true }, "1 10 A C,G GT:GQ:DP:AD 0/1:20:10:8,2,.");

    [Theory]
    [InlineData("0/1:20:10:8,2", "1 2 1 0 0 0 1 0 0 1 0")]
    [InlineData("0/1:19:10:8,2", "0 0 0 0 0 0 0 1 0 1 0")]
    [InlineData("0/1:20:9:7,2", "0 0 0 0 0 0 0 1 0 1 0")]
    [InlineData("0/1:20:11:9,2", "0 0 0 0 0 0 0 1 0 1 0")]
    [InlineData("0/1:20:10:.", "0 0 0 0 0 0 0 1 0 1 0")]
    [InlineData("1/1:20:10", "2 2 0 1 0 0 1 0 0 1 0")]
    [InlineData("1:20:5", "1 1 0 0 1 0 1 0 0 1 0")]
    [InlineData("./1:20:10", "1 1 0 0 0 1 1 0 0 1 0")]
    [InlineData("0/0:.:10", "0 0 0 0 0 0 0 1 0 1 0")]
    public void Adj_judges_as_the_page_says(string cell, string figures) =>
        AssertFigures(figures, "1:10:A:C", new NaiveQuery { Adj = true }, "1 10 A C GT:GQ:DP:AD " + cell);

    [Theory]
    [InlineData("XY", "X:60000:A:C", "0/1", "0 0 0 0 0 0 0 1 0 1 0")]
    [InlineData("XY", "X:60001:A:C", "0/1", "1 2 1 0 0 0 1 0 0 1 0")]
    [InlineData("XY", "X:60000:A:C", "1/1", "1 1 0 0 1 0 1 0 0 1 0")]
    [InlineData("XY", "X:2699520:A:C", "0/0", "0 2 0 0 0 0 0 0 0 1 0")]
    [InlineData("XY", "X:2699521:A:C", "0/0", "0 1 0 0 0 0 0 0 0 1 0")]
    [InlineData("XX", "Y:3000000:A:C", "1", "0 0 0 0 0 0 0 0 1 1 0")]
    [InlineData("XY", "Y:2649520:A:C", "0/1", "1 2 1 0 0 0 1 0 0 1 0")]
    [InlineData("", "X:60000:A:C", "0/1", "1 2 1 0 0 0 1 0 0 1 0")]
    public void Calls_on_X_and_Y_count_by_sex_and_place(string sex, string variant, string gt, string figures)
    {
        var f = variant.Split(':');
        using var counts = Counts("GRCh37", new NaiveIngest { Sheet = $"sample\tsex\ns\t{sex}\n" }, $"{f[0]} {f[1]} {f[2]} {f[3]} GT {gt}");
        AssertFigures(figures, counts, variant, new NaiveQuery());
    }

    [Theory]
    [InlineData("1:15:A:C", "0 2 0 0 0 0 0 0 0 1 0")]
    [InlineData("1:21:A:C", "0 0 0 0 0 0 0 0 1 1 0")]
    [InlineData("1:20:AC:A", "0 0 0 0 0 0 0 0 1 1 0")]
    [InlineData("1:30:A:C", "0 0 0 0 0 0 0 0 1 1 0")] // below the threshold: no evidence, never a no-call
    [InlineData("1:40:A:C", "0 0 0 0 0 0 0 0 1 1 0")] // filtered
    [InlineData("MT:15:A:C", "0 1 0 0 0 0 0 0 0 1 0")]
    public void Blocks_are_evidence_over_their_whole_length(string variant, string figures) =>
        AssertFigures(figures, variant, "1 10 A <NON_REF> GT:GQ 0/0:20 END=20", "1 30 A <NON_REF> GT:GQ 0/0:19 END=35", "1 40 A <NON_REF> GT:GQ 0/0:99 END=45 LowQ", "MT 10 A <NON_REF> GT:GQ 0/0:20 END=20");

    /// <summary>Which of several records decides: the shortest, then by REF, then by ALT, whatever stands first in the file. They differ in ploidy here.</summary>
    [Theory]
    [InlineData("1:11:C:T", "1 10 AC A GT 0/1", "1 10 ACG A GT 0")]
    [InlineData("1:11:C:T", "1 10 ACG A GT 0", "1 10 AC A GT 0/1")]
    [InlineData("1:11:C:T", "1 10 AG A GT 0", "1 10 AC T GT 0/1")]
    [InlineData("1:11:C:T", "1 10 AC T GT 0", "1 10 AC A GT 0/1")]
    [InlineData("1:11:C:T", "1 10 AC A GT 0", "1 11 C G GT 0/1")]
    public void The_record_that_decides_is_the_one_of_the_page(string variant, string first, string second) =>
        AssertFigures("0 2 0 0 0 0 0 0 0 1 0", variant, first, second);

    /// <summary>Records that cover a span piece by piece: where sex is unknown the first of them to start, then to end, gives the ploidy.</summary>
    [Fact]
    public void Pieces_of_a_span_give_the_ploidy_of_the_first() =>
        AssertFigures("0 2 0 0 0 0 0 0 0 1 0", "X:10:ACG:A", "X 10 AC T GT 0", "X 10 A C GT 0/0", "X 11 C G GT 0/0", "X 12 G T GT 0/0");

    [Theory]
    [InlineData("Y:20005:A:C")]
    [InlineData("Y:20009:AAA:A")]
    public void Evidence_in_the_PARs_of_Y_says_nothing(string variant)
    {
        using var counts = Counts("GRCh37", new NaiveIngest { Sheet = "sample\tsex\ns\tXY\n" }, "Y 20000 A <NON_REF> GT:GQ 0/0:50 END=20010", "Y 20011 A C GT 0/0");
        AssertFigures("0 0 0 0 0 0 0 0 1 1 0", counts, variant, new NaiveQuery());
    }

    /// <summary>Callable regions alone, from the second base of a contig on, and together with a block.</summary>
    [Theory]
    [InlineData("1:2:A:C", "0 2 0 0 0 0 0 0 0 1 0")]
    [InlineData("1:30:A:C", "0 2 0 0 0 0 0 0 0 1 0")]
    [InlineData("1:31:A:C", "0 0 0 0 0 0 0 0 1 1 0")]
    [InlineData("1:29:ACG:A", "0 0 0 0 0 0 0 0 1 1 0")]
    [InlineData("1:49:ACG:A", "0 2 0 0 0 0 0 0 0 1 0")]
    [InlineData("1:39:ACG:A", "0 2 0 0 0 0 0 0 0 1 0")]
    public void Callable_regions_are_evidence_alone_and_beside_blocks(string variant, string figures)
    {
        using var counts = Counts("other", new NaiveIngest { Callable = "1\t0\t30\n1\t35\t40\n1\t50\t60\n" }, "1 41 A <NON_REF> GT:GQ 0/0:50 END=50", "2 5 A C GT 0/1");
        AssertFigures(figures, counts, variant, new NaiveQuery());
    }

    [Fact]
    public void Assumption_gives_the_ploidy_of_the_place_and_says_so()
    {
        using var counts = Counts("GRCh37", new NaiveIngest { AssumeReference = true, Sheet = "sample\tsex\ns\tXY\n" }, "1 10 A C GT 0/1");
        AssertFigures("0 2 0 0 0 0 0 0 0 1 2", counts, "1:500:A:C", new NaiveQuery());
        AssertFigures("0 1 0 0 0 0 0 0 0 1 1", counts, "X:500:A:C", new NaiveQuery());
        AssertFigures("0 0 0 0 0 0 0 0 1 1 0", counts, "Y:10001:A:C", new NaiveQuery());
        AssertFigures("0 0 0 0 0 0 0 0 1 1 0", counts, "Y:500:A:C", new NaiveQuery { AsCalled = true });
        AssertFigures("0 2 0 0 0 0 0 0 0 1 2", counts, "X:500:A:C", new NaiveQuery { AsCalled = true });
    }

    [Theory]
    [InlineData(2, 1000, "0.00035536")]
    [InlineData(1, 1000, "0")]
    [InlineData(0, 0, "0")]
    public void Faf95_is_the_figure_of_the_page(long ac, long an, string printed) => Assert.Equal(printed, Printf.G(NaiveFigures.Faf95(ac, an), 5));

    [Theory]
    [InlineData(0.5, "0.5")]
    [InlineData(1, "1")]
    [InlineData(1.0 / 3, "0.333333")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001234567, "1.23457e-05")]
    [InlineData(0.99999999, "1")]
    [InlineData(123456.7, "123457")]
    public void Numbers_print_as_C_prints_them(double value, string printed) => Assert.Equal(printed, Printf.G(value, 6));

    private static void AssertFigures(string expected, string variant, params string[] records) => AssertFigures(expected, variant, new NaiveQuery(), records);

    private static void AssertFigures(string expected, string variant, NaiveQuery query, params string[] records)
    {
        using var loaded = Counts("other", new NaiveIngest(), records);
        AssertFigures(expected, loaded, variant, query);
    }

    private static void AssertFigures(string expected, Loaded loaded, string variant, NaiveQuery query)
    {
        var f = variant.Split(':');
        var row = loaded.Naive.Frequency(new NaiveVariant(f[0], int.Parse(f[1]) - 1, f[2], f[3]), query);
        Assert.Equal($"{Fields}: {expected}", $"{Fields}: {string.Join(' ', row.Figures)}");
        var answered = Assert.Single(loaded.Engine.Rows(MemoryStore.RequestOf(query) with { Variants = [string.Join('-', f)] }));
        Assert.Equal($"{Fields}: {expected}", $"{Fields}: {string.Join(' ', answered.Figures)}");
    }

    /// <summary>Records of one sample: CHROM POS REF ALT FORMAT CELL [INFO [FILTER]].</summary>
    private static Loaded Counts(string assembly, NaiveIngest how, params string[] records)
    {
        var loaded = new Loaded(new NaiveCounts(assembly), new MemoryStore(assembly));
        string[] lines = ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts", .. records.Select(r => r.Split(' ')).Select(f => $"{f[0]}\t{f[1]}\t.\t{f[2]}\t{f[3]}\t.\t{f.ElementAtOrDefault(7) ?? "PASS"}\t{f.ElementAtOrDefault(6) ?? "."}\t{f[4]}\t{f[5]}")];
        loaded.Naive.Ingest(lines, how);
        loaded.Engine.Ingest(how, "##fileformat=VCFv4.3\n" + string.Concat(lines.Select(l => l + "\n")));
        return loaded;
    }

    private sealed record Loaded(NaiveCounts Naive, MemoryStore Engine) : IDisposable
    {
        public void Dispose() => Engine.Dispose();
    }
}
