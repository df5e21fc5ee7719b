using Warehouse.Engine.Ingest;
using Warehouse.Engine.Simulate;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>What the simulator planted is found, all of it and nothing else: second looks at a person, and wrong sexes. Families are there too.</summary>
public sealed class PlantedPeopleTests
{
    [Theory]
    [InlineData(SimulationShape.Joint, 1)]
    [InlineData(SimulationShape.Joint, 2)]
    [InlineData(SimulationShape.Single, 3)]
    [InlineData(SimulationShape.Gvcf, 4)]
    public void Planted_duplicates_and_sex_errors_are_found_and_nothing_else(SimulationShape shape, ulong seed)
    {
        using var store = new IngestStore();
        var files = Simulate(store, shape, seed);
        var receipt = store.Store.Ingest(new IngestRequest { Files = files, SheetPath = store["samples.tsv"], AssumeReference = shape == SimulationShape.Single });
        Assert.Equal(Planted(store), Found(receipt.Findings, shape));
    }

    [Theory]
    [InlineData(SimulationShape.Single)]
    [InlineData(SimulationShape.Gvcf)]
    public void A_duplicate_of_an_earlier_ingest_is_found_by_its_place_there(SimulationShape shape)
    {
        using var store = new IngestStore();
        var files = Simulate(store, shape, 5);
        var half = files.Count - 5; // the duplicates are the last samples
        var first = store.Store.Ingest(new IngestRequest { Files = [.. files.Take(half)], SheetPath = store["samples.tsv"] });
        var second = store.Store.Ingest(new IngestRequest { Files = [.. files.Skip(half)], SheetPath = store["samples.tsv"] });
        var planted = Planted(store).Where(p => p.StartsWith("duplicate", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(planted);
        Assert.DoesNotContain(first.Findings, f => f.Contains("same person", StringComparison.Ordinal));
        var found = second.Findings.Where(f => f.Contains("same person", StringComparison.Ordinal)).ToList();
        Assert.Equal(planted.Count, found.Count);
        foreach (var pair in planted.Select(p => p.Split(' ')))
        {
            var line = Assert.Single(found, f => f.Contains(pair[1], StringComparison.Ordinal));
            Assert.Contains($"sample column 1 of file {int.Parse(pair[2][1..])} of those loaded in snapshot 2", line, StringComparison.Ordinal);
        }
    }

    private static IReadOnlyList<string> Simulate(IngestStore store, SimulationShape shape, ulong seed)
    {
        var options = new SimulationOptions
        {
            Folder = store.Folder, Samples = 48, Variants = 6000, Seed = seed, Shape = shape, Truth = true, FamilyShare = 0.5, PlantDuplicates = 5, PlantSexErrors = 6,
        };
        var report = Simulator.Run(options, null, CancellationToken.None);
        return [.. report.Files.Where(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal)).Select(f => store[f])];
    }

    /// <summary>"duplicate LATER EARLIER" and "sex SAMPLE", sorted. A planted sex error of a duplicate counts for that sample alone.</summary>
    private static List<string> Planted(IngestStore store) =>
        [.. File.ReadLines(store["planted.tsv"]).Skip(1).Select(l => l.Split('\t'))
            .Select(f => f[0] == "sex" ? $"sex {f[1]}" : $"duplicate {Later(f[1], f[2])}").Order(StringComparer.Ordinal)];

    private static string Later(string a, string b) => string.CompareOrdinal(a, b) > 0 ? $"{a} {b}" : $"{b} {a}";

    private static List<string> Found(IReadOnlyList<string> findings, SimulationShape shape) =>
        [.. findings.Select(f =>
        {
            var names = shape == SimulationShape.Joint
                ? f.Split("column ").Skip(1).Select(p => "S" + p.Split(' ')[0].PadLeft(6, '0')).ToList()
                : f.Split("/S").Skip(1).Select(p => "S" + p[..6]).ToList();
            return f.Contains("X and Y calls", StringComparison.Ordinal) ? $"sex {names[0]}" : f.Contains("looks like the same person", StringComparison.Ordinal) ? $"duplicate {names[0]} {names[1]}" : f;
        }).Order(StringComparer.Ordinal)];
}
