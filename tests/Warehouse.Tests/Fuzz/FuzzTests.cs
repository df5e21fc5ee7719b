using Warehouse.Simulation.Fuzz;
using Warehouse.Tests.House;
using Xunit;

namespace Warehouse.Tests.Fuzz;

/// <summary>
/// Row F36 of the fault matrix and I11, in part: every parser meets 200,000 damaged inputs, the same ones in every run on the same data. In full,
/// with other seeds, it is <c>tests/soak.sh --minutes N fuzz</c>. A finding says how to run it again by itself.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private const int Inputs = 200_000;
    private const ulong Seed = 36;

    private readonly FuzzHarness.Scratch _scratch = new(), _second = new();

    /// <summary>The targets by name, with the least number of rules that refuse some of their inputs: so far the damage must reach.</summary>
    public static TheoryData<string, int> Targets => new()
    {
        { "vcf", 35 }, { "bcf", 40 }, { "bgzf", 40 }, { "gzip", 40 }, { "fasta", 1 }, { "fai", 1 }, { "reference", 5 }, { "bed", 5 }, { "sheet", 15 },
        { "variant", 12 }, { "region", 1 }, { "filter", 4 }, { "gather", 1 }, { "annotation-mapping", 6 }, { "annotation-table", 5 }, { "annotation-bed", 3 }, { "annotation-vcf", 15 }, { "arrow", 1 }, { "ingest", 30 },
        { "sites", 1 }, { "sets", 1 }, { "evidence", 1 }, { "detail", 1 }, { "bits", 1 }, { "packed", 1 }, { "haplotypes", 1 }, { "gaps", 1 }, { "catalog", 2 }, { "annotation-file", 1 }, { "annotation-catalog", 1 }, { "segment", 1 },
        { "identity", 2 }, { "master", 2 }, { "table", 2 }, { "acknowledged", 2 }, { "sealed", 1 }, { "manifest", 1 }, { "list", 1 },
        { "event-file", 1 }, { "event-index", 1 }, { "event-head", 2 }, { "alert-event", 1 }, { "assess-event", 3 }, { "assessment", 5 }, { "care", 3 }, { "grades", 1 }, { "clinvar-terms", 1 },
    };

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Damaged_input_is_read_or_refused_within_its_bounds(string name, int leastRules)
    {
        // Two halves side by side, each with targets of its own.
        FuzzReport Half(FuzzHarness.Scratch scratch, int first) => new Fuzzer(Target(name, scratch), Seed, Path.Combine(TestData.ProjectRoot, "artifacts", "fuzz")).Run(first, i => i >= first + (Inputs / 2));
        var half = Task.Run(() => Half(_second, Inputs / 2));
        var report = Half(_scratch, 0);
        report.Add(await half);
        Problems.None(report.Findings);
        Assert.Equal(Inputs, report.Inputs);
        Assert.True(report.Refused.Count >= leastRules, $"{name}: the inputs met {report.Refused.Count} rules only: {string.Join(", ", report.Refused.Keys)}");
        // Of what others wrote, files of one plain sample alone are gathered.
        Assert.InRange(report.Accepted, name == "gather" ? 500 : Inputs / 50, Inputs * 19 / 20);
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

    /// <summary>The parsers of the files of others are fed from the files of others too, where the data are.</summary>
    [DataFact]
    public void Seeds_are_those_written_here_and_those_of_the_corpora()
    {
        var seeds = FuzzHarness.Targets(_scratch.Path).ToDictionary(t => t.Name, t => t.Seeds.Count);
        foreach (var (name, least) in ((string, int)[])[("vcf", 600), ("bgzf", 600), ("gzip", 600), ("bcf", 12), ("fasta", 15), ("fai", 8), ("reference", 15), ("bed", 3), ("sheet", 3), ("gather", 4), ("ingest", 20)])
            Assert.True(seeds[name] >= least, $"{name} has {seeds[name]} seeds");
    }

    public void Dispose()
    {
        _scratch.Dispose();
        _second.Dispose();
    }

    private static FuzzTarget Target(string name, FuzzHarness.Scratch scratch) => FuzzHarness.Targets(scratch.Path).Single(t => t.Name == name);
}
