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

    private static string[] First(string folder, string pattern, int count) =>
        [.. Directory.GetFiles(TestData.File(folder), pattern).Order(StringComparer.Ordinal).Take(count)];
}
