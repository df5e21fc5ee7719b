using Warehouse.Simulation.Fuzz;
using Warehouse.Tests.House;
using Xunit;

namespace Warehouse.Tests.Fuzz;

/// <summary>
/// Row F36 of the fault matrix and I11, in part: every parser meets 200,000 damaged inputs, the same ones in every run; where an input has to
/// be a file, to be sealed, or to go all the way into a store, fewer. In full, with other seeds, it is <c>tests/soak.sh --minutes N fuzz</c>. A finding says how to run it again by itself.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private const int Inputs = 200_000;
    private const ulong Seed = 36;

    private readonly FuzzHarness.Scratch _scratch = new();

    private const int FewerInputs = 50_000;
    private const int FewestInputs = 10_000;

    /// <summary>Targets of fewer inputs: reference and gather read files, and have others beside them that meet all; the rest wait for a cipher.</summary>
    private static readonly string[] Slower = ["reference", "gather", "sealed", "manifest", "list"];

    /// <summary>The targets by name, with the least number of rules that refuse some of their inputs: so far the damage must reach.</summary>
    public static TheoryData<string, int> Targets => new()
    {
        { "vcf", 35 }, { "bcf", 40 }, { "bgzf", 40 }, { "gzip", 40 }, { "fasta", 1 }, { "fai", 1 }, { "reference", 5 }, { "bed", 5 }, { "sheet", 15 },
        { "variant", 12 }, { "region", 1 }, { "filter", 4 }, { "gather", 1 }, { "arrow", 1 }, { "ingest", 30 },
        { "sites", 1 }, { "sets", 1 }, { "evidence", 1 }, { "detail", 1 }, { "bits", 1 }, { "packed", 1 }, { "haplotypes", 1 }, { "gaps", 1 }, { "catalog", 2 }, { "segment", 1 },
        { "identity", 2 }, { "master", 2 }, { "table", 2 }, { "acknowledged", 2 }, { "sealed", 1 }, { "manifest", 1 }, { "list", 1 },
    };

    [Theory]
    [MemberData(nameof(Targets))]
    public void Damaged_input_is_read_or_refused_within_its_bounds(string name, int leastRules)
    {
        var inputs = name == "ingest" ? FewestInputs : Slower.Contains(name) ? FewerInputs : Inputs;
        var report = new Fuzzer(Target(name), Seed, Path.Combine(TestData.ProjectRoot, "artifacts", "fuzz")).Run(0, i => i >= inputs);
        Problems.None(report.Findings);
        Assert.Equal(inputs, report.Inputs);
        Assert.True(report.Refused.Count >= leastRules, $"{name}: the inputs met {report.Refused.Count} rules only: {string.Join(", ", report.Refused.Keys)}");
        Assert.InRange(report.Accepted, inputs / 50, inputs * 19 / 20);
    }

    [Fact]
    public void Every_target_is_run_and_takes_its_own_seeds()
    {
        var all = FuzzHarness.Targets(_scratch.Path);
        Assert.Equal(all.Select(t => t.Name), Targets.Select(r => (string)r[0]));
        foreach (var target in all)
            foreach (var seed in target.Seeds.Take(target.SoundSeeds)) target.Run(seed);
    }

    [Fact]
    public void An_input_follows_from_seed_and_iteration_alone()
    {
        foreach (var target in FuzzHarness.Targets(_scratch.Path))
        {
            var (first, second) = (new Fuzzer(target, Seed, ""), new Fuzzer(target, Seed, ""));
            var expected = Enumerable.Range(0, 50).Select(i => first.Input(i)).ToList();
            for (var i = 49; i >= 0; i--) Assert.True(expected[i].AsSpan().SequenceEqual(second.Input(i)), $"{target.Name} {i}");
            Assert.True(expected.DistinctBy(Convert.ToHexString).Count() > 20, target.Name);
        }
    }

    [Fact]
    public void What_is_slow_large_or_unexpected_is_found()
    {
        using var folder = new TempFolder();
        var target = new FuzzTarget("planted", [[1, 2, 3]], _ => throw new IndexOutOfRangeException());
        Assert.Contains("IndexOutOfRange", Assert.Single(new Fuzzer(target, 1, folder.Path).RunOne([5]).Findings), StringComparison.Ordinal);
        Assert.Equal([5], File.ReadAllBytes(Assert.Single(Directory.GetFiles(folder.Path))));
        // The planted fault is to take its time.
        var slow = target with { Run = _ => Thread.Sleep(1_100) };
        Assert.Contains(" s for 1 bytes", Assert.Single(new Fuzzer(slow, 1, folder.Path).RunOne([5]).Findings), StringComparison.Ordinal);
        var large = target with { Run = _ => GC.KeepAlive(new byte[17 << 20]) };
        Assert.Contains("bytes allocated", Assert.Single(new Fuzzer(large, 1, folder.Path).RunOne([5]).Findings), StringComparison.Ordinal);
    }

    public void Dispose() => _scratch.Dispose();

    private FuzzTarget Target(string name) => FuzzHarness.Targets(_scratch.Path).Single(t => t.Name == name);
}
