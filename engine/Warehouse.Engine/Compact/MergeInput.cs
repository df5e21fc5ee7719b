using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Compact;

/// <summary>
/// A segment that is merged: where its samples go, and its records and evidence in ascending order of start. One thread.
/// </summary>
internal sealed class MergeInput
{
    private readonly Segment _segment;

    /// <summary>Takes a segment, which stays the caller's.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="index">Its number among the inputs.</param>
    /// <param name="placeOf">New local number of each ordinal that is kept.</param>
    /// <param name="panelOf">Panel of an ordinal.</param>
    public MergeInput(Segment segment, int index, IReadOnlyDictionary<int, int> placeOf, Func<int, int> panelOf)
    {
        (_segment, Index) = (segment, index);
        Places = [.. segment.Ordinals.Select(o => placeOf.TryGetValue(o, out var place) ? place : -1)];
        Panels = [.. segment.Ordinals.Select(panelOf)];
        KeptPanels = [.. Enumerable.Range(0, Places.Length).Where(l => Places[l] >= 0).Select(l => Panels[l])];
        HasDropped = Places.Contains(-1);
        SampleWords = new ulong[(placeOf.Count + 63) / 64];
        KeptWords = new ulong[(Places.Length + 63) / 64];
        for (var local = 0; local < Places.Length; local++)
        {
            if (Places[local] is not (>= 0 and var place)) continue;
            SampleWords[place >> 6] |= 1UL << (place & 63);
            KeptWords[local >> 6] |= 1UL << (local & 63);
        }
    }

    public int Index { get; }

    /// <summary>New local number per local sample, ascending; -1 = dropped.</summary>
    public int[] Places { get; }

    /// <summary>Panel per local sample.</summary>
    public int[] Panels { get; }

    /// <summary>Panels that keep a sample.</summary>
    public HashSet<int> KeptPanels { get; }

    public bool HasDropped { get; }

    /// <summary>The kept samples in new numbers.</summary>
    public ulong[] SampleWords { get; }

    /// <summary>The kept samples in the input's own numbers.</summary>
    public ulong[] KeptWords { get; }

    public IEnumerable<int> Contigs => _segment.Blocks.Select(b => b.Contig).Distinct();

    /// <summary>The records of a contig that a kept sample has, in the order of the segment. Each block is decoded when it is reached.</summary>
    public IEnumerable<MergeRecord> Records(int contig)
    {
        foreach (var info in _segment.Blocks)
        {
            if (info.Contig != contig || info.RecordCount == 0) continue;
            var block = new MergeBlock(this, new Block(_segment, info));
            for (var record = 0; record < info.RecordCount; record++)
                if (!HasDropped || block.IsKept(record)) yield return new MergeRecord(block, record);
        }
    }

    /// <summary>The evidence of a contig by start; of one sample in the order of the segment. Samples in new numbers.</summary>
    public IEnumerable<(int Start, int End, byte Kind, int Sample)> Evidence(int contig)
    {
        foreach (var info in _segment.Blocks)
        {
            if (info.Contig != contig || info.EvidenceCount == 0) continue;
            var table = new Block(_segment, info).Evidence;
            var pieces = new List<(int Start, int Index, int End, byte Kind, int Sample)>(table.Count);
            for (var local = 0; local < Places.Length; local++)
            {
                if (Places[local] < 0) continue;
                foreach (var (start, end, kind) in table.Raw(local)) pieces.Add((start, pieces.Count, end, kind, Places[local]));
            }
            pieces.Sort((a, b) => a.Start != b.Start ? a.Start.CompareTo(b.Start) : a.Index.CompareTo(b.Index));
            foreach (var (start, _, end, kind, sample) in pieces) yield return (start, end, kind, sample);
        }
    }
}

/// <summary>A record of an input.</summary>
internal readonly record struct MergeRecord(MergeBlock Block, int Record)
{
    public SiteTable Sites => Block.Sites;

    public int Start => Block.Sites.RecordStart[Record];
}
