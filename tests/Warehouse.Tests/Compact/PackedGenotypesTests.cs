using Warehouse.Engine;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Simulate;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Compact;

/// <summary>Compaction writes genotypes in their second form, and nobody can tell but by the size.</summary>
public sealed class PackedGenotypesTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData(true, 0.0, 0.005)]
    [InlineData(true, 0.002, 0.1)]
    [InlineData(false, 0.0, 0.3)]
    public void One_file_is_rewritten_smaller_and_comes_out_as_before_to_the_last_byte(bool phased, double halfCalls, double missing)
    {
        using var store = Loaded(phased, halfCalls, missing);
        var (before, calls, rows) = (Export(), SegmentDump.Of(store, _ => true), Rows(store));
        var report = store.Compact();
        Assert.True(report.BytesAfter < report.BytesBefore * 0.9, $"{report.BytesBefore} bytes before, {report.BytesAfter} after");
        Assert.Equal(1, report.SegmentsAfter);
        var streams = Streams(store);
        Assert.Contains(BlockStream.Haplotypes, streams);
        Assert.DoesNotContain(BlockStream.Het, streams);
        Assert.DoesNotContain(BlockStream.Swapped, streams);
        Assert.True(streams.Contains(BlockStream.Missing) != streams.Contains(BlockStream.MissingGaps) || missing > 0.05);
        Assert.True(before.AsSpan().SequenceEqual(Export()));
        Assert.Equal(calls, SegmentDump.Of(store, _ => true));
        Assert.Equal(rows, Rows(store));
        Assert.Empty(store.Verify());
        Assert.Equal(report.Version, store.Compact().Version);
    }

    [Fact]
    public void Packed_and_plain_segments_of_other_sites_are_merged()
    {
        using var store = Loaded(phased: true, 0.001, 0.01);
        store.Compact();
        LoadSecond(store);
        var (before, calls, rows) = (Export(), SegmentDump.Of(store, _ => true), Rows(store));
        Assert.Equal(1, store.Compact().SegmentsAfter);
        Assert.Contains(BlockStream.Haplotypes, Streams(store));
        Assert.Contains(BlockStream.Absent, Streams(store));
        Assert.True(before.AsSpan().SequenceEqual(Export()));
        Assert.Equal(calls, SegmentDump.Of(store, _ => true));
        Assert.Equal(rows, Rows(store));
        Assert.Empty(store.Verify());
    }

    [Fact]
    public void A_large_plain_segment_is_packed_although_the_small_ones_beside_it_wait()
    {
        using var store = Loaded(phased: true, 0, 0.01);
        File.WriteAllText(_folder["one.vcf"], "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tlate\n1\t100\t.\tA\tC\t.\t.\t.\tGT\t0/1\n");
        store.Ingest(new IngestRequest { Files = [_folder["one.vcf"]] });
        Assert.Equal(2, store.Compact().SegmentsAfter);
        foreach (var entry in store.CatalogNow.Segments)
        {
            using var segment = store.OpenSegmentNow(entry);
            Assert.True(segment.IsPacked);
        }
        Assert.Equal(store.Version, store.Compact().Version);
    }

    public void Dispose() => _folder.Dispose();

    private VariantStore Loaded(bool phased, double halfCalls, double missing)
    {
        var report = Simulator.Run(new SimulationOptions { Folder = _folder["data"], Samples = 300, Variants = 500, Phased = phased, HalfCallRate = halfCalls, MissingRate = missing }, null, CancellationToken.None);
        var store = VariantStore.Create(new CreateOptions { Path = _folder["store"], Assembly = "GRCh38" });
        store.Ingest(new IngestRequest { Files = [Path.Combine(_folder["data"], report.Files.Single(f => f.EndsWith(".vcf.gz", StringComparison.Ordinal)))] });
        return store;
    }

    /// <summary>Loads what the store exports once more: other sample names, and every third record left out.</summary>
    private void LoadSecond(VariantStore store)
    {
        var lines = System.Text.Encoding.UTF8.GetString(Export()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var records = 0;
        File.WriteAllLines(_folder["second.vcf"], lines.Select(l => l[0] == '#' ? l.Replace("\tS0", "\tT0", StringComparison.Ordinal) : records++ % 3 == 0 ? "" : l).Where(l => l.Length > 0));
        store.Ingest(new IngestRequest { Files = [_folder["second.vcf"]] });
    }

    private byte[] Export()
    {
        ExportStore.Must("export", _folder["store"], "--format", "vcf", "-o", _folder["out.vcf"]);
        return File.ReadAllBytes(_folder["out.vcf"]);
    }

    private static List<string> Rows(VariantStore store) => [.. EngineStore.Rows(store, new FrequencyRequest()).Select(r => r.Text)];

    private static HashSet<BlockStream> Streams(VariantStore store)
    {
        var streams = new HashSet<BlockStream>();
        foreach (var entry in store.CatalogNow.Segments)
        {
            using var segment = store.OpenSegmentNow(entry);
            foreach (var block in segment.Blocks) streams.UnionWith(block.Streams.Keys);
        }
        return streams;
    }
}
