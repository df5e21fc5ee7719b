using System.Buffers;
using Warehouse.Engine;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Compact;

/// <summary>verify finds a segment whose bytes are as written, and whose writer wrote nonsense.</summary>
public sealed class SegmentCheckTests : IDisposable
{
    private const string Vcf = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n"
        + "1\t100\tx\tA\tC,G\t.\t.\t.\tGT:GQ\t0/1:9\t2|1:8\t1/1:7\n1\t110\t.\tA\tC\t.\t.\t.\tGT:GQ\t./.:.\t0/.:5\t1:30\n1\t120\t.\tA\t<*>\t.\t.\tEND=130\tGT\t0/0\t0/0\t0/0\n";

    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("as it is", null)]
    [InlineData("missing", "carries in two ways")]
    [InlineData("absent", "missing, absent or an exception twice")]
    [InlineData("het", "a carrier is missing, absent, an exception, or carries in two ways")]
    [InlineData("hom", "a call has more alleles than it can")]
    [InlineData("haploid", "a haploid call is absent or an exception")]
    [InlineData("phased", "phase")]
    [InlineData("swapped", "the swapped bits do not fit")]
    [InlineData("exceptions", "an allele that the record lacks")]
    [InlineData("detail", "the details of a record do not fit its carriers")]
    [InlineData("evidence", "the directory and the evidence of a block disagree")]
    [InlineData("ids", "a stored record")]
    [InlineData("lost", "too large")]
    [InlineData("ordinals", "its samples are not those of the catalog")]
    [InlineData("sites", "a block and its sites disagree")]
    [InlineData("packed", null)]
    [InlineData("packed twice", "a block has its genotypes in two forms")]
    [InlineData("packed in version 1", "a block has its genotypes in two forms")]
    [InlineData("packed badly", "haplotype column")]
    public void Verify_names_a_segment_whose_parts_do_not_fit(string what, string? problem)
    {
        File.WriteAllText(_folder["a.vcf"], Vcf);
        using (var store = VariantStore.Create(new CreateOptions { Path = _folder["store"], Assembly = "toy1" })) store.Ingest(new IngestRequest { Files = [_folder["a.vcf"]] });
        var file = Rewrite(what);
        using var written = VariantStore.Open(_folder["store"]);
        var findings = written.Verify().Where(f => f.Kind != FindingKind.Surplus).ToList();
        if (problem is null)
        {
            Assert.Empty(findings);
            return;
        }
        var finding = Assert.Single(findings);
        Assert.Equal((FindingKind.Damaged, "f/" + file), (finding.Kind, finding.File));
        Assert.Contains(problem, finding.Problem, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Puts a changed copy of the only segment in its place, published and sealed as it should be.</summary>
    private string Rewrite(string what)
    {
        using var folder = StoreFolder.Open(DiskStorage.Open(_folder["store"]), DiskStorage.Open(_folder["store.keys"]), TimeProvider.System);
        using var commit = folder.BeginCommit();
        var catalog = CatalogParts.Read(folder, folder.Current);
        var old = folder.Current.Files.Single();
        using var segment = Segment.Open(folder.OpenFile(old));
        var info = segment.Blocks.Single();
        var streams = info.Streams.Keys.ToDictionary(s => s, s => segment.Read(info, s)!);
        if (what.StartsWith("packed", StringComparison.Ordinal)) Pack(what, new Block(segment, info), streams);
        Change(what, streams);
        int[] ordinals = what == "ordinals" ? [0, 1, 5] : segment.Ordinals;
        using var writer = new SegmentWriter(commit.CreateFile(SegmentWriter.FileKind), ordinals, packed: what is "packed" or "packed twice" or "packed badly");
        writer.Add(streams, places => new BlockInfo
        {
            Contig = info.Contig, RecordCount = info.RecordCount, RowCount = info.RowCount, EvidenceCount = info.EvidenceCount, Rows = info.Rows, Records = info.Records,
            Evidence = info.Evidence, HasStructural = info.HasStructural, Streams = places,
        });
        var file = writer.Complete();
        commit.Add(file);
        commit.Remove(old.Id);
        var entry = catalog.Segments.Single();
        var changed = catalog with { Segments = [new SegmentEntry { File = file.Id.ToString(), Ordinals = entry.Ordinals, Stretches = entry.Stretches, Records = entry.Records, Rows = entry.Rows }] };
        CatalogParts.Write(commit, changed, catalog);
        commit.Publish();
        return file.Id.ToString();
    }

    private static void Pack(string what, Block block, Dictionary<BlockStream, byte[]> streams)
    {
        var packed = new HaplotypeColumns(block.Het, block.Hom, block.Swapped()).Encode(block.SampleCount, block.Sites.FirstRow, block.Missing, block.Absent)!;
        if (what == "packed badly") packed[^1] ^= 0x10;
        streams[BlockStream.Haplotypes] = packed;
        foreach (var plain in (BlockStream[])[BlockStream.Het, BlockStream.Hom, BlockStream.Swapped])
            if (what != "packed twice") streams.Remove(plain);
    }

    private static void Change(string what, Dictionary<BlockStream, byte[]> streams)
    {
        switch (what)
        {
            case "missing": streams[BlockStream.Missing] = Sets([0, 1, 2], [0]); break;
            case "absent": streams[BlockStream.Absent] = Sets([], [0]); break;
            case "het": streams[BlockStream.Het] = Sets([0, 1], [1], [0]); break;
            case "hom": streams[BlockStream.Hom] = Sets([2], [2], [2]); break;
            case "haploid": streams[BlockStream.Haploid] = Sets([], [1, 2]); break;
            case "phased": streams[BlockStream.Phased] = Sets([1], [2]); break;
            case "swapped": streams[BlockStream.Swapped] = PackedStream.Pack(Bytes(w => { w.Var(70); w.Int64(1); w.Int64(1); })); break;
            case "exceptions": streams[BlockStream.Exceptions] = PackedStream.Pack(CallColumns.EncodeExceptions([(1, 1, "0/2")])); break;
            case "detail": streams[BlockStream.Detail] = PackedStream.Pack(Bytes(w => { w.Var(2); w.Var(1); w.Byte(1); w.Var(3); w.Var(9); w.Var(0); })); break;
            case "evidence": streams.Remove(BlockStream.Evidence); break;
            case "ids": streams[BlockStream.Ids] = PackedStream.Pack(Bytes(w => w.Text("x"))); break;
            case "lost": streams[BlockStream.Lost] = PackedStream.Pack(Bytes(w => { w.Var(1); w.Var(3); w.Var(0); })); break;
            case "sites": streams.Remove(BlockStream.Sites); break;
            default: break;
        }
    }

    private static byte[] Bytes(Action<ByteWriter> write)
    {
        var writer = new ByteWriter();
        write(writer);
        return writer.ToArray();
    }

    private static byte[] Sets(params ushort[][] rows)
    {
        var builder = new SampleSetsBuilder(3);
        foreach (var row in rows) builder.AddIds(row);
        var to = new ArrayBufferWriter<byte>();
        builder.Build().Encode(to);
        return to.WrittenSpan.ToArray();
    }
}
