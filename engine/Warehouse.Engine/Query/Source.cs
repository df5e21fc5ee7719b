using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>
/// One segment on one contig, walked in ascending order: the blocks that can matter to the place asked are open, those behind are let go.
/// Memory: the open blocks. One thread.
/// </summary>
internal sealed class Source
{
    private readonly Selection _selection;
    private readonly BlockInfo[] _pending;
    private readonly List<OpenBlock> _open = [];
    private readonly SegmentSamples _samples;
    private readonly Care? _care;
    private readonly int _contig;
    private readonly KeptBlocks? _kept;
    private int[]? _countedLocals;
    private int[]? _farthestEnd;
    private int _next;

    /// <summary>Starts before the first block.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="contig">Index of the contig.</param>
    /// <param name="selection">Whom to count.</param>
    /// <param name="index">Position among the sources of the contig.</param>
    /// <param name="how">Care for a listing that goes on around damage: a damaged block is not opened but noted; else damage throws when it is met. For questions in any order, where opened blocks are kept.</param>
    public Source(Segment segment, int contig, Selection selection, int index, (Care? Care, KeptBlocks? Kept) how = default)
    {
        (Segment, Index, Groups, _selection, _care, _contig, _kept) = (segment, index, selection.Groups.Count, selection, how.Care, contig, how.Kept);
        _samples = selection.SamplesOf(segment);
        _pending = BlocksOf(segment, contig);
    }

    /// <summary>The blocks of a contig by start; few segments have them out of order.</summary>
    private static BlockInfo[] BlocksOf(Segment segment, int contig)
    {
        var (blocks, before, ordered) = (new List<BlockInfo>(), int.MinValue, true);
        foreach (var info in segment.Blocks)
        {
            if (info.Contig != contig) continue;
            ordered &= before <= OpenBlock.Span(info).Start;
            before = OpenBlock.Span(info).Start;
            blocks.Add(info);
        }
        return ordered ? [.. blocks] : [.. blocks.OrderBy(b => OpenBlock.Span(b).Start)];
    }

    public Segment Segment { get; }

    /// <summary>Position among the sources of the contig.</summary>
    public int Index { get; }

    public int Groups { get; }

    /// <summary>Slot per local sample, or -1.</summary>
    public int[] SlotOf => _samples.SlotOf;

    /// <summary>Local samples that are counted.</summary>
    public int SlotCount => _samples.Counted.Count;

    /// <summary>Local samples of the snapshot that the scope sees.</summary>
    public SampleMask Visible => _samples.Visible;

    /// <summary>Local samples that are counted.</summary>
    public SampleMask Counted => _samples.Counted;

    /// <summary>The same, ascending.</summary>
    public int[] CountedLocals => _countedLocals ??= [.. Enumerable.Range(0, SlotOf.Length).Where(local => SlotOf[local] >= 0)];

    /// <summary>A file that stands for when any counted sample was loaded; null when they were not all loaded at once, or none is counted.</summary>
    public BatchEntry? OneLoad => _samples.OneLoad;

    /// <summary>Whether nothing is hidden from who asks.</summary>
    public bool HidesNothing => _selection.HidesNothing;

    /// <summary>Whether nothing is hidden and every sample is in force: then all rows are listed of a block that lost no carrier.</summary>
    public bool SeesAll => _samples.SeesAll;

    /// <summary>Group and sex of a counted local sample.</summary>
    public (int Group, int Sex) GroupAndSex(int local) => (_selection.GroupOf[SlotOf[local]], (int)_selection.SexOf[SlotOf[local]]);

    /// <summary>Counted local samples per class of the selection.</summary>
    public (int Class, SampleMask Samples)[] Classes => _samples.Classes;

    /// <summary>The panels of the segment: first local sample, end, first ordinal of the panel.</summary>
    public (int First, int End, int Panel)[] Panels => _samples.Panels;

    /// <summary>Counted local samples per group.</summary>
    public SampleMask[] GroupMask => _samples.GroupMask;

    /// <summary>Counted local samples per group and sex, at group * 3 + sex.</summary>
    public SampleMask[] SexMask => _samples.SexMask;

    public IReadOnlyList<OpenBlock> Open => _open;

    /// <summary>Makes every block open that can matter to [start, end); earlier calls had no larger start, unless blocks are kept.</summary>
    /// <returns>Blocks newly opened.</returns>
    public int Advance(int start, int end)
    {
        if (_kept is not null) return Take(start, end, _kept);
        _open.RemoveAll(b => OpenBlock.Span(b.Block.Info).End <= start);
        var opened = 0;
        while (_next < _pending.Length && OpenBlock.Span(_pending[_next]).Start < end)
        {
            var info = _pending[_next++];
            if (OpenBlock.Span(info).End <= start) continue;
            if (Opened(info) is not { } block) continue;
            _open.Add(block);
            opened++;
        }
        return opened;
    }

    /// <summary>The blocks that can matter to a place, whatever was asked before.</summary>
    private int Take(int start, int end, KeptBlocks kept)
    {
        _open.Clear();
        var farthest = _farthestEnd ??= FarthestEnds();
        for (var at = FirstBehind(farthest, start); at < _pending.Length && OpenBlock.Span(_pending[at]).Start < end; at++)
            if (OpenBlock.Span(_pending[at]).End > start) _open.Add(kept.Open(Segment, _pending[at]));
        return _open.Count;
    }

    private int[] FarthestEnds()
    {
        var (ends, farthest) = (new int[_pending.Length], int.MinValue);
        for (var i = 0; i < ends.Length; i++) ends[i] = farthest = Math.Max(farthest, OpenBlock.Span(_pending[i]).End);
        return ends;
    }

    private static int FirstBehind(int[] ends, int start)
    {
        var (low, high) = (0, ends.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (ends[middle] <= start) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private OpenBlock? Opened(BlockInfo info)
    {
        var open = new OpenBlock(Segment.BlockOf(info));
        if (_care is null) return open;
        try
        {
            foreach (var stream in Needed(info)) open.Block.Load(stream);
            if (SlotCount > 0 && (_care.Needs & RowNeeds.Calls) != 0) _ = open.Phase; // reads the order of heterozygous calls
            return open;
        }
        catch (Exception met) when (Damage.TextOf(met) is not null)
        {
            NoteDamaged(info, met);
            return null;
        }
    }

    /// <summary>Streams that the listing may ask of a block: of one that nobody is counted in and all of which is visible, the sites alone.</summary>
    private List<BlockStream> Needed(BlockInfo info)
    {
        var needed = new List<BlockStream> { BlockStream.Sites };
        var (counts, calls) = (SlotCount > 0 && (_care!.Needs & RowNeeds.Counts) != 0, SlotCount > 0 && (_care!.Needs & RowNeeds.Calls) != 0);
        if (counts || calls || !SeesAll || info.Streams.ContainsKey(BlockStream.Lost))
            needed.AddRange([BlockStream.MissingGaps, BlockStream.Missing, BlockStream.Absent, BlockStream.Haplotypes, BlockStream.Het, BlockStream.Hom, BlockStream.Haploid, BlockStream.Exceptions, BlockStream.Lost]);
        if (counts) needed.Add(BlockStream.Evidence);
        if (counts && _care!.Adj) needed.Add(BlockStream.AdjFail);
        if (calls) needed.AddRange([BlockStream.Detail, BlockStream.Phased]);
        return needed;
    }

    /// <summary>Notes that a block is damaged: its whole span, and as far as its symbolic alleles reach where they are listed.</summary>
    public void NoteDamaged(BlockInfo info, Exception met)
    {
        var (start, end) = OpenBlock.Span(info);
        if (_care!.Around.Symbolic && info.HasStructural) end = Math.Max(end, FarthestEnd(info));
        _care.Around.Add(_contig, (start, end), Segment.File, met);
    }

    private int FarthestEnd(BlockInfo info)
    {
        try
        {
            var end = 0;
            foreach (var (_, extent) in Segment.BlockOf(info).Sites.Extents) end = Math.Max(end, extent.End);
            return end;
        }
        catch (Exception met) when (Damage.TextOf(met) is not null)
        {
            return _care!.Around.EndOf(_contig);
        }
    }

    /// <summary>Reads and authenticates, without decoding, what the listing may ask of the blocks that can matter to [start, end), and notes the damaged ones; whatever was advanced to.</summary>
    /// <param name="start">Start.</param>
    /// <param name="end">End.</param>
    /// <param name="structural">Also of blocks elsewhere that have symbolic alleles.</param>
    public void Survey(int start, int end, bool structural)
    {
        if (_care is null) return;
        byte[] buffer = [];
        foreach (var info in _pending)
        {
            if (!BlockInfo.Overlaps(OpenBlock.Span(info), start, end) && !(structural && info.HasStructural)) continue;
            try
            {
                var needed = Needed(info);
                if (needed.Contains(BlockStream.Detail)) needed.AddRange([BlockStream.Swapped, BlockStream.Ids]);
                foreach (var stream in needed) Segment.Read(info, stream, ref buffer);
            }
            catch (Exception met) when (Damage.TextOf(met) is not null)
            {
                NoteDamaged(info, met);
            }
        }
    }

    /// <summary>Start of the next block that is not open; int.MaxValue at the end.</summary>
    public int NextStart => _next < _pending.Length ? OpenBlock.Span(_pending[_next]).Start : int.MaxValue;

    /// <summary>Whether anything open can matter to [start, end).</summary>
    public bool Concerns(int start, int end)
    {
        foreach (var block in _open)
            if (block.Block.Info.Concerns(start, end)) return true;
        return false;
    }

    /// <summary>Whether a speaking record of an open block overlaps [start, end).</summary>
    public bool Touches(int start, int end)
    {
        foreach (var block in _open)
            if (BlockInfo.Overlaps(block.Block.Info.Records, start, end) && block.Sites.Touches(start, end)) return true;
        return false;
    }

    /// <summary>How far own evidence covers a local sample from at, at most to end.</summary>
    public int Extend(int local, int at, int end, bool adj, ref int ploidy)
    {
        for (var before = int.MinValue; at != before && at < end;)
        {
            before = at;
            foreach (var block in _open)
                if (block.Block.Info.EvidenceCount > 0 && at < end) at = block.Block.Evidence.Extend(local, at, end, adj, ref ploidy);
        }
        return at;
    }

    /// <summary>Whether any evidence of an open block overlaps [start, end).</summary>
    public bool HasEvidence(int start, int end)
    {
        foreach (var block in _open)
            if (BlockInfo.Overlaps(block.Block.Info.Evidence, start, end)) return true;
        return false;
    }
}
