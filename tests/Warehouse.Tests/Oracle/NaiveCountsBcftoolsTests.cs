using Xunit;

namespace Warehouse.Tests.Oracle;

/// <summary>The evaluator against bcftools, on the real files small enough for it and on random joint files.</summary>
public sealed partial class NaiveCountsBcftoolsTests
{
    private const long MostGenotypes = 150_000;

    [DataFact("bcftools")]
    public void Naive_evaluator_counts_the_multi_sample_files_as_bcftools_does()
    {
        var compared = 0;
        foreach (var (path, _) in RealData.MultiSampleFiles().Where(f => f.Genotypes <= MostGenotypes))
        {
            var counts = new NaiveCounts("other");
            counts.Ingest(Peer.Output("bcftools", "view", "--no-version", path).Split('\n', StringSplitOptions.RemoveEmptyEntries), new NaiveIngest());
            var expected = BcftoolsCounts.Of(path)[0];
            compared += expected.Count;
            var difference = BcftoolsCounts.FirstDifference(expected, counts.Frequencies(new NaiveQuery()));
            Assert.True(difference is null, $"{path}: {difference}");
        }
        Assert.True(compared > 500, $"only {compared} alleles compared");
    }

    [PeerFact("bcftools")]
    public void Naive_evaluator_counts_random_joint_files_as_bcftools_does()
    {
        var compared = 0;
        using var folder = new TempFolder();
        for (var seed = 1; seed <= 20; seed++)
        {
            var file = new RandomStore(seed).Commands.SelectMany(c => c.Files).FirstOrDefault(f => !f.Text.Contains("END=") && !f.Text.Contains("LEN=<"));
            if (file is null) continue;
            System.IO.File.WriteAllText(folder["joint.vcf"], Triploid().Replace(file.Text, "$1"));
            var counts = new NaiveCounts("other");
            counts.Ingest(folder["joint.vcf"], new NaiveIngest());
            var expected = BcftoolsCounts.Of(folder["joint.vcf"])[0];
            compared += expected.Count;
            var difference = BcftoolsCounts.FirstDifference(expected, counts.Frequencies(new NaiveQuery()));
            Assert.True(difference is null, $"seed {seed}: {difference}\n{file.Text}");
        }
        Assert.True(compared > 50, $"only {compared} alleles compared");
    }

    [System.Text.RegularExpressions.GeneratedRegex(@"(\t[0-9.][/|][0-9.])[/|][0-9.](?=[:\t\n])")]
    private static partial System.Text.RegularExpressions.Regex Triploid();
}
