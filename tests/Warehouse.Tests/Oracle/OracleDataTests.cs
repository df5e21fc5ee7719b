using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>The expectations of <see cref="RealDataTests"/> against each other, without the product.</summary>
public sealed class OracleDataTests
{
    [DataFact("bcftools")]
    public void Golden_counts_of_bravo_data_prep_are_those_of_bcftools()
    {
        foreach (var (input, output) in new[] { ("input.vcf.gz", "allelecounts.output_ok.vcf.gz"), ("input_no_DP_GQ.vcf.gz", "allelecounts.region.output_ok.vcf.gz"), ("input.with_info_fields.vcf.gz", "allelecounts_and_histograms.with_info_fields.output_ok.vcf.gz") })
        {
            var bcftools = BcftoolsCounts.Of(RealData.Bravo(input))[0];
            var golden = RealData.BravoGolden(output);
            Assert.NotEmpty(golden);
            foreach (var (key, figures) in golden)
            {
                var f = figures.Split(' ').Select(int.Parse).ToArray(); // NS AN AC Het Hom
                Assert.Equal($"{key} AC {f[2]} AN {f[1]} AC_Het {f[3]} AC_Hom {2 * f[4]} AC_Hemi 0 NS {f[0]}", $"{key} {bcftools[key]}");
            }
        }
    }

    [DataFact("bcftools", "plink2")]
    public void Plink2_and_bcftools_count_the_files_that_both_count_right_alike()
    {
        foreach (var path in RealData.Plink2Files().Where(p => p.Contains("1k.chr1", StringComparison.Ordinal) || !p.Contains("opencb", StringComparison.Ordinal)))
        {
            var samples = BcftoolsCounts.Samples(path).Where((_, i) => i % 3 == 0).ToArray();
            var bcftools = BcftoolsCounts.Of(path, samples);
            foreach (var (expected, counted) in new[] { (bcftools[0], Plink2Counts.Of(path)), (bcftools[1], Plink2Counts.Of(path, samples)) })
            {
                Assert.NotEmpty(counted);
                foreach (var (key, figures) in expected)
                    Assert.Equal($"{path} {key} {string.Join(' ', figures.Split(' ').Where((_, i) => i is 1 or 3))}", $"{path} {key} {counted.GetValueOrDefault(key, "missing")}");
            }
        }
    }
}
