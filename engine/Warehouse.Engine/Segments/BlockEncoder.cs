using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>Puts the parts of a block together and describes it for the directory.</summary>
internal static class BlockEncoder
{
    public static void Write(SegmentWriter segment, int contig, SiteTable table, IReadOnlyList<string>? ids, EvidenceBuilder evidence, Dictionary<BlockStream, byte[]> streams)
    {
        if (table.RecordCount > 0)
        {
            var sites = new ByteWriter((table.RecordCount * 16) + table.Text.Length);
            SiteTableCodec.Encode(table, sites);
            streams[BlockStream.Sites] = PackedStream.Pack(sites.Written);
        }
        if (ids is not null)
        {
            var to = new ByteWriter(table.RecordCount * 8);
            foreach (var id in ids) to.Text(id);
            streams[BlockStream.Ids] = PackedStream.Pack(to.Written);
        }
        if (evidence.Count > 0) streams[BlockStream.Evidence] = PackedStream.Pack(evidence.Encode());
        var (rows, records) = Ranges(table);
        segment.Add(streams, places => new BlockInfo
        {
            Contig = contig,
            RecordCount = table.RecordCount,
            RowCount = table.RowCount,
            EvidenceCount = evidence.Count,
            Rows = rows,
            Records = records,
            Evidence = evidence.Count > 0 ? (evidence.SmallestStart, evidence.LargestEnd) : (0, 0),
            HasStructural = table.RowKind.Any(k => k is AlleleKind.Symbolic or AlleleKind.Breakend),
            Streams = places,
        });
    }

    private static ((int, int) Rows, (int, int) Records) Ranges(SiteTable table)
    {
        if (table.RecordCount == 0) return ((0, 0), (0, 0));
        var rows = table.RowCount == 0 ? (0, 0) : (table.RowStart.Min(), table.RowStart.Max() + 1);
        return (rows, (table.RecordStart[0], table.RecordEnd.Max()));
    }
}
