using System.Diagnostics;
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
    private (int Class, SampleMask Samples)[]? _classes;
    private (int First, int End, int Panel)[]? _panels;
    private int[]? _countedLocals;
    private int _next;

    public Source(Segment segment, int contig, Selection selection, int index)
    {
        (Segment, Index, Groups, _selection) = (segment, index, selection.Groups.Count, selection);
        _pending = [.. segment.Blocks.Where(b => b.Contig == contig).OrderBy(b => OpenBlock.Span(b).Start)];
        SlotOf = new int[segment.Ordinals.Length];
        Visible = new SampleMask(SlotOf.Length);
        Counted = new SampleMask(SlotOf.Length);
        // Groups may be as many as samples; those without a sample here share one empty mask.
        var none = new SampleMask(SlotOf.Length);
        (GroupMask, SexMask) = (new SampleMask[Groups], new SampleMask[Groups * 3]);
        GroupMask.AsSpan().Fill(none);
        SexMask.AsSpan().Fill(none);
        for (var local = 0; local < SlotOf.Length; local++)
        {
            var ordinal = segment.Ordinals[local];
            Visible[local] = selection.VisibleOrdinal[ordinal];
            var slot = SlotOf[local] = selection.SlotOfOrdinal[ordinal];
            if (slot < 0) continue;
            Mark(ref GroupMask[selection.GroupOf[slot]], none, local);
            Mark(ref SexMask[(selection.GroupOf[slot] * 3) + (int)selection.SexOf[slot]], none, local);
            Counted[local] = true;
            SlotCount++;
        }
        Debug.Assert(SlotOf.Where(s => s >= 0).Distinct().Count() == SlotCount, "a segment has two parts of one sample in force at once");
    }

    private static void Mark(ref SampleMask mask, SampleMask none, int local)
    {
        if (mask == none) mask = new SampleMask(none.SampleCount);
        mask[local] = true;
    }

    public Segment Segment { get; }

    /// <summary>Position among the sources of the contig.</summary>
    public int Index { get; }

    public int Groups { get; }

    /// <summary>Slot per local sample, or -1.</summary>
    public int[] SlotOf { get; }

    /// <summary>Local samples that are counted.</summary>
    public int SlotCount { get; }

    /// <summary>Local samples of the snapshot that the scope sees.</summary>
    public SampleMask Visible { get; }

    /// <summary>Local samples that are counted.</summary>
    public SampleMask Counted { get; }

    /// <summary>The same, ascending.</summary>
    public int[] CountedLocals => _countedLocals ??= [.. Enumerable.Range(0, SlotOf.Length).Where(local => SlotOf[local] >= 0)];

    /// <summary>Group and sex of a counted local sample.</summary>
    public (int Group, int Sex) GroupAndSex(int local) => (_selection.GroupOf[SlotOf[local]], (int)_selection.SexOf[SlotOf[local]]);

    /// <summary>Counted local samples per class of the selection.</summary>
    public (int Class, SampleMask Samples)[] Classes => _classes ??= FindClasses();

    /// <summary>The panels of the segment: first local sample, end, first ordinal of the panel.</summary>
    public (int First, int End, int Panel)[] Panels => _panels ??= FindPanels();

    /// <summary>Counted local samples per group.</summary>
    public SampleMask[] GroupMask { get; }

    /// <summary>Counted local samples per group and sex, at group * 3 + sex.</summary>
    public SampleMask[] SexMask { get; }

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

    private (int Class, SampleMask Samples)[] FindClasses()
    {
        var classes = new SortedDictionary<int, SampleMask>();
        for (var local = 0; local < SlotOf.Length; local++)
        {
            if (SlotOf[local] is not (>= 0 and var slot)) continue;
            if (!classes.TryGetValue(_selection.ClassOf[slot], out var samples)) classes.Add(_selection.ClassOf[slot], samples = new SampleMask(SlotOf.Length));
            samples[local] = true;
        }
        return [.. classes.Select(c => (c.Key, c.Value))];
    }

    /// <summary>Ordinals ascend and a panel is a stretch of them, so its samples lie together.</summary>
    private (int First, int End, int Panel)[] FindPanels()
    {
        var panels = new List<(int First, int End, int Panel)>();
        for (var local = 0; local < SlotOf.Length; local++)
        {
            var panel = _selection.PanelOfOrdinal[Segment.Ordinals[local]];
            if (panels.Count > 0 && panels[^1].Panel == panel) panels[^1] = (panels[^1].First, local + 1, panel);
            else panels.Add((local, local + 1, panel));
        }
        return [.. panels];
    }

    /// <summary>Whether any evidence of an open block overlaps [start, end).</summary>
    public bool HasEvidence(int start, int end)
    {
        foreach (var block in _open)
            if (BlockInfo.Overlaps(block.Block.Info.Evidence, start, end)) return true;
        return false;
    }
}
