using System.Diagnostics;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>
/// Which local samples of a segment a selection sees and counts, in the forms that counting needs. Made once per selection and segment
/// (<see cref="Selection.SamplesOf"/>); the masks of groups and sexes on first use. One thread.
/// </summary>
internal sealed class SegmentSamples
{
    private readonly Selection _selection;
    private readonly int[] _ordinals;
    private SampleMask[]? _groupMask;
    private SampleMask[]? _sexMask;
    private GroupMap? _groupMap;
    private (int Class, SampleMask Samples)[]? _classes;
    private (int First, int End, int Panel)[]? _panels;

    public SegmentSamples(Segment segment, Selection selection)
    {
        (_selection, _ordinals) = (selection, segment.Ordinals);
        SlotOf = new int[_ordinals.Length];
        var words = (_ordinals.Length + 63) / 64;
        var (visible, counted) = (new ulong[words], new ulong[words]);
        for (var local = 0; local < SlotOf.Length; local++)
        {
            var slot = SlotOf[local] = selection.SlotOfOrdinal[_ordinals[local]];
            if (selection.VisibleOrdinal[_ordinals[local]]) visible[local >> 6] |= 1UL << (local & 63);
            if (slot >= 0) counted[local >> 6] |= 1UL << (local & 63);
        }
        Visible = SampleMask.FromBits(SlotOf.Length, visible);
        Counted = SampleMask.FromBits(SlotOf.Length, counted);
        Debug.Assert(SlotOf.Where(s => s >= 0).Distinct().Count() == Counted.Count, "a segment has two parts of one sample in force at once");
    }

    /// <summary>Slot per local sample, or -1.</summary>
    public int[] SlotOf { get; }

    /// <summary>Local samples of the snapshot that the scope sees.</summary>
    public SampleMask Visible { get; }

    /// <summary>Whether nothing is hidden from who asks and every local sample is in force.</summary>
    public bool SeesAll => _selection.HidesNothing && Visible.Count > 0 && Visible.Count == SlotOf.Length;

    /// <summary>Local samples that are counted.</summary>
    public SampleMask Counted { get; }

    /// <summary>A file that stands for when any counted sample was loaded; null when they were not all loaded by one commit, or none is counted.</summary>
    public BatchEntry? OneLoad => (_oneLoad ??= (true, FindLoad())).Load;

    private (bool IsKnown, BatchEntry? Load)? _oneLoad;

    /// <summary>Counted local samples per group.</summary>
    public SampleMask[] GroupMask => _groupMask ??= _selection.Groups.Count == 1 ? [Counted] : Masks(_selection.Groups.Count, slot => _selection.GroupOf[slot]);

    /// <summary>Counted local samples per group and sex, at group * 3 + sex.</summary>
    public SampleMask[] SexMask => _sexMask ??= Masks(_selection.Groups.Count * 3, slot => (_selection.GroupOf[slot] * 3) + (int)_selection.SexOf[slot]);

    /// <summary>The groups of the counted local samples for one pass over all groups; at most <see cref="GroupMap.MaxGroups"/> groups.</summary>
    public GroupMap GroupMap => _groupMap ??= MapGroups();

    /// <summary>Counted local samples per class of the selection.</summary>
    public (int Class, SampleMask Samples)[] Classes => _classes ??= FindClasses();

    /// <summary>The panels of the segment: first local sample, end, first ordinal of the panel.</summary>
    public (int First, int End, int Panel)[] Panels => _panels ??= FindPanels();

    private GroupMap MapGroups()
    {
        var groups = new byte[SlotOf.Length];
        for (var local = 0; local < groups.Length; local++) groups[local] = SlotOf[local] < 0 ? GroupMap.None : (byte)_selection.GroupOf[SlotOf[local]];
        return new GroupMap(groups, _selection.Groups.Count);
    }

    /// <summary>Masks may be as many as samples; those without a sample here share one empty mask.</summary>
    private SampleMask[] Masks(int count, Func<int, int> maskOf)
    {
        var none = new SampleMask(SlotOf.Length);
        var masks = new SampleMask[count];
        masks.AsSpan().Fill(none);
        for (var local = 0; local < SlotOf.Length; local++)
        {
            if (SlotOf[local] < 0) continue;
            ref var mask = ref masks[maskOf(SlotOf[local])];
            if (mask == none) mask = new SampleMask(SlotOf.Length);
            mask[local] = true;
        }
        return masks;
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

    private BatchEntry? FindLoad()
    {
        BatchEntry? load = null;
        for (var local = 0; local < SlotOf.Length; local++)
        {
            if (SlotOf[local] < 0) continue;
            var batch = _selection.BatchOf(_ordinals[local]);
            if (load is not null && (batch.Version, batch.LoadedUnixMs) != (load.Version, load.LoadedUnixMs)) return null;
            load = batch;
        }
        return load;
    }

    /// <summary>Ordinals ascend and a panel is a stretch of them, so its samples lie together.</summary>
    private (int First, int End, int Panel)[] FindPanels()
    {
        var panels = new List<(int First, int End, int Panel)>();
        for (var local = 0; local < SlotOf.Length; local++)
        {
            var panel = _selection.PanelOfOrdinal[_ordinals[local]];
            if (panels.Count > 0 && panels[^1].Panel == panel) panels[^1] = (panels[^1].First, local + 1, panel);
            else panels.Add((local, local + 1, panel));
        }
        return [.. panels];
    }
}
