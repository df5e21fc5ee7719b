using System.Globalization;
using Warehouse.Cli;
using Xunit;

namespace Warehouse.Tests.Export;

/// <summary><c>seen --vcf</c> against <c>seen</c> allele by allele, a naive join, and text.</summary>
public sealed class AnnotationTests
{
    [Fact]
    public void Lines_stay_as_they_are_but_for_the_fields_behind_INFO()
    {
        using var store = new ExportStore();
        store.Ingest("in.vcf", "a b", ["chr1 100 . A G,T . PASS . GT 0/1 2/2", "chr1 200 . A G . PASS . GT 0/0 ./.", "chr1 300 . A G . PASS . GT ./. ./."]);
        var input = store.Write("asked.vcf", "##fileformat=VCFv4.2\n##contig=<ID=1>\n##contig=<ID=9>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tp q\n"
            + "1\t100\trs1\ta\tg,C,T,*,<DEL>\t9.50\tq\tX=1;END=400\tGT:ZZ\t0/1:x\n1\t150\t.\tA\t.\t.\t.\t.\tGT\t0/0\n1\t160\t.\tA\t<NON_REF>\t.\t.\tEND=190\tGT\t0/0\n"
            + "1\t200\t.\tA\tG\t.\t.\t.\tGT\t0/0\n1\t300\t.\tA\tG\t.\t.\tY\tGT\t0/0\n9\t5\t.\tA\tG\t.\t.\t.\tGT\t.\n");
        Assert.Equal(ExitCode.Incomplete, new Cli.Cli().Run("seen", store.Path, "--vcf", input, "-o", store["out.vcf"]));
        var lines = File.ReadAllLines(store["out.vcf"]);
        Assert.Equal("##contig=<ID=9>", lines[2]);
        Assert.Equal("##INFO=<ID=WH_SEEN,Number=A,Type=String,Description=\"seen, not_seen or not_assessable in 2 samples of snapshot 2, alleles trimmed only\">", lines[3]);
        Assert.Equal(["##INFO=<ID=WH_AC,", "##INFO=<ID=WH_AN,", "##INFO=<ID=WH_AF,", "##INFO=<ID=WH_HOM,", "##INFO=<ID=WH_CARRIERS,"], lines[4..9].Select(l => l[..(l.IndexOf(',') + 1)]));
        Assert.Equal(
        [
            "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tp q",
            "1\t100\trs1\ta\tg,C,T,*,<DEL>\t9.50\tq\tX=1;END=400;WH_SEEN=seen,not_seen,seen,.,not_assessable;WH_AC=1,0,2,.,.;WH_AN=4,4,4,.,.;WH_AF=0.25,0,0.5,.,.;WH_HOM=0,0,1,.,.;WH_CARRIERS=1,0,1,.,.\tGT:ZZ\t0/1:x",
            "1\t150\t.\tA\t.\t.\t.\t.\tGT\t0/0", "1\t160\t.\tA\t<NON_REF>\t.\t.\tEND=190\tGT\t0/0",
            "1\t200\t.\tA\tG\t.\t.\tWH_SEEN=not_seen;WH_AC=0;WH_AN=2;WH_AF=0;WH_HOM=0;WH_CARRIERS=0\tGT\t0/0",
            "1\t300\t.\tA\tG\t.\t.\tY;WH_SEEN=not_assessable;WH_AC=.;WH_AN=.;WH_AF=.;WH_HOM=.;WH_CARRIERS=.\tGT\t0/0",
            "9\t5\t.\tA\tG\t.\t.\tWH_SEEN=not_assessable;WH_AC=.;WH_AN=.;WH_AF=.;WH_HOM=.;WH_CARRIERS=.\tGT\t.",
        ], lines[9..]);
        var again = new Cli.Cli();
        Assert.Equal(ExitCode.BadInput, again.Run("seen", store.Path, "--vcf", store["out.vcf"], "-o", store["twice.vcf"]));
        Assert.Contains("annotated before", again.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(store["twice.vcf"]));
    }

    [Theory]
    [InlineData("1\t100\t.\tA\tG\t.\t.\t.\n1\t200\t.\tA\tG\t.\t.\t.\n", ExitCode.Done)]
    [InlineData("1\t200\t.\tA\tG\t.\t.\t.\n", ExitCode.NothingMatched)]
    [InlineData("", ExitCode.NothingMatched)]
    [InlineData("1\t100\t.\tA\tG\t.\t.\t.\n2\t200\t.\tA\tG\t.\t.\t.\n", ExitCode.Incomplete)]
    [InlineData("1\t100\t.\tA\tG\t.\t.\t.\n1\t50\t.\tA\tG\t.\t.\t.\n", ExitCode.BadInput)]
    [InlineData("NC_000001.9\t100\t.\tA\tG\t.\t.\t.\n", ExitCode.BadInput)]
    internal void Exit_codes_are_those_of_seen(string records, ExitCode code)
    {
        using var store = new ExportStore();
        store.Ingest("in.vcf", "a", ["1 100 . A G . PASS . GT 0/1", "1 200 . A G . PASS . GT 0/0"]);
        var input = store.Write("asked.vcf", "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + records);
        Assert.Equal(code, new Cli.Cli().Run("seen", store.Path, "--vcf", input, "-o", store["out.vcf.gz"]));
        Assert.Equal(code != ExitCode.BadInput, File.Exists(store["out.vcf.gz"]));
        if (code == ExitCode.BadInput) return;
        using var written = Warehouse.Engine.Vcf.VariantFile.Open(store["out.vcf.gz"], new());
        Assert.Contains(written.Header.MetaLines, l => l.StartsWith("##INFO=<ID=WH_SEEN,", StringComparison.Ordinal));
    }

    [Fact]
    public void The_chrM_of_hg19_is_asked_where_ingest_put_it()
    {
        const string Header = "##fileformat=VCFv4.2\n##contig=<ID=chrM,length=16571>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n";
        using var store = new ExportStore("hg19");
        var file = store.Write("m.vcf", Header + "chrM\t100\t.\tA\tG\t.\tPASS\t.\tGT\t1\n");
        Assert.Equal(ExitCode.Done, new Cli.Cli().Run("ingest", store.Path, file));
        Assert.Equal(ExitCode.Done, new Cli.Cli().Run("seen", store.Path, "--vcf", file, "-o", store["out.vcf"]));
        Assert.Contains("WH_SEEN=seen;WH_AC=1;WH_AN=1;", File.ReadAllText(store["out.vcf"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_that_step_back_by_left_shifts_answer_as_seen_does_allele_by_allele()
    {
        // A contig of long repeats: alleles of a record far right are left-shifted behind records of earlier windows.
        var random = new Random(20251120);
        var bases = string.Concat(Enumerable.Range(0, 400).Select(_ => Unit(random)));
        using var folder = new TempFolder();
        File.WriteAllText(folder["ref.fa"], ">c1\n" + bases + "\n");
        File.WriteAllText(folder["ref.fa.fai"], FormattableString.Invariant($"c1\t{bases.Length}\t4\t{bases.Length}\t{bases.Length + 1}\n"));
        using var store = new ExportStore("made-up", folder["ref.fa"]);
        var (stored, asked) = (new List<string>(), new List<string>());
        var spellings = new List<string>();
        for (var at = 1; at < bases.Length - 40; at += random.Next(1, 3))
        {
            var (reference, alternate) = Change(bases, at, random);
            asked.Add($"c1\t{at + 1}\t.\t{reference}\t{alternate}\t.\t.\t.\n");
            spellings.Add($"c1-{at + 1}-{reference}-{alternate}");
            if (random.Next(3) == 0) stored.Add($"c1 {at + 1} . {reference} {alternate} . PASS . GT {random.Next(2)}/1 {(random.Next(4) == 0 ? "./." : "0/0")} 0/{random.Next(2)}");
        }
        Assert.True(asked.Count > 4096, $"{asked.Count} records: one window, raise the number");
        ExportStore.Must("ingest", store.Path, store.Write("in.vcf", ExportStore.Vcf("a b c", [.. stored])), "--on-error", "skip");
        var input = store.Write("asked.vcf", "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + string.Concat(asked));
        new Cli.Cli().Run("seen", store.Path, "--vcf", input, "-o", store["out.vcf"]);
        var answers = new Cli.Cli { Input = string.Join('\n', spellings) + "\n" };
        answers.Run("seen", store.Path, "-", "--format", "tsv");
        var rows = answers.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var column = rows[0].Split('\t').Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i);
        var expected = rows.Skip(1).Select(r => r.Split('\t')).Select(f => f[column["answer"]] == "not assessable"
            ? "WH_SEEN=not_assessable;WH_AC=.;WH_AN=.;WH_AF=.;WH_HOM=.;WH_CARRIERS=."
            : $"WH_SEEN={f[column["answer"]].Replace(' ', '_')};WH_AC={f[column["ac"]]};WH_AN={f[column["an"]]};WH_AF={f[column["af"]]};WH_HOM={f[column["n_hom_alt"]]};WH_CARRIERS={f[column["carriers"]]}").ToList();
        var actual = File.ReadAllLines(store["out.vcf"]).Where(l => l[0] != '#').Select(l => l.Split('\t')[7]).ToList();
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++) Assert.True(expected[i] == actual[i], $"seed 20251120, {spellings[i]}: expected {expected[i]}, found {actual[i]}");
        Assert.Contains(actual, a => a.StartsWith("WH_SEEN=seen", StringComparison.Ordinal));
        Assert.Contains(actual, a => a.StartsWith("WH_SEEN=not_seen", StringComparison.Ordinal));
    }

    [Fact]
    public void A_joint_file_annotated_with_itself_says_its_own_counts()
    {
        using var store = new ExportStore();
        ExportStore.Must("simulate", store["sim"], "--samples", "30", "--variants", "2000", "--seed", "3");
        var input = Directory.GetFiles(store["sim"], "*.vcf.gz").Single();
        store.IngestFiles(input);
        new Cli.Cli().Run("seen", store.Path, "--vcf", input, "-o", store["out.vcf"]);
        // The naive join: alleles of freq by place and text. Without a reference a trimmed allele is found by trimming again.
        var freq = ExportStore.Must("freq", store.Path, "--format", "tsv").Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(l => l.Split('\t')).ToDictionary(f => string.Join(' ', f[..4]), f => f[4..]);
        var compared = 0;
        foreach (var f in File.ReadLines(store["out.vcf"]).Where(l => l[0] != '#').Select(l => l.Split('\t')))
        {
            var info = f[7].Split(';').Select(i => i.Split('=')).Where(i => i.Length == 2).ToDictionary(i => i[0], i => i[1].Split(','));
            var alts = f[4].Split(',');
            for (var a = 0; a < alts.Length; a++)
            {
                if (alts[a].AsSpan().ContainsAnyExcept("ACGT")) continue;
                compared++;
                var row = freq[Trimmed(f[0], int.Parse(f[1], CultureInfo.InvariantCulture), f[3], alts[a])];
                var assessed = row[1] != "0";
                Assert.Equal(assessed ? $"{row[0]} {row[1]} {row[2]} {row[4]} {row[7]}" : ". . . . .", $"{info["WH_AC"][a]} {info["WH_AN"][a]} {info["WH_AF"][a]} {info["WH_HOM"][a]} {info["WH_CARRIERS"][a]}");
                Assert.Equal(!assessed ? "not_assessable" : row[0] == "0" ? "not_seen" : "seen", info["WH_SEEN"][a]);
            }
        }
        Assert.True(compared > 1500, $"{compared} alleles");
    }

    private static string Trimmed(string contig, int position, string reference, string alternate)
    {
        while (reference.Length > 1 && alternate.Length > 1 && reference[^1] == alternate[^1]) (reference, alternate) = (reference[..^1], alternate[..^1]);
        while (reference.Length > 1 && alternate.Length > 1 && reference[0] == alternate[0]) (position, reference, alternate) = (position + 1, reference[1..], alternate[1..]);
        return $"{contig} {position} {reference} {alternate}";
    }

    /// <summary>A stretch of 1 to 4 bases repeated up to 60 times.</summary>
    private static string Unit(Random random)
    {
        var unit = string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => "ACGT"[random.Next(4)]));
        return string.Concat(Enumerable.Repeat(unit, random.Next(1, 20)));
    }

    private static (string Ref, string Alt) Change(string bases, int at, Random random)
    {
        switch (random.Next(4))
        {
            case 0: return (bases.Substring(at, 1), "ACGT".Replace(bases.Substring(at, 1), "", StringComparison.Ordinal).Substring(random.Next(3), 1));
            case 1: return (bases.Substring(at, 1 + random.Next(1, 9)), bases.Substring(at, 1));
            case 2:
                var deleted = bases.Substring(at, random.Next(2, 10));
                return (deleted, deleted[..1]);
            default:
                return (bases.Substring(at, 1), bases.Substring(at, 1) + bases.Substring(at + 1, random.Next(1, 9)));
        }
    }
}
