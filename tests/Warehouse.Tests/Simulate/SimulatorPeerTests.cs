using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Simulate;

/// <summary>The simulator's files and its truth against programs that know nothing of it.</summary>
public sealed class SimulatorPeerTests
{
    private static readonly SimulationOptions Small = new()
    {
        Folder = "", Samples = 14, Variants = 300, MissingRate = 0.04, HalfCallRate = 0.01, PlantSexErrors = 2, PlantDuplicates = 1, Truth = true,
    };

    private static string Oracle => Path.Combine(TestData.Folder!, "..", "tools", "counts_oracle.py");

    [DataFact("python3")]
    public void Oracle_equals_the_truth_of_a_joint_file() => OracleEqualsTruth(Small with { Shape = SimulationShape.Joint, Format = SimulationFormat.Full, Unnormalised = true });

    [DataFact("python3")]
    public void Oracle_equals_the_truth_of_gvcf() => OracleEqualsTruth(Small with { Shape = SimulationShape.Gvcf });

    [DataFact("python3")]
    public void Oracle_equals_the_truth_of_gvcf_split_by_contig() => OracleEqualsTruth(Small with { Shape = SimulationShape.Gvcf, SplitByContig = true, Unnormalised = true, Seed = 7 });

    [DataFact("python3")]
    public void Oracle_equals_the_truth_of_single_files_under_assumption() => OracleEqualsTruth(Small with { Shape = SimulationShape.Single, Seed = 8 });

    [DataFact("python3")]
    public void Oracle_equals_the_truth_of_single_files_with_callable_intervals() =>
        OracleEqualsTruth(Small with { Shape = SimulationShape.Single, Callable = true, Unnormalised = true, Seed = 9 });

    [PeerFact("bcftools", "bgzip", "tabix")]
    public void Bcftools_reads_every_file_without_a_word()
    {
        using var folder = new TempFolder();
        foreach (var shape in Enum.GetValues<SimulationShape>())
        {
            var options = Small with { Folder = folder[shape.ToString()], Samples = 8, Shape = shape, InfoCounts = shape == SimulationShape.Joint, Format = SimulationFormat.Full };
            foreach (var file in SimulatorTests.Run(options).Files.Where(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal)))
            {
                var path = Path.Combine(options.Folder, file);
                Assert.Equal((0, "", ""), Peer.Run("bgzip", "-t", path));
                Assert.Equal((0, "", ""), Peer.Run("tabix", "-p", "vcf", path));
                Assert.Equal((0, "", ""), Peer.Run("bcftools", "view", "-Ou", "-o", folder["out.bcf"], path));
                Assert.Equal(0, Peer.Run("bcftools", "norm", "-c", "e", "-f", Path.Combine(options.Folder, "reference.fa"), "-Ou", "-o", folder["out.bcf"], path).Exit);
            }
        }
    }

    [PeerFact("bcftools")]
    public void Bcftools_norm_finds_default_indels_normalised()
    {
        using var folder = new TempFolder();
        SimulatorTests.Run(Small with { Folder = folder.Path, Variants = 3000 });
        var (_, _, error) = Peer.Run("bcftools", "norm", "-f", folder["reference.fa"], "-Ou", "-o", folder["out.bcf"], folder["cohort.vcf.gz"]);
        Assert.Equal("Lines   total/split/realigned/skipped:\t3000/0/0/0", error.Trim());
        SimulatorTests.Run(Small with { Folder = folder.Path, Variants = 3000, Unnormalised = true });
        (_, _, error) = Peer.Run("bcftools", "norm", "-f", folder["reference.fa"], "-Ou", "-o", folder["out.bcf"], folder["cohort.vcf.gz"]);
        Assert.InRange(int.Parse(error.Trim().Split('/')[^2]), 60, 300);
    }

    [PeerFact("bcftools")]
    public void Bcftools_fill_tags_agrees_with_the_truth()
    {
        using var folder = new TempFolder();
        // No wrong sexes: bcftools knows none.
        SimulatorTests.Run(Small with { Folder = folder.Path, Samples = 60, Variants = 2000, PlantSexErrors = 0, Unnormalised = true });
        Peer.Output("bcftools", "norm", "-m-", "-f", folder["reference.fa"], "-Ou", "-o", folder["split.bcf"], folder["cohort.vcf.gz"]);
        Peer.Output("bcftools", "+fill-tags", folder["split.bcf"], "-Ou", "-o", folder["tags.bcf"], "--", "-t", "AN,AC,AC_Het,AC_Hom,AC_Hemi,NS");
        var tags = Peer.Output("bcftools", "query", "-f", "%CHROM\t%POS\t%REF\t%ALT\t%AC\t%AN\t%AC_Het\t%AC_Hom\t%AC_Hemi\t%NS\n", folder["tags.bcf"])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.Contains("\t*\t", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        var truth = SimulatorTests.Rows(folder["truth.tsv"]).Select(r => string.Join('\t',
            [r[0], r[1], r[2], r[3], r[4], r[5], r[7], Text(2 * Number(r[8])), Text(Number(r[9]) + Number(r[10])), Text(Number(r[14]) - Number(r[12]) - Number(r[13]))])).Order(StringComparer.Ordinal);
        Assert.Equal(truth, tags);
    }

    /// <summary>
    /// plink2 needs to be told the sexes and where the PAR ends (<c>--psam</c>, <c>--split-par b37</c>); a file without X, Y, MT
    /// needs no flags at all. It counts unknown sexes in its own way, so it gets those of the genotypes.
    /// </summary>
    [PeerFact("plink2")]
    public void Plink2_reads_without_a_warning_and_agrees_with_the_truth()
    {
        using var folder = new TempFolder();
        var options = Small with { Folder = folder.Path, Samples = 60, Variants = 2000, HalfCallRate = 0, PlantSexErrors = 0 };
        SimulatorTests.Run(options);
        var people = new Population(options);
        File.WriteAllLines(folder["sexes.psam"], people.Names.Select((n, s) => $"{n}\t{(people.GenotypeSex[s] == Sex.Xx ? 2 : 1)}").Prepend("#IID\tSEX"));
        var (exit, output, error) = Peer.RunIn(folder.Path, "plink2", "--vcf", "cohort.vcf.gz", "--psam", "sexes.psam", "--split-par", "b37", "--freq", "counts", "--out", "p");
        Assert.Equal((0, ""), (exit, error));
        Assert.DoesNotContain("Warning", output, StringComparison.Ordinal);
        var counts = File.ReadLines(folder["p.acount"]).Skip(1).Select(l => l.Split('\t')).ToList();
        var truth = SimulatorTests.Rows(folder["truth.tsv"]).ToDictionary(r => (r[0], r[1], r[2], r[3]));
        var records = SimulatorTests.Records(folder["cohort.vcf.gz"]).ToList();
        Assert.Equal(records.Count, counts.Count);
        var compared = 0;
        for (var i = 0; i < records.Count; i++)
        {
            var (alts, copies) = (records[i][4].Split(','), counts[i][4].Split(','));
            for (var a = 0; a < alts.Length; a++)
            {
                if (!truth.TryGetValue((records[i][0], records[i][1], records[i][3], alts[a]), out var row)) continue;
                Assert.Equal((row[4], row[5]), (copies[a], counts[i][5]));
                compared++;
            }
        }
        Assert.InRange(compared, 2000, 2100);
        SimulatorTests.Run(options with { SexChromosomes = false });
        (exit, output, error) = Peer.RunIn(folder.Path, "plink2", "--vcf", "cohort.vcf.gz", "--make-pgen", "--out", "p");
        Assert.Equal((0, ""), (exit, error));
        Assert.DoesNotContain("Warning", output, StringComparison.Ordinal);
    }

    private static void OracleEqualsTruth(SimulationOptions options)
    {
        using var folder = new TempFolder();
        var report = SimulatorTests.Run(options with { Folder = folder.Path });
        var arguments = new List<string> { Oracle };
        var assume = options.Shape == SimulationShape.Single && !options.Callable;
        foreach (var file in report.Files.Where(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal)))
            arguments.AddRange(assume ? ["--assume", file] : [file]);
        if (options.Callable) arguments.AddRange(["--callable", "callable.bed"]);
        arguments.AddRange(["--sheet", "samples.tsv", "--reference", "reference.fa"]);
        var (exit, output, error) = Peer.RunIn(folder.Path, "python3", [.. arguments]);
        Assert.Equal((0, ""), (exit, error));
        Assert.Equal(output.Split('\n'), File.ReadAllText(folder["truth.tsv"]).Split('\n'));
    }

    private static long Number(string text) => long.Parse(text);

    private static string Text(long number) => number.ToString();
}
