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
    private int[]? _countedLocals;
    private int _next;

    public Source(Segment segment, int contig, Selection selection, int index)
    {
        (Segment, Index, Groups, _selection) = (segment, index, selection.Groups.Count, selection);
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

    /// <summary>Makes every block open that can matter to [start, end); earlier calls had no larger start.</summary>
    /// <returns>Blocks newly opened.</returns>
    public int Advance(int start, int end)
    {
        _open.RemoveAll(b => OpenBlock.Span(b.Block.Info).End <= start);
        var opened = 0;
        while (_next < _pending.Length && OpenBlock.Span(_pending[_next]).Start < end)
        {
            var info = _pending[_next++];
            if (OpenBlock.Span(info).End <= start) continue;
            _open.Add(new OpenBlock(Segment.BlockOf(info)));
            opened++;
        }
        return opened;
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
