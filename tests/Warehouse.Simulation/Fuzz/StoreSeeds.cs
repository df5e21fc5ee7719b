using Warehouse.Engine;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Simulate;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Simulation.Fuzz;

/// <summary>A block of a stored segment: what its streams hold, unpacked where they are packed, and the directory entry.</summary>
internal sealed record StoredBlock(BlockInfo Info, int SampleCount, int[] FirstRow, SampleSets? Missing, SampleSets? Absent, Dictionary<BlockStream, byte[]> Streams);

/// <summary>A stored segment taken apart.</summary>
internal sealed record StoredSegment(int[] Ordinals, bool IsPacked, List<StoredBlock> Blocks);

/// <summary>
/// A small store that real ingest and compaction have written, taken apart: segments of every kind of call and evidence, the parts of its
/// catalog. Nothing of it depends on chance but its keys, which no input has.
/// </summary>
internal sealed class StoreSeeds
{
    /// <summary>Streams that are packed as a whole; the others are codecs of their own.</summary>
    public static readonly BlockStream[] Packed = [BlockStream.Sites, BlockStream.Swapped, BlockStream.Exceptions, BlockStream.Evidence, BlockStream.Detail, BlockStream.Ids, BlockStream.Lost];

    private const string Cohort = "##fileformat=VCFv4.3\n##contig=<ID=1,length=10000>\n##contig=<ID=X>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\td\n"
        + "1\t10\trs1\tA\tC\t.\tPASS\t.\tGT:GQ:DP:AD\t0/1:9:20:10,10\t1/1:30:12:0,12\t./.:.:.:.\t0/0:40:30:30,0\n1\t20\t.\tATTT\tA,ATT,*\t.\tq10\t.\tGT\t0|1\t2|1\t0/0/1\t1\n1\t30\t.\tG\tT\t.\t.\t.\tGT\t0|1\t1/0\t1|1\t0/.\n"
        + "1\t40\t.\tC\t<DEL>\t.\tPASS\tEND=60;SVLEN=-20;CIPOS=-3,4;CIEND=0,9\tGT\t0/1\t0/0\t./.\t1/1\n1\t41\t.\tT\tT[X:20[\t.\tPASS\t.\tGT\t0/0\t0/1\t0\t1\nX\t5\tx;y\tN\tA\t.\tPASS\t.\tGT\t0\t1\t0/1\t.\nX\t9\t.\tAC\tGT\t.\tPASS\t.\t.\t.\t.\t.\t.\n";

    private const string Blocks = "##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\te\n1\t1\t.\tA\t<*>\t.\t.\tEND=9\tGT:GQ:MIN_DP\t0/0:50:20\n"
        + "1\t10\trs1\tA\tC,<*>\t9\tPASS\t.\tGT:GQ\t0/1:50\n1\t11\t.\tG\t<*>\t.\t.\tEND=900\tGT:GQ:MIN_DP\t0/0:30:5\n1\t905\t.\tG\t<*>\t.\t.\tEND=1000\tGT:GQ\t0:30\n";

    /// <summary>Makes the store in a folder and takes it apart.</summary>
    public StoreSeeds(string folder)
    {
        string[] paths = [Path.Combine(folder, "a.vcf"), Path.Combine(folder, "b.vcf"), Path.Combine(folder, "cohort.vcf.gz"), Path.Combine(folder, "sheet.tsv"), Path.Combine(folder, "regions.bed")];
        File.WriteAllText(paths[0], Cohort);
        File.WriteAllText(paths[1], Blocks);
        File.WriteAllText(paths[3], "sample\tsex\tsite:aggregate\na\tXX\tn\nb\tXY\ts\nc\t.\tn\nd\tXY\ts\n");
        File.WriteAllText(paths[4], "1\t0\t500\n1\t600\t1000\nX\t0\t100\n");
        Simulator.Run(new SimulationOptions { Folder = folder, Samples = 70, Variants = 40, Seed = 5 }, null, CancellationToken.None);
        var place = Path.Combine(folder, "store");
        using (var store = VariantStore.Create(new CreateOptions { Path = place, Assembly = "toy1" }, new StillClock()))
        {
            store.Ingest(new IngestRequest { Files = [paths[0]], SheetPath = paths[3], CallablePath = paths[4], Threads = 1 });
            store.Ingest(new IngestRequest { Files = [paths[1]], Threads = 1 });
            store.Ingest(new IngestRequest { Files = [paths[2]], Threads = 1 });
        }
        Take(place);
        using (var store = VariantStore.Open(place, clock: new StillClock())) store.Compact();
        Take(place);
    }

    /// <summary>Segments as ingest writes them, then as compaction does.</summary>
    public List<StoredSegment> Segments { get; } = [];

    /// <summary>Parts of the catalog of both versions, by name.</summary>
    public List<(string Name, byte[] Content)> Parts { get; } = [];

    /// <summary>What one stream holds, in every block that has it.</summary>
    public byte[][] Of(BlockStream stream) => [.. Segments.SelectMany(s => s.Blocks).Where(b => b.Streams.ContainsKey(stream)).Select(b => b.Streams[stream])];

    /// <summary>The content of a segment, its streams stored rather than compressed, so that a changed byte is a changed value.</summary>
    /// <param name="segment">What is inside.</param>
    /// <param name="change">Gets each stream and gives it back, changed or not.</param>
    public static byte[] Build(StoredSegment segment, Func<StoredBlock, BlockStream, byte[], byte[]> change)
    {
        var to = new ByteWriter(1 << 12);
        var blocks = new List<BlockInfo>();
        foreach (var block in segment.Blocks)
        {
            var places = new Dictionary<BlockStream, (long, int)>();
            foreach (var (stream, content) in block.Streams.OrderBy(s => s.Key))
            {
                var changed = change(block, stream, content);
                var at = to.Length;
                if (Packed.Contains(stream))
                {
                    to.Byte(0);
                    to.Var(changed.Length);
                }
                to.Raw(changed);
                places[stream] = (at, to.Length - at);
            }
            blocks.Add(With(block.Info, places));
        }
        var directory = to.Length;
        to.Byte(segment.IsPacked ? SegmentWriter.PackedVersion : SegmentWriter.Version);
        to.Var(segment.Ordinals.Length);
        for (var i = 0; i < segment.Ordinals.Length; i++) to.Var(segment.Ordinals[i] - (i == 0 ? 0 : segment.Ordinals[i - 1]));
        to.Var(blocks.Count);
        foreach (var block in blocks) block.Write(to);
        var length = to.Length - directory;
        to.Int64(directory);
        to.Int32(length);
        to.Int32(SegmentWriter.Magic);
        return to.ToArray();
    }

    /// <summary>Batches carry the time of their load.</summary>
    private sealed class StillClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }

    private static BlockInfo With(BlockInfo info, Dictionary<BlockStream, (long, int)> places) => new()
    {
        Contig = info.Contig, RecordCount = info.RecordCount, RowCount = info.RowCount, EvidenceCount = info.EvidenceCount,
        Rows = info.Rows, Records = info.Records, Evidence = info.Evidence, HasStructural = info.HasStructural, Streams = places,
    };

    private void Take(string place)
    {
        using var folder = StoreFolder.Open(DiskStorage.Open(place), DiskStorage.Open(place + ".keys"), TimeProvider.System);
        foreach (var file in folder.Current.Files.Where(f => f.Kind == SegmentWriter.FileKind))
        {
            using var segment = Segment.Open(folder.OpenFile(file));
            Segments.Add(new StoredSegment(segment.Ordinals, segment.IsPacked, [.. segment.Blocks.Select(b => Take(segment, b))]));
        }
        foreach (var name in folder.Current.Parts.Keys) Parts.Add((name, folder.ReadPart(folder.Current, name)));
    }

    private static StoredBlock Take(Segment segment, BlockInfo info)
    {
        var block = new Block(segment, info);
        var streams = info.Streams.Keys.ToDictionary(s => s, s => segment.Read(info, s)!);
        foreach (var stream in streams.Keys.Intersect(Packed).ToList()) streams[stream] = PackedStream.Unpack(streams[stream]);
        return new StoredBlock(info, block.SampleCount, block.Sites.FirstRow, block.Missing, block.Absent, streams);
    }
}
