using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Storage;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>I12: the same files, options and version give the same contents, whatever the threads, the keys and the ids.</summary>
public sealed class DeterminismTests
{
    [Theory]
    [InlineData(SimulationShape.Joint)]
    [InlineData(SimulationShape.Gvcf)]
    public void The_same_commands_give_segments_and_catalogs_of_the_same_digests(SimulationShape shape)
    {
        using var data = new TempFolder();
        var report = Simulator.Run(new SimulationOptions { Folder = data.Path, Samples = 20, Variants = 600, Shape = shape, Truth = true, PlantDuplicates = 2, PlantSexErrors = 2 }, null, CancellationToken.None);
        var files = report.Files.Where(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal)).Select(f => data[f]).ToList();
        var first = Contents(files, data["samples.tsv"], threads: 1);
        Assert.Equal(first, Contents(files, data["samples.tsv"], threads: 4));
        Assert.True(first.Count > 8);
    }

    [Fact]
    public void Another_order_of_files_gives_other_contents()
    {
        using var data = new TempFolder();
        var report = Simulator.Run(new SimulationOptions { Folder = data.Path, Samples = 3, Variants = 50, Shape = SimulationShape.Single }, null, CancellationToken.None);
        var files = report.Files.Where(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal)).Select(f => data[f]).ToList();
        Assert.NotEqual(Contents(files, data["samples.tsv"], 1), Contents(files.AsEnumerable().Reverse().ToList(), data["samples.tsv"], 1));
    }

    /// <summary>Name or place, length and digest of every part and data file, after a load in two commits, a cohort, a withdrawal and a replacement.</summary>
    private static List<string> Contents(List<string> files, string sheet, int threads)
    {
        using var store = new IngestStore(clock: new FixedClock());
        foreach (var half in files.Count > 1 ? files.Chunk((files.Count + 1) / 2) : [[files[0]]])
            store.Store.Ingest(new IngestRequest { Files = half, SheetPath = sheet, Threads = threads });
        store.Store.SetCohort("women", null, "sex == 'XX'");
        store.Store.Withdraw(["S000002"]);
        var other = store.Vcf("other.vcf", "S000001", "1 2000 A C 0/1");
        store.Store.Ingest(new IngestRequest { Files = [other], Replace = true, Threads = threads });
        using var folder = StoreFolder.Open(DiskStorage.Open(store.Path), DiskStorage.Open(store.Path + ".keys"), new FixedClock());
        return
        [
            .. folder.Current.Parts.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key} {p.Value.ContentBytes} {p.Value.ContentSha256}"),
            .. folder.Current.Files.Select((f, i) => $"file {i} {f.Kind} {f.ContentBytes} {f.ContentSha256}"),
        ];
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }
}
