using Xunit;

namespace Warehouse.Tests.Export;

/// <summary>Exports against programs of others: real and simulated files come back with the same genotypes, and nobody complains about what is written.</summary>
public sealed class ExportPeerTests
{
    private const string Query = "%CHROM\t%POS\t%REF\t%ALT[\t%GT]\n";

    /// <summary>Files that the product rightly refuses: an ALT named twice, an allele number above the ALTs.</summary>
    private static readonly string[] Refused = ["field_type_combos.vcf.gz", "first.vcf"];

    /// <summary>Records and samples above which a file is left to other tests.</summary>
    private const long MostGenotypes = 8_000_000;

    [DataFact("bcftools")]
    public void Real_files_come_back_with_the_same_genotypes()
    {
        var wrong = new List<string>();
        var (files, lines) = (0, 0);
        foreach (var path in RealFiles())
        {
            using var store = new ExportStore("any1");
            try
            {
                store.IngestFiles(path);
                if (FirstDifference(Expected(path), Genotypes(files % 2 == 0 ? store.Export("out.vcf.gz") : store.Export("out.bcf", "bcf")), ref lines) is { } difference) wrong.Add($"{path}: {difference}");
                files++;
            }
            catch (Exception e) when (e is not OutOfMemoryException) { wrong.Add($"{path}: {e.Message}"); }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(files > 60 && lines > 30_000, $"only {files} files with {lines} lines");
    }

    [PeerFact("bcftools", "tabix", "plink2")]
    public void Simulated_cohorts_come_back_and_no_program_complains()
    {
        using var store = new ExportStore();
        ExportStore.Must("simulate", store["sim"], "--samples", "60", "--variants", "3000", "--seed", "11");
        var input = Directory.GetFiles(store["sim"], "*.vcf.gz").Single();
        store.IngestFiles(input, "--samples", Directory.GetFiles(store["sim"], "*.tsv").Single(f => Path.GetFileName(f).Contains("sample", StringComparison.Ordinal)));
        var export = store.Export("out.vcf.gz");
        var lines = 0;
        Assert.Null(FirstDifference(Expected(input), Genotypes(export), ref lines));
        Assert.True(lines > 2000, $"{lines} lines");
        Assert.Null(FirstDifference(Genotypes(export), Genotypes(store.Export("out.bcf", "bcf")), ref lines));
        Silent("bcftools", "view", "-o", store["view.vcf"], store["out.bcf"]);
        Silent("bcftools", "index", store["out.bcf"]);
        Silent("tabix", "-p", "vcf", export);
        Silent("bcftools", "view", "-o", store["view.bcf"], export);
        Silent("bcftools", "norm", "-m-", "-o", store["norm.vcf"], export);
        Quiet("plink2", "--vcf", export, "--freq", "counts", "--allow-extra-chr", "--split-par", "hg38", "--update-sex", Sexes(store), "--out", store["plink"]);
        Assert.Equal(Peer.Output("bcftools", "query", "-f", "%POS %REF %ALT %AC %AN\n", export), Filled(store, export));
        using var again = new ExportStore();
        again.IngestFiles(export, "--samples", Directory.GetFiles(store["sim"], "*.tsv").Single(f => Path.GetFileName(f).Contains("sample", StringComparison.Ordinal)));
        Assert.Equal(ExportStore.Must("freq", store.Path, "--format", "tsv"), ExportStore.Must("freq", again.Path, "--format", "tsv"));
    }

    [PeerFact("bcftools")]
    public void Frequencies_of_an_export_of_half_calls_are_those_of_bcftools()
    {
        using var store = new ExportStore("any1");
        store.Ingest("in.vcf", "a b c d", ["1 100 . A G,T . PASS . GT 0/1 ./2 1/. ./.", "1 200 . A * . q10 . GT 0/1 1/1 . 0", "1 300 . AC A . s50;q10 . GT 0|1 1 ./. .", "1 400 . A C . PASS . GT ./. ./. . ./."]);
        var export = store.Export("out.vcf");
        Assert.Equal("100 A G,T 2,1 4\n200 A * 3 5\n300 AC A 2 3\n400 A C 0 0\n", Peer.Output("bcftools", "query", "-f", "%POS %REF %ALT %AC %AN\n", export));
        Assert.Equal(Peer.Output("bcftools", "query", "-f", "%POS %REF %ALT %AC %AN\n", export), Filled(store, export));
    }

    [NodeFact("apache-arrow")]
    public void Apache_arrow_for_JavaScript_reads_the_rows()
    {
        using var store = new ExportStore("any1");
        store.Ingest("in.vcf", "a b", ["1 100 . A G . PASS . GT:GQ:DP:AD 0/1:30:12:6,6 1|1:.:9:."]);
        var rows = Peer.RunIn(Path.Combine(TestData.ProjectRoot, "tests", "interop"), "node", "arrow.mjs", "read", store.Export("out.arrows", "arrow"));
        Assert.Equal("", rows.Error);
        Assert.EndsWith("[\"1\",\"100n\",\"A\",\"G\",\"a\",\"0/1\",\"het\",\"30n\",\"12n\",\"6n\",\"6n\"]\n[\"1\",\"100n\",\"A\",\"G\",\"b\",\"1|1\",\"hom_alt\",null,\"9n\",null,null]\n", rows.Output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> RealFiles()
    {
        foreach (var f in File.ReadLines(TestData.File("MANIFEST.tsv")).Skip(1).Select(l => l.Split('\t')))
        {
            if (!(f[0].StartsWith("genotypes/", StringComparison.Ordinal) || f[0].StartsWith("gvcf/", StringComparison.Ordinal))) continue;
            if (!long.TryParse(f[7], out var samples) || !long.TryParse(f[8], out var records) || samples == 0 || records == 0 || samples * records > MostGenotypes) continue;
            if (!Refused.Contains(Path.GetFileName(f[0]))) yield return TestData.File(f[0]);
        }
    }

    /// <summary>Genotypes of the records that the store keeps, alleles in upper case.</summary>
    private static List<string> Expected(string path) => [.. Genotypes(path).Where(l =>
    {
        var alts = l.Split('\t', 5)[3];
        return alts != "." && alts.Split(',').Any(a => a is not ("<*>" or "<NON_REF>"));
    })];

    private static List<string> Genotypes(string path)
    {
        var lines = new List<string>();
        // A file without GT is asked for as many missing calls: that is what the store has of it.
        var withoutGt = Peer.Run("bcftools", "query", "-f", Query, path).Error.Contains("FORMAT/GT", StringComparison.Ordinal);
        foreach (var line in Peer.Output("bcftools", "query", "-f", withoutGt ? Query.Replace("%GT", ".", StringComparison.Ordinal) : Query, path).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var fields = line.Split('\t', 5);
            var alts = string.Join(',', fields[3].Split(',').Select(a => a[0] is '<' || a.Contains('[') || a.Contains(']') ? a : a.ToUpperInvariant()));
            lines.Add($"{fields[0]}\t{fields[1]}\t{fields[2].ToUpperInvariant()}\t{alts}\t{fields[4]}");
        }
        lines.Sort(StringComparer.Ordinal);
        return lines;
    }

    private static string? FirstDifference(List<string> expected, List<string> actual, ref int lines)
    {
        lines += expected.Count;
        for (var i = 0; i < Math.Max(expected.Count, actual.Count); i++)
        {
            var (e, a) = (i < expected.Count ? expected[i] : "nothing", i < actual.Count ? actual[i] : "nothing");
            if (e != a) return $"{expected.Count} expected, {actual.Count} found, first difference\n  {e[..Math.Min(300, e.Length)]}\n  {a[..Math.Min(300, a.Length)]}";
        }
        return null;
    }

    private static string Filled(ExportStore store, string export)
    {
        Peer.Output("bcftools", "annotate", "-x", "INFO", "-o", store["bare.vcf"], export);
        Peer.Output("bcftools", "+fill-tags", store["bare.vcf"], "-o", store["filled.vcf"], "--", "-t", "AC,AN");
        return Peer.Output("bcftools", "query", "-f", "%POS %REF %ALT %AC %AN\n", store["filled.vcf"]);
    }

    private static string Sexes(ExportStore store)
    {
        var sheet = Directory.GetFiles(store["sim"], "*.tsv").Single(f => Path.GetFileName(f).Contains("sample", StringComparison.Ordinal));
        var rows = File.ReadAllLines(sheet).Select(l => l.Split('\t')).ToList();
        var sex = Array.IndexOf(rows[0], "sex");
        return store.Write("sexes.txt", "#IID\tSEX\n" + string.Concat(rows.Skip(1).Select(r => $"{r[0]}\t{(r[sex] == "XX" ? 2 : 1)}\n")));
    }

    private static void Silent(string program, params string[] arguments)
    {
        var (exit, _, error) = Peer.Run(program, arguments);
        Assert.True(exit == 0 && error.Split('\n').All(l => l.Length == 0 || l.StartsWith("Lines ", StringComparison.Ordinal)), $"{program} {string.Join(' ', arguments)}: exit {exit}\n{error}");
    }

    private static void Quiet(string program, params string[] arguments)
    {
        var (exit, output, error) = Peer.Run(program, arguments);
        Assert.True(exit == 0 && error.Length == 0 && !output.Contains("Warning", StringComparison.Ordinal), $"{program} {string.Join(' ', arguments)}: exit {exit}\n{output}\n{error}");
    }
}
