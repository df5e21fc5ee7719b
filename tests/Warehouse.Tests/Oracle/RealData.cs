namespace Warehouse.Tests.Oracle;

/// <summary>Which files of the data folder the oracle tests use.</summary>
internal static class RealData
{
    /// <summary>A few files of each gVCF set, small enough for the slow oracles, with the assembly they are on.</summary>
    public static IEnumerable<(string Assembly, string[] Files)> GvcfSets()
    {
        const string Hail = "gvcf/hail-is+hail/hail/hail/test/resources/gvcfs";
        const string Platinum = "gvcf/opencb+opencga/opencga-storage/opencga-storage-core/src/test/resources/platinum";
        yield return ("GRCh38", First($"{Hail}/1kg_chr22", "*.g.vcf.gz", 8));
        yield return ("GRCh38", First($"{Hail}/subset", "*.g.vcf.gz", 1));
        yield return ("GRCh37", First(Platinum, "*.genome.vcf.gz", 6));
        yield return ("GRCh37", First("gvcf/sgkit-dev+bio2zarr/tests/data/vcf", "CEUTrio*.g.vcf.bgz", 1));
    }

    /// <summary>The VCF and BCF files in genotypes with several samples, and their number of genotypes.</summary>
    public static IEnumerable<(string Path, long Genotypes)> MultiSampleFiles()
    {
        foreach (var f in System.IO.File.ReadLines(TestData.File("MANIFEST.tsv")).Skip(1).Select(l => l.Split('\t')))
            if (f[0].StartsWith("genotypes/", StringComparison.Ordinal) && long.TryParse(f[7], out var samples) && samples > 1 && long.TryParse(f[8], out var records))
                yield return (TestData.File(f[0]), samples * records);
    }

    /// <summary>Files that plink2 counts right.</summary>
    public static IEnumerable<string> Plink2Files() =>
        MultiSampleFiles().Select(f => f.Path).Where(p => p.Contains("opencb", StringComparison.Ordinal) || p.Contains("vcflib", StringComparison.Ordinal) || p.EndsWith("test/input_no_DP_GQ.vcf.gz", StringComparison.Ordinal));

    /// <summary>The 1000 Genomes file of 9,750 records of chromosome 22 and 2,504 samples.</summary>
    public static string Chr22 => Opencga("10k.chr22.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz");

    /// <summary>The same genotypes in five files by samples, each without the sites that vary in none of them.</summary>
    public static IEnumerable<string> Chr22Batches() =>
        new[] { "1-500", "501-1000", "1001-1500", "1501-2000", "2001-2504" }.Select(b => Opencga($"{b}.filtered.10k.chr22.phase3_shapeit2_mvncall_integrated_v5.20130502.genotypes.vcf.gz"));

    /// <summary>Super-population of every sample of the 1000 Genomes project.</summary>
    public static Dictionary<string, string> SuperPopulations()
    {
        var of = new Dictionary<string, string>();
        foreach (var (super, populations) in new[] { ("EAS", "CHB JPT CHS CDX KHV"), ("EUR", "CEU TSI FIN GBR IBS"), ("AFR", "YRI LWK GWD MSL ESN ASW ACB"), ("AMR", "MXL PUR CLM PEL"), ("SAS", "GIH PJL BEB STU ITU") })
            foreach (var p in populations.Split(' ')) of[p] = super;
        return System.IO.File.ReadLines(Opencga("20130606_g1k.ped")).Skip(1).Select(l => l.Split('\t')).ToDictionary(f => f[1], f => of[f[6]]);
    }

    /// <summary>A file of the expected and given files of bravo_data_prep.</summary>
    public static string Bravo(string name) => TestData.File("genotypes/statgen+bravo_data_prep/tools/cpp_tools/test/" + name);

    /// <summary>
    /// The expected counts of bravo_data_prep: "NS AN AC Het Hom" by <see cref="CountRow.Key"/>, base alleles only. Its Het means REF beside this ALT;
    /// COUNTS.md counts two different ALTs as het too. At a site of several ALTs Het is therefore AC - 2 Hom, which is the same where all calls are
    /// diploid and whole, as here.
    /// </summary>
    public static Dictionary<string, string> BravoGolden(string name)
    {
        var golden = new Dictionary<string, string>();
        foreach (var f in NaiveVcf.Lines(Bravo(name)).Where(l => l[0] != '#').Select(l => l.Split('\t')))
        {
            var info = f[7].Split(';').Select(i => i.Split('=')).ToDictionary(i => i[0], i => i[^1].Split(','));
            var alts = f[4].Split(',');
            for (var a = 0; a < alts.Length; a++)
                if (NaiveVcf.IsBases(alts[a])) golden.Add(BcftoolsCounts.Key(f[0], f[1], f[3], alts[a]), $"{info["NS"][0]} {info["AN"][0]} {info["AC"][a]} {(alts.Length == 1 ? info["Het"][a] : long.Parse(info["AC"][a]) - (2 * long.Parse(info["Hom"][a])))} {info["Hom"][a]}");
        }
        return golden;
    }

    private static string Opencga(string name) => TestData.File("genotypes/opencb+opencga/" + name);

    private static string[] First(string folder, string pattern, int count) =>
        [.. Directory.GetFiles(TestData.File(folder), pattern).Order(StringComparer.Ordinal).Take(count)];
}
