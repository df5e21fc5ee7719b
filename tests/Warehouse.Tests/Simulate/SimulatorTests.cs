using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Simulate;
using Warehouse.Tests.Vcf;
using Xunit;

namespace Warehouse.Tests.Simulate;

public sealed class SimulatorTests
{
    [Theory]
    [InlineData(SimulationShape.Joint)]
    [InlineData(SimulationShape.Single)]
    [InlineData(SimulationShape.Gvcf)]
    public void The_same_options_give_the_same_bytes_whatever_the_threads(SimulationShape shape)
    {
        using var folder = new TempFolder();
        var options = new SimulationOptions { Folder = folder["a"], Samples = 20, Variants = 300, Shape = shape, Truth = true, Format = SimulationFormat.Full, HalfCallRate = 0.01 };
        Run(options);
        Run(options with { Folder = folder["b"], Threads = 3 });
        Run(options with { Folder = folder["c"], Seed = 2 });
        Assert.Equal(Contents(folder["a"]), Contents(folder["b"]));
        Assert.NotEqual(Contents(folder["a"]), Contents(folder["c"]));
    }

    [Theory]
    [InlineData(SimulationShape.Joint)]
    [InlineData(SimulationShape.Gvcf)]
    public void Asking_for_the_truth_changes_no_genotype(SimulationShape shape)
    {
        using var folder = new TempFolder();
        var options = new SimulationOptions { Folder = folder["a"], Samples = 12, Variants = 200, Shape = shape };
        Run(options);
        Run(options with { Folder = folder["b"], Truth = true });
        var without = Contents(folder["a"]);
        Assert.Equal(without, Contents(folder["b"]).Where(f => without.ContainsKey(f.Key)));
    }

    [Fact]
    public void The_same_seed_gives_these_draws_on_every_machine()
    {
        var random = new Prng(1, 2);
        Assert.Equal("1CDF17F715DF5037 BA593EB8ED156DEB", $"{random.Next():X16} {random.Next():X16}");
        for (var x = 1e-6; x < 1e6; x *= 1.7)
        {
            Assert.Equal(Math.Log(x), Prng.Log(x), 1e-13);
            Assert.Equal(1, Prng.Exp(Prng.Log(x)) / x, 1e-13);
        }
    }

    [Fact]
    public void Alleles_follow_the_power_law_and_the_rates_asked_for()
    {
        using var folder = new TempFolder();
        var report = Run(new SimulationOptions { Folder = folder.Path, Samples = 500, Variants = 10_000, SexChromosomes = false, FamilyShare = 0, Truth = true });
        var copies = Rows(folder["truth.tsv"]).Select(r => int.Parse(r[4])).ToList();
        Assert.Equal(report.Alleles, copies.Count);
        Assert.InRange(report.Alleles, 10_250, 10_450);
        // Of k^-1.25 over 1..999: P(1) = 0.244, P(2) = 0.103, P(over 100) = 0.134.
        Assert.InRange(copies.Count(c => c == 1) / (double)copies.Count, 0.225, 0.265);
        Assert.InRange(copies.Count(c => c == 2) / (double)copies.Count, 0.09, 0.12);
        Assert.InRange(copies.Count(c => c > 100) / (double)copies.Count, 0.11, 0.16);
        Assert.InRange(report.MissingGenotypes / 5_000_000.0, 0.0048, 0.0052);
        var indels = Rows(folder["truth.tsv"]).Count(r => r[2].Length != r[3].Length);
        Assert.InRange(indels / (double)copies.Count, 0.08, 0.12);
        Assert.Equal(report.NonReferenceGenotypes, Rows(folder["truth.tsv"]).Sum(r => long.Parse(r[11])));
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    public void A_tenth_of_set_A_has_a_tenth_of_its_genotypes(uint seed)
    {
        using var folder = new TempFolder();
        var report = Run(SimulationOptions.Preset("A", folder.Path) with { Variants = 10_000, Seed = seed });
        Assert.InRange(report.NonReferenceGenotypes, 1_520_000 * 0.96, 1_520_000 * 1.06);
    }

    [Fact]
    public void Children_carry_what_their_parents_have_and_duplicates_what_their_originals_have()
    {
        using var folder = new TempFolder();
        var options = new SimulationOptions { Folder = folder.Path, Samples = 30, Variants = 1500, MissingRate = 0, FamilyShare = 0.5, PlantDuplicates = 4, PlantSexErrors = 3, Truth = true };
        Run(options);
        var people = new Population(options);
        var names = people.Names.ToList();
        var planted = Rows(folder["planted.tsv"]);
        Assert.Equal(4, planted.Count(p => p[0] == "duplicate"));
        Assert.Equal(3, planted.Count(p => p[0] == "sex"));
        foreach (var record in Records(folder["cohort.vcf.gz"]))
        {
            foreach (var p in planted.Where(p => p[0] == "duplicate"))
                Assert.Equal(record[9 + names.IndexOf(p[1])], record[9 + names.IndexOf(p[2])]);
            for (var child = 2; child < 15 && record[0] is "1" or "2" or "22"; child += 3)
            {
                var alleles = record[9 + child].Split('|');
                Assert.Contains(alleles[0], record[9 + child - 1].Split('|'));
                Assert.Contains(alleles[1], record[9 + child - 2].Split('|'));
            }
        }
    }

    [Fact]
    public void Ploidy_follows_sex_contig_and_the_end_of_the_PAR()
    {
        using var folder = new TempFolder();
        var options = new SimulationOptions { Folder = folder.Path, Samples = 20, Variants = 500, MissingRate = 0 };
        Run(options);
        var people = new Population(options);
        var edges = new HashSet<(string, int)>();
        foreach (var record in Records(folder["cohort.vcf.gz"]))
        {
            var position = int.Parse(record[1]);
            edges.Add((record[0], position));
            for (var s = 0; s < 20; s++)
            {
                var xx = people.GenotypeSex[s] == Sex.Xx;
                var expected = record[0] switch { "MT" => 1, "X" when position > 2699520 => xx ? 2 : 1, "Y" => xx ? 0 : 1, _ => 2 };
                var gt = record[9 + s];
                Assert.Equal(expected, gt == "." ? 0 : gt.Contains('|') ? 2 : 1);
            }
        }
        Assert.Superset(new HashSet<(string, int)> { ("X", 2699520), ("X", 2699521), ("Y", 2649521) }, edges);
    }

    [Fact]
    public void Impossible_options_are_refused()
    {
        using var folder = new TempFolder();
        var options = new SimulationOptions { Folder = folder.Path };
        foreach (var bad in new[] { options with { Samples = 0 }, options with { Variants = 0 }, options with { SfsExponent = double.NaN }, options with { Shape = SimulationShape.Gvcf, Callable = true }, options with { SplitByContig = true }, options with { PlantDuplicates = 99 }, options with { MissingRate = 0.9 } })
            Assert.Equal("simulate-options", Assert.Throws<InputException>(() => Run(bad)).Code);
        Assert.Throws<InputException>(() => SimulationOptions.Preset("Z", folder.Path));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 25)]
    [InlineData(5, 100)]
    public void Tiny_cohorts_can_be_simulated(int samples, int variants)
    {
        using var folder = new TempFolder();
        foreach (var shape in Enum.GetValues<SimulationShape>())
            Assert.True(Run(new SimulationOptions { Folder = folder[shape.ToString()], Samples = samples, Variants = variants, Shape = shape, Truth = true }).Alleles >= variants);
    }

    internal static SimulationReport Run(SimulationOptions options) => Simulator.Run(options, null, CancellationToken.None);

    internal static List<string[]> Rows(string path) => [.. File.ReadLines(path).Skip(1).Select(l => l.Split('\t'))];

    internal static IEnumerable<string[]> Records(string path) =>
        Text(path).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#').Select(l => l.Split('\t'));

    /// <summary>File name to decompressed content.</summary>
    private static Dictionary<string, string> Contents(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(f => Path.GetRelativePath(folder, f), Text);

    private static string Text(string path)
    {
        var bytes = File.ReadAllBytes(path);
        return Encoding.ASCII.GetString(path.EndsWith(".gz", StringComparison.Ordinal) ? BgzfWriterTests.Inflate(bytes).Content : bytes);
    }
}
