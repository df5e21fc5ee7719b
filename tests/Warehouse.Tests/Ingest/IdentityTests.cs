using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Storage;
using Warehouse.Tests.Oracle;
using Xunit;

namespace Warehouse.Tests.Ingest;

/// <summary>Who looks like whom: across shapes of files, with and against the sheet, and what becomes of the sketches.</summary>
public sealed class IdentityTests
{
    [Fact]
    public void A_sample_of_a_joint_file_is_known_again_in_its_own_file_and_its_gvcf()
    {
        using var store = new IngestStore();
        var options = new SimulationOptions { Folder = store["joint"], Samples = 20, Variants = 4000, Seed = 7 };
        Run(options);
        Run(options with { Folder = store["single"], Shape = SimulationShape.Single });
        Run(options with { Folder = store["gvcf"], Shape = SimulationShape.Gvcf });
        Assert.Empty(store.Ingest(store["joint/cohort.vcf.gz"]).Findings);
        var single = Assert.Single(store.Ingest(Renamed(store, "single/single/S000005.vcf.gz", "other")).Findings);
        Assert.Contains("sample column 1 looks like the same person as sample column 5 of the file loaded in snapshot 2 (", single, StringComparison.Ordinal);
        var gvcf = Assert.Single(store.Ingest(Renamed(store, "gvcf/gvcf/S000005.g.vcf.gz", "third")).Findings);
        Assert.Contains("; 1 more look alike)", gvcf, StringComparison.Ordinal);
        Assert.DoesNotContain("S0000", single, StringComparison.Ordinal);
    }

    [Fact]
    public void The_sheet_silences_a_person_sampled_twice_and_is_contradicted_where_two_differ()
    {
        using var store = new IngestStore();
        var options = new SimulationOptions { Folder = store.Folder, Samples = 12, Variants = 4000, Seed = 8, PlantDuplicates = 1, Truth = true };
        Run(options);
        var pair = File.ReadLines(store["planted.tsv"]).Select(l => l.Split('\t')).Single(f => f[0] == "duplicate");
        var names = Enumerable.Range(1, 12).Select(i => $"S{i:d6}").ToList();
        var strangers = names.Except(pair[1..]).Take(2).ToArray();
        string PersonOf(string name) => pair.Contains(name) ? "one" : strangers.Contains(name) ? "two" : name;
        var sheet = store.Write("sheet.tsv", "sample\tperson\n" + string.Concat(names.Select(n => $"{n}\t{PersonOf(n)}\n")));
        var receipt = store.Store.Ingest(new IngestRequest { Files = [store["cohort.vcf.gz"]], SheetPath = sheet });
        var finding = Assert.Single(receipt.Findings);
        Assert.Contains($"sample column {names.IndexOf(strangers[1]) + 1} does not look like the person of sample column {names.IndexOf(strangers[0]) + 1} of the same file, as the sheet says", finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_that_replaces_another_persons_is_reported()
    {
        using var store = new IngestStore();
        Run(new SimulationOptions { Folder = store.Folder, Samples = 3, Variants = 4000, Seed = 9, Shape = SimulationShape.Single, FamilyShare = 0 });
        store.Ingest(store["single/S000001.vcf.gz"]);
        var same = Renamed(store, "single/S000001.vcf.gz", "S000001");
        Assert.Empty(store.Store.Ingest(new IngestRequest { Files = [same], Replace = true }).Findings);
        var receipt = store.Store.Ingest(new IngestRequest { Files = [Renamed(store, "single/S000002.vcf.gz", "S000001")], Replace = true });
        Assert.Contains("does not look like the data that it replaces", Assert.Single(receipt.Findings), StringComparison.Ordinal);
    }

    [Fact]
    public void Files_by_chromosome_give_the_sketch_of_the_whole_and_withdrawal_removes_it()
    {
        using var whole = new IngestStore();
        using var split = new IngestStore();
        var options = new SimulationOptions { Folder = whole.Folder, Samples = 3, Variants = 400, Seed = 10, Shape = SimulationShape.Gvcf };
        whole.Ingest([.. Files(Run(options)).Select(f => whole[f])]);
        var parts = Files(Run(options with { Folder = split.Folder, SplitByContig = true })).ToList();
        split.Ingest([.. parts.Where(p => p.Contains("S000001", StringComparison.Ordinal)).Select(f => split[f])]);
        foreach (var part in parts.Where(p => !p.Contains("S000001", StringComparison.Ordinal))) split.Ingest(split[part]);
        var (a, b) = (Sketches(whole), Sketches(split));
        Assert.True(a[0].Entries.Length > 50);
        for (var s = 0; s < 3; s++) Assert.Equal((a[s].Level, string.Join(' ', a[s].Entries)), (b[s].Level, string.Join(' ', b[s].Entries)));
        whole.Store.Withdraw(["S000002"]);
        Assert.Equal([a[0].Entries.Length, 0, a[2].Entries.Length], Sketches(whole)[..3].Select(s => s.Entries.Length));
    }

    [DataFact]
    public void Nobody_of_1000_genomes_looks_like_another()
    {
        using var store = new IngestStore();
        Assert.Empty(store.Ingest(RealData.Chr22).Findings);
        using var batches = new IngestStore();
        foreach (var batch in RealData.Chr22Batches().Take(2)) Assert.Empty(batches.Ingest(batch).Findings);
    }

    [Fact]
    public void The_quick_test_never_hides_one_person_and_a_match_equals_its_slow_twin()
    {
        const int seed = 20261120;
        var random = new Random(seed);
        for (var round = 0; round < 500; round++)
        {
            var (first, second) = (new SortedDictionary<ulong, ulong>(), new SortedDictionary<ulong, ulong>());
            var different = random.NextDouble() * 0.25;
            for (var n = random.Next(130, 600); n > 0; n--)
            {
                var (hash, hom) = ((ulong)random.NextInt64(1L << IdentitySketch.HashBits), (ulong)random.Next(2));
                if (random.NextDouble() >= different / 2) first[hash] = hom;
                if (random.NextDouble() >= different / 2) second[hash] = random.NextDouble() < different / 4 ? 1 - hom : hom;
            }
            var (a, b) = (Cut(first, random.Next(2)), Cut(second, random.Next(2)));
            var match = SketchMatch.Of(a, b);
            var limit = IdentitySketch.LimitOf(Math.Max(a.Level, b.Level));
            var (x, y) = (first.Where(e => e.Key < limit).ToDictionary(), second.Where(e => e.Key < limit).ToDictionary());
            var shared = x.Keys.Intersect(y.Keys).ToList();
            Assert.True(match == new SketchMatch(shared.Count(h => x[h] == y[h]), shared.Count, x.Keys.Union(y.Keys).Count(), false), $"seed {seed}, round {round}");
            Assert.True(!match.LooksSame || a.MayBe(b), $"seed {seed}, round {round}: {match}");
            var written = new ByteWriter();
            a.Write(written);
            var from = new ByteReader(written.Written);
            Assert.Equal(a.Entries, IdentitySketch.Read(ref from).Entries);
            from.End();
        }
    }

    [Fact]
    public void Hash_of_an_allele_never_changes()
    {
        var seed = IdentitySketch.SeedOf("22");
        Assert.Equal("3f8911d", $"{IdentitySketch.HashOf(seed, 16050074, (byte)'A', (byte)'G'):x}");
        Assert.NotEqual(IdentitySketch.HashOf(seed, 1, (byte)'A', (byte)'G'), IdentitySketch.HashOf(seed, 1, (byte)'G', (byte)'A'));
    }

    private static IdentitySketch Cut(SortedDictionary<ulong, ulong> alleles, int level) =>
        new(level, [.. alleles.Where(e => e.Key < IdentitySketch.LimitOf(level)).Select(e => e.Key << 1 | e.Value)]);

    private static IdentitySketch[] Sketches(IngestStore store)
    {
        using var folder = StoreFolder.Open(DiskStorage.Open(store.Path), DiskStorage.Open(store.Path + ".keys"), TimeProvider.System);
        return SketchPart.Decode(folder.ReadPart(folder.Current, SketchPart.NameOf(0)));
    }

    private static SimulationReport Run(SimulationOptions options) => Simulator.Run(options, null, CancellationToken.None);

    private static IEnumerable<string> Files(SimulationReport report) => report.Files.Where(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal));

    /// <summary>A one-sample file under another sample name, as plain text; the name of the file tells neither.</summary>
    private static string Renamed(IngestStore store, string file, string sample)
    {
        var lines = NaiveVcf.Lines(store[file]).Select(l => l.StartsWith("#CHROM", StringComparison.Ordinal) ? l[..(l.LastIndexOf('\t') + 1)] + sample : l);
        return store.Write($"{Guid.NewGuid():n}.vcf", string.Join('\n', lines) + "\n");
    }
}
