using Warehouse.Cli;
using Xunit;

namespace Warehouse.Tests.Export;

/// <summary>Lines of an export against what went in, as text.</summary>
public sealed class LineExportTests
{
    [Fact]
    public void Every_kind_of_genotype_comes_back_as_it_was_written()
    {
        string[] records =
        [
            "1 100 rs1 A G . PASS . GT 0/0 0|1 1|0 ./. 1/1 .",
            "1 200 . A G,T . q10;s50 . GT 1|2 2|1 1/2 2/1 0/2 2/0",
            "1 300 a;b AC A,ACC . . . GT ./1 1/. .|2 2|. 0|0 1|1",
            "1 400 . A G . PASS . GT 0/0/1 1|1|0 /1 |0|1 0 1",
            "1 500 . A * . PASS . GT 0/1 1/1 0/0 ./. 1 0",
            "1 500 . AT *,A,<NON_REF> . PASS . GT 0/1 1|2 0/3 ./. 2 0",
            "1 600 . N <DEL> . PASS SVTYPE=DEL;END=900 GT 0/1 1|1 0/0 ./. 1 0",
            "2 50 . A G . PASS . GT 0|0 0|0 0|0 0|0 0|0 0|0",
        ];
        using var store = new ExportStore("made-up");
        store.Ingest("in.vcf", "a b c d e f", records);
        // VCF 4.3 has no phase character before the first allele.
        var expected = records.Select(r => r.Replace(" /1 |0|1 ", " 1 0|1 ").Split(' ')).Select(f => string.Join(' ', f[..5].Concat(f[6..7]).Concat(f[8..])));
        Assert.Equal(expected, store.Lines());
    }

    [Fact]
    public void Evidence_of_carriers_comes_back_and_the_rest_is_missing()
    {
        using var store = new ExportStore("made-up");
        store.Ingest("in.vcf", "a b c",
        [
            "1 100 . A G . PASS . GT:GQ:DP:AD 0/1:30:12:6,6 0/0:40:20:20,0 1/1:.:9:.",
            "1 200 . A G,T . PASS . GT:DP 0/0:3 1/2:5 2|1:.",
            "1 300 . A G . PASS . GT:AD 0/1:1,. 0/0:7,0 ./.:1,1",
            "1 400 . A G . PASS . GQ 7 8 9",
            "1 500 . A G . PASS . GT:GQ 0/0:10 0/0:20 ./.:5",
        ]);
        Assert.Equal(
        [
            "1 100 . A G PASS GT:AD:DP:GQ 0/1:6,6:12:30 0/0:.:.:. 1/1:.:9:.",
            "1 200 . A G,T PASS GT:DP 0/0:. 1/2:5 2|1:.",
            "1 300 . A G PASS GT:AD 0/1:1,. 0/0:. ./.:.",
            "1 400 . A G PASS GT . . .",
            "1 500 . A G PASS GT 0/0 0/0 ./.",
        ], store.Lines());
    }

    [Fact]
    public void Header_names_contigs_in_order_filters_seen_and_samples()
    {
        using var store = new ExportStore();
        store.Ingest("in.vcf", "b a", ["chrM 10 . A G . q10 . GT:DP 0/1:4 0/0:4", "chr2 10 . A G . s50;q10 . GT 0/1 0/0", "chr1 10 . A G . PASS . GT 0/1 0/0"]);
        Assert.Equal(
        [
            "##fileformat=VCFv4.3", "##source=warehouse export", "##FILTER=<ID=PASS,Description=\"All filters passed\">",
            "##FILTER=<ID=q10,Description=\"As the loaded files wrote it\">", "##FILTER=<ID=s50,Description=\"As the loaded files wrote it\">",
            "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Copies of each ALT allele in the genotypes of this file\">",
            "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called alleles in the genotypes of this file\">", "##INFO=<ID=AF,Number=A,Type=Float,Description=\"AC / AN\">",
            "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">",
            "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Genotype quality, of carriers of an ALT allele\">",
            "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Read depth, of carriers of an ALT allele\">",
            "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Read depth of each allele, of carriers of an ALT allele\">",
            "##contig=<ID=chr1>", "##contig=<ID=chr2>", "##contig=<ID=chrM>",
            "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tb\ta",
            "chr1\t10\t.\tA\tG\t.\tPASS\tAC=1;AN=4;AF=0.25\tGT\t0/1\t0/0", "chr2\t10\t.\tA\tG\t.\ts50;q10\tAC=1;AN=4;AF=0.25\tGT\t0/1\t0/0",
            "chrM\t10\t.\tA\tG\t.\tq10\tAC=1;AN=4;AF=0.25\tGT:DP\t0/1:4\t0/0:.",
        ], File.ReadAllLines(store.Export("out.vcf")));
    }

    [Fact]
    public void Samples_without_the_record_get_their_state_at_the_line()
    {
        // x and y: one joint file, assumed reference elsewhere. g: a gVCF. v: a variants file without assumption.
        using var store = new ExportStore();
        store.Ingest("joint.vcf", "x y", ["chr1 100 . A G . PASS . GT 0/1 0|0", "chr1 200 . AT A . PASS . GT 0/1 0/0", "chr1 400 . A C,T . PASS . GT 1|2 0/2", "chrX 5000000 . A G . PASS . GT 0/1 0/0"], "--assume-reference");
        store.Ingest("g.vcf", "g",
        [
            "chr1 50 . A <NON_REF> . . END=150 GT:GQ 0/0:60", "chr1 201 . T C . PASS . GT 0|1", "chr1 300 . C G . PASS . GT 1/1",
            "chr1 400 . A T,C,<NON_REF> . PASS . GT 2|1", "chrX 4999990 . A <NON_REF> . . END=5000010 GT:GQ 0:60",
        ]);
        store.Ingest("v.vcf", "v", ["chr1 400 . AC GC . PASS . GT 0|1", "chr1 500 rs5 G A . PASS . GT ./1", "chr1 600 . TTT TTC . PASS . GT 1|0"]);
        store.Ingest("w.vcf", "w", ["chr1 400 . A C . PASS . GT 0/1", "chr1 400 . A T . PASS . GT 0|1", "chr1 600 . T C . PASS . GT 0/1"]);
        store.IngestFiles(store.Write("empty.vcf", ExportStore.Vcf("x", [])), "--samples", store.Write("sheet.tsv", "sample\tsex\nx\tXX\ny\tXY\ng\tXY\nv\tXY\nw\tXX\n"));
        Assert.Equal(
        [
            "chr1 100 . A G PASS GT 0/1 0|0 0/0 ./. ./.",
            // g is outside its block and has a call over the second base only: it touches, and passes, but does not cover.
            "chr1 200 . AT A PASS GT 0/1 0/0 ./. ./. ./.",
            // x carries a deletion of this base: another allele than T and C.
            "chr1 201 . T C PASS GT 0/. 0/0 0|1 ./. ./.",
            "chr1 300 . C G PASS GT 0/0 0/0 1/1 ./. ./.",
            // v has A to G, which this line lacks; w has the site split in two.
            "chr1 400 . A C PASS GT 1|. 0/. 1|. 0|. 0/1",
            "chr1 400 . A C,T PASS GT 1|2 0/2 1|2 0|. 1/2",
            "chr1 400 . A T PASS GT .|1 0/1 .|1 0|. 0|1",
            "chr1 400 . A T,C,<NON_REF> PASS GT 2|1 0/1 2|1 0|. 1/2",
            "chr1 400 . AC GC PASS GT .|. 0/. .|. 0|1 0/.",
            "chr1 500 rs5 G A PASS GT 0/0 0/0 ./. ./1 ./.",
            "chr1 600 . T C PASS GT 0/0 0/0 ./. .|0 0/1",
            "chr1 600 . TTT TTC PASS GT 0/0 0/0 ./. 1|0 ./.",
            "chrX 5000000 . A G PASS GT 0/1 0/0 0 . ./.",
        ], store.Lines());
        Assert.Equal(["chr1 500 rs5 G A PASS GT ./1", "chr1 600 . TTT TTC PASS GT 1|0"], store.Lines("--samples-file", store.Write("v.txt", "v\n"), "--region", "chr1:500-700"));
    }

    [Fact]
    public void Symbolic_alleles_say_where_they_lie()
    {
        using var store = new ExportStore();
        store.Ingest("in.vcf", "a",
        [
            "1 100 . N <DEL> . PASS SVTYPE=DEL;END=400;CIPOS=-5,9;CIEND=-1,2 GT 0/1", "1 200 . N <DUP>,<DEL> . PASS SVLEN=50,-70;END=270 GT 1/2",
            "1 300 . N <INS> . PASS SVTYPE=INS GT 0/1", "1 400 . N N[2:100[ . PASS SVTYPE=BND GT 0/1", "1 500 . AT A . PASS . GT 0/1",
        ]);
        Assert.Equal(
        [
            "AC=1;AN=2;AF=0.5;END=400;SVLEN=-300;CIPOS=-5,9;CIEND=-1,2", "AC=1,1;AN=2;AF=0.5,0.5;END=270;SVLEN=50,-70", "AC=1;AN=2;AF=0.5", "AC=1;AN=2;AF=0.5", "AC=1;AN=2;AF=0.5",
        ], File.ReadLines(store.Export("out.vcf")).Where(l => l[0] != '#').Select(l => l.Split('\t')[7]));
        using var again = new ExportStore();
        again.IngestFiles(store["out.vcf"]);
        Assert.Equal(File.ReadAllText(store["out.vcf"]), File.ReadAllText(again.Export("out.vcf")));
    }

    [Fact]
    public void Compaction_changes_no_line()
    {
        using var store = new ExportStore();
        store.Ingest("a.vcf", "a b", ["1 100 rs2 A G . PASS . GT 0|1 1|0", "1 200 . A G,T . PASS . GT:GQ:DP:AD 2/1:30:9:1,4,4 ./1:.:8:4,4,0", "1 250 . A G,T . q10 . GQ 3 4"]);
        store.Ingest("b.vcf", "c d", ["1 100 rs1 A G . PASS . GT 1/1 .", "1 200 . A G,T . PASS . GT:DP 2|1:7 1|2:6", "1 300 . AC A . PASS . GT 0/0/1 1"]);
        store.Ingest("c.vcf", "e", ["1 100 . A <NON_REF> . . END=290 GT:GQ 0/0:50", "1 302 . A T . PASS . GT 0|1"]);
        var before = store.Lines();
        ExportStore.Must("compact", store.Path);
        Assert.Equal(before, store.Lines());
        Assert.Equal("1 100 rs2 A G PASS GT 0|1 1|0 1/1 . 0/0", before[0]);
    }

    [Fact]
    public void Records_written_alike_are_one_line_and_other_filters_another()
    {
        using var store = new ExportStore();
        store.Ingest("a.vcf", "a", ["1 100 . a g . PASS . GT 0/1", "1 200 rs9 A G . PASS . GT 1/1", "1 300 . N <DEL> . PASS SVTYPE=DEL;END=400 GT 0/1"], "--assume-reference");
        store.Ingest("b.vcf", "b", ["1 100 rs1 A G . PASS . GT 1|0", "1 200 . A G . q10 . GT 0/1", "1 300 . N <DEL> . PASS SVTYPE=DEL;END=500 GT 1/1"], "--assume-reference");
        Assert.Equal(
        [
            "1 100 rs1 A G PASS GT 0/1 1|0", "1 200 rs9 A G PASS GT 1/1 0/1", "1 200 . A G q10 GT 1/1 0/1",
            "1 300 . N <DEL> PASS GT 0/1 ./.", "1 300 . N <DEL> PASS GT ./. 1/1",
        ], store.Lines());
    }

    [Fact]
    public void Withdrawn_samples_take_their_own_alleles_with_them()
    {
        using var store = new ExportStore();
        store.Ingest("in.vcf", "a b c", ["1 100 . A G . PASS . GT 0/1 0/0 0/0", "1 200 . A C,G,T . a,b . GT:AD 1/2:1,2,3,4 0/3:5,6,7,8 3|1|0:9,10,11,12", "1 300 . A G . PASS . GT 0/0 0/0 0/0"]);
        ExportStore.Must("withdraw", store.Path, "--samples-file", store.Write("gone.txt", "a\n"));
        Assert.Equal(["1 200 . A C,T a%2Cb GT:AD 0/2:5,6,8 2|1|0:9,10,12", "1 300 . A G PASS GT 0/0 0/0"], store.Lines());
        Assert.Equal(["1 200 . A C,T a%2Cb GT:AD 0/2:5,6,8", "1 300 . A G PASS GT 0/0"], store.Lines("--samples-file", store.Write("b.txt", "b\n")));
    }

    [Fact]
    public void Regions_select_lines_by_normalised_position()
    {
        using var store = new ExportStore();
        store.Ingest("in.vcf", "a", ["1 100 . ACCC ACCG . PASS . GT 0/1", "1 200 . A G . PASS . GT 0/1", "2 100 . A G . PASS . GT 0/1"]);
        Assert.Equal(["1 100 . ACCC ACCG PASS GT 0/1"], store.Lines("--region", "1:103-103"));
        Assert.Empty(store.Lines("--region", "1:100-102"));
        Assert.Equal(["1 200 . A G PASS GT 0/1", "2 100 . A G PASS GT 0/1"], store.Lines("--region", "2", "--region", "1:150-250", "--region", "1:200-300"));
    }

    [Fact]
    public void An_older_snapshot_exports_what_it_held()
    {
        using var store = new ExportStore();
        store.Ingest("one.vcf", "a", ["1 100 . A G . PASS . GT 0/1"]);
        var snapshot = ExportStore.Must("snapshots", store.Path, "--format", "tsv").Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Split('\t')[0];
        store.Ingest("two.vcf", "a", ["1 100 . A T . PASS . GT 1/1"], "--replace");
        Assert.Equal(["1 100 . A T PASS GT 1/1"], store.Lines());
        Assert.Equal(["1 100 . A G PASS GT 0/1"], store.Lines("--as-of", snapshot));
    }

    [Fact]
    public void Rows_are_carriers_of_normalised_variants()
    {
        using var store = new ExportStore();
        store.Ingest("in.vcf", "a b", ["1 100 . ACC ACG,A . PASS . GT:GQ:DP:AD 2|1:30:9:1,4,4 0/1:.:8:4,4,0", "X 5000000 . A G . PASS . GT 1 ./1"]);
        store.Ingest("z.vcf", "z", ["1 102 . C G . PASS . GT 1|1"]);
        Assert.Equal(
            "contig\tpos\tref\talt\tsample\tgt\tzygosity\tgq\tdp\tad_ref\tad_alt\n"
            + "1\t100\tACC\tA\ta\t2|1\thet\t30\t9\t1\t4\n1\t102\tC\tG\ta\t2|1\thet\t30\t9\t1\t4\n1\t102\tC\tG\tb\t0/1\thet\t.\t8\t4\t4\n1\t102\tC\tG\tz\t1|1\thom_alt\t.\t.\t.\t.\n"
            + "X\t5000000\tA\tG\ta\t1\themi\t.\t.\t.\t.\nX\t5000000\tA\tG\tb\t./1\thalf\t.\t.\t.\t.\n", ExportStore.Must("export", store.Path, "--format", "tsv", "-o", "-"));
        Assert.Equal(ExitCode.BadInput, new Cli.Cli().Run("export", store.Path, "--format", "tsv", "--cohort", "none", "-o", "-"));
    }
}
