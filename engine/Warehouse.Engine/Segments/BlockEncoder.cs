using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>A block as it will lie in its segment.</summary>
/// <param name="Streams">Its streams.</param>
/// <param name="Describe">What the directory says of it, given the places of the streams.</param>
internal sealed record EncodedBlock(Dictionary<BlockStream, byte[]> Streams, Func<IReadOnlyDictionary<BlockStream, (long, int)>, BlockInfo> Describe)
{
    /// <summary>Appends it to its segment.</summary>
    public void WriteTo(SegmentWriter segment) => segment.Add(Streams, Describe);
}

/// <summary>The streams of a site table, which panels with the same phase flags share.</summary>
/// <param name="Table">The table.</param>
/// <param name="Sites">Its stream, when it has a record.</param>
/// <param name="Ids">The stream of IDs, when any is set.</param>
internal sealed record EncodedSites(SiteTable Table, byte[]? Sites, byte[]? Ids);

/// <summary>Puts the parts of a block together and describes it for the directory. Any thread; the parts are read, not kept.</summary>
internal static class BlockEncoder
{
    public static EncodedBlock Encode(int contig, SiteTable table, IReadOnlyList<string>? ids, EvidenceBuilder evidence, Dictionary<BlockStream, byte[]> streams) =>
        Encode(contig, Encode(table, ids), evidence, streams);

    /// <summary>The streams of a site table and its IDs.</summary>
    public static EncodedSites Encode(SiteTable table, IReadOnlyList<string>? ids)
    {
        byte[]? sites = null, packedIds = null;
        if (table.RecordCount > 0)
        {
            var to = new ByteWriter((table.RecordCount * 16) + table.Text.Length);
            SiteTableCodec.Encode(table, to);
            sites = PackedStream.Pack(to.Written);
        }
        if (ids is not null)
        {
            var to = new ByteWriter(table.RecordCount * 8);
            foreach (var id in ids) to.Text(id);
            packedIds = PackedStream.Pack(to.Written);
        }
        return new EncodedSites(table, sites, packedIds);
    }

    /// <summary>A block of one panel.</summary>
    public static EncodedBlock Encode(int contig, EncodedSites sites, EvidenceBuilder evidence, Dictionary<BlockStream, byte[]> streams)
    {
        var table = sites.Table;
        if (sites.Sites is { } bytes) streams[BlockStream.Sites] = bytes;
        if (sites.Ids is { } ids) streams[BlockStream.Ids] = ids;
        if (evidence.Count > 0) streams[BlockStream.Evidence] = PackedStream.Pack(evidence.Encode());
        var (rows, records) = Ranges(table);
        var (intervals, span) = (evidence.Count, evidence.Count > 0 ? (evidence.SmallestStart, evidence.LargestEnd) : (0, 0));
        var structural = table.RowKind.Any(k => k is AlleleKind.Symbolic or AlleleKind.Breakend);
        return new EncodedBlock(streams, places => new BlockInfo
        {
            Contig = contig,
            RecordCount = table.RecordCount,
            RowCount = table.RowCount,
            EvidenceCount = intervals,
            Rows = rows,
            Records = records,
            Evidence = span,
            HasStructural = structural,
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
