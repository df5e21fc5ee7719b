namespace Warehouse.Engine.Query;

/// <summary>What one listing found damaged. Grows while the listing goes on; what is here stays. One thread.</summary>
/// <param name="view">Names contigs, and their order.</param>
/// <param name="symbolic">Whether symbolic alleles are listed, which reach beyond the blocks that hold them.</param>
internal sealed class DamagedRanges(StoreView view, bool symbolic)
{
    private readonly List<Found> _found = [];
    private readonly List<(int Contig, int Start, int End)> _asked = [];

    private sealed record Found(int Contig, UnavailableRange Range)
    {
        /// <summary>Whether something that was asked for touches it, though it lies outside of what was asked.</summary>
        public bool Met { get; set; }
    }

    public bool Symbolic => symbolic;

    /// <summary>Damages noted so far.</summary>
    public int Count => _found.Count;

    /// <summary>Says that variants with start in [start, end) are listed: damage elsewhere matters only where one of them touches it.</summary>
    public void Ask(int contig, int start, int end) => _asked.Add((contig, start, end));

    /// <summary>The ranges that matter to what was asked, in the order of answers.</summary>
    public IReadOnlyList<UnavailableRange> InOrder()
    {
        var order = view.ContigsInOrder();
        return [.. _found.Where(f => f.Met || _asked.Exists(a => a.Contig == f.Contig && a.Start < f.Range.End && f.Range.Start < a.End))
            .OrderBy(f => order.IndexOf(f.Contig)).ThenBy(f => f.Range.Start).ThenBy(f => f.Range.End).ThenBy(f => f.Range.File, StringComparer.Ordinal).Select(f => f.Range)];
    }

    /// <summary>Notes a damage; the same twice is one.</summary>
    public void Add(int contig, (int Start, int End) span, string file, Exception met)
    {
        var range = new UnavailableRange(Damage.FileOf(met) ?? file, view.Catalog.Contigs[contig].Spelling, span.Start, span.End, Damage.TextOf(met)!);
        if (!_found.Exists(f => f.Contig == contig && f.Range.File == range.File && f.Range.Start == range.Start && f.Range.End == range.End)) _found.Add(new Found(contig, range));
    }

    /// <summary>Notes a segment whose directory cannot be read: all that the catalog says it has on the contig.</summary>
    public void AddSegment(int contig, Catalog.SegmentEntry entry, Exception met)
    {
        var (start, end) = entry.Stretches[contig];
        Add(contig, (start, symbolic ? Math.Max(end, EndOf(contig)) : end), "f/" + entry.File, met);
    }

    /// <summary>End of a contig, where it is known.</summary>
    public int EndOf(int contig) => view.Catalog.Contigs[contig].LengthBases is > 0 and var length ? (int)Math.Min(length, int.MaxValue) : int.MaxValue;

    /// <summary>Whether anything damaged touches [start, end), the span of what is to be answered.</summary>
    public bool Touch(int contig, int start, int end)
    {
        var touches = false;
        foreach (var found in _found)
        {
            if (found.Contig != contig || found.Range.Start >= end || start >= found.Range.End) continue;
            touches = found.Met = true;
        }
        return touches;
    }
}
