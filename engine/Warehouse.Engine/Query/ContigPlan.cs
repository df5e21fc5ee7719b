using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>
/// The blocks of one contig that a session sees, cut into stretches that no block crosses: what is asked in one stretch concerns its blocks
/// alone. Found once a session from the directories of the segments. One thread.
/// </summary>
internal sealed class ContigPlan
{
    private ContigPlan(Stretch[] stretches) => Stretches = stretches;

    /// <summary>Stretches with rows, ascending.</summary>
    public Stretch[] Stretches { get; }

    /// <summary>Plans a contig.</summary>
    /// <param name="view">The store.</param>
    /// <param name="contig">Index of the contig.</param>
    /// <param name="selection">Any selection of the session: only what it sees matters.</param>
    /// <param name="care">Gets the segments that cannot be opened, which are not in the plan then; null = they throw.</param>
    public static ContigPlan Build(StoreView view, int contig, Selection selection, Care? care = null)
    {
        var blocks = new List<PlacedBlock>();
        foreach (var source in ContigScan.OpenSources(view, contig, selection, how: (care, null)))
            foreach (var info in source.Segment.Blocks)
                if (info.Contig == contig && OpenBlock.Span(info) is var (start, end) && end > start) blocks.Add(new PlacedBlock(start, end, source.Segment, info));
        var order = InOrder(blocks);
        var (stretches, sets) = (new List<Stretch>(), new List<Segment[]>());
        for (var at = 0; at < order.Count;)
        {
            var (first, end) = (at, order[at].End);
            for (at++; at < order.Count && order[at].Start < end; at++) end = Math.Max(end, order[at].End);
            var here = order[first..at];
            if (!here.Exists(b => b.Info.RowCount > 0)) continue;
            var segments = here.Select(b => b.Segment).ToArray();
            if (sets.Find(s => s.AsSpan().SequenceEqual(segments)) is { } known) segments = known;
            else sets.Add(segments);
            stretches.Add(new Stretch((order[first].Start, end), segments, [.. here.Select(b => b.Info)]));
        }
        return new ContigPlan([.. stretches]);
    }

    /// <summary>Blocks by start; those of one start as they come. Few lists of blocks are out of order.</summary>
    private static List<PlacedBlock> InOrder(List<PlacedBlock> blocks)
    {
        for (var i = 1; i < blocks.Count; i++)
            if (blocks[i].Start < blocks[i - 1].Start) return [.. blocks.OrderBy(b => b.Start)];
        return blocks;
    }

    private sealed record PlacedBlock(int Start, int End, Segment Segment, BlockInfo Info);

    /// <summary>Index of the first stretch that ends behind a place.</summary>
    public int FirstBehind(int start)
    {
        var (low, high) = (0, Stretches.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (Stretches[middle].Span.End <= start) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}

/// <summary>
/// Blocks of a contig that overlap no other block. Where they are the panels of one file, one block a segment with the same alleles, they
/// can be counted by whole columns. One thread.
/// </summary>
internal sealed class Stretch((int Start, int End) span, Segment[] segments, BlockInfo[] infos)
{
    private bool _judged;
    private bool _byColumns;

    public (int Start, int End) Span => span;

    /// <summary>The segment of each block; the same array for stretches of the same segments.</summary>
    public Segment[] Segments => segments;

    /// <summary>
    /// Records, by index in the table that the blocks share, for which a block has more than plain diploid calls of every sample: haploid,
    /// irregular or absent ones. Null = no such record.
    /// </summary>
    public bool[]? Odd { get; private set; }

    /// <summary>The blocks, when they can be counted by columns; else null.</summary>
    public Block[]? Columns()
    {
        if (_judged && !_byColumns) return null;
        if (!_judged && segments.Distinct().Count() < segments.Length) return Judge(null);
        var blocks = new Block[infos.Length];
        for (var i = 0; i < blocks.Length; i++) blocks[i] = segments[i].BlockOf(infos[i]);
        return _judged ? blocks : Judge(blocks);
    }

    /// <summary>Bytes of the genotype columns of the blocks, decoded.</summary>
    public long GenotypeBytes()
    {
        var bytes = 0L;
        for (var i = 0; i < infos.Length; i++)
        {
            var block = segments[i].BlockOf(infos[i]);
            foreach (var sets in (ReadOnlySpan<SampleSets?>)[block.Het, block.Hom, block.Missing, block.Haploid, block.Absent]) bytes += sets?.HotBytes ?? 0;
        }
        return bytes;
    }

    private Block[]? Judge(Block[]? blocks)
    {
        _byColumns = blocks is not null && Array.TrueForAll(blocks, b => b.Sites.HasSameRows(blocks[0].Sites)) && !blocks[0].Sites.RepeatsAlleles();
        _judged = true;
        if (!_byColumns) return null;
        foreach (var block in blocks!)
        {
            if (block is { Haploid: null, Absent: null, HasExceptions: false }) continue;
            for (var record = 0; record < block.Info.RecordCount; record++)
                if (!block.IsPlain(record) || !block.IsWhole(record)) (Odd ??= new bool[block.Info.RecordCount])[record] = true;
        }
        return blocks;
    }
}
