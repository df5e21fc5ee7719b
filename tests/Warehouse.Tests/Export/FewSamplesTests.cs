using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Tests.Compact;
using Xunit;

namespace Warehouse.Tests.Export;

/// <summary>Rows of one sample, taken from its own calls alone, against those of all samples.</summary>
public sealed class FewSamplesTests
{
    [Fact]
    public void The_rows_of_one_sample_are_its_rows_among_those_of_all()
    {
        for (var seed = 7701; seed <= 7730; seed++)
        {
            var random = new RandomStore(seed);
            using var store = new EngineStore(random);
            foreach (var command in random.Commands) store.Ingest(command.Files, command.How);
            if (seed % 2 == 0) store.Store.Compact();
            using var session = store.Store.OpenSession();
            var all = Lines(session, SampleChoice.All);
            foreach (var sample in random.Samples)
            {
                var own = Lines(session, new SampleChoice { Names = [sample.Name] });
                Assert.True(own.SequenceEqual(all.Where(l => l.Sample == sample.Name)), $"seed {seed}, {sample.Name}: {own.Count} rows");
            }
        }
    }

    [Fact]
    public void Many_samples_are_decoded_whole_and_few_one_by_one_with_equal_rows()
    {
        using var folder = new TempFolder();
        Engine.Simulate.Simulator.Run(new Engine.Simulate.SimulationOptions { Folder = folder["sim"], Samples = 40, Variants = 3000, Seed = 7801, HalfCallRate = 0.002, FamilyShare = 0 }, null, default);
        using var store = Engine.VariantStore.Create(new Engine.CreateOptions { Path = folder["store"], Assembly = "GRCh37" });
        store.Ingest(new Engine.Ingest.IngestRequest { Files = [folder["sim/cohort.vcf.gz"]] });
        using var session = store.OpenSession();
        var all = Lines(session, SampleChoice.All);
        var names = session.View.Catalog.Samples.Select(s => s.Name).ToList();
        foreach (var count in (int[])[1, 2, 16, 17])
        {
            var some = names.Take(count).ToHashSet();
            Assert.Equal(all.Where(l => some.Contains(l.Sample)), Lines(session, new SampleChoice { Names = [.. some] }));
        }
    }

    private static List<(string Sample, string Line)> Lines(Session session, SampleChoice choice) =>
        [.. session.Rows(new GenotypeRequest { Samples = choice }).Select(r => (r.Sample, $"{r.Contig} {r.Start} {r.Ref} {r.Alt} {r.Genotype} {r.Zygosity} {r.Gq} {r.Dp} {r.DepthRef} {r.DepthAlt}"))];
}
