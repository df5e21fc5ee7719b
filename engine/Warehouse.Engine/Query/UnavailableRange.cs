using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Query;

/// <summary>
/// A stretch that a listing could not judge, because a file of the store is damaged: every variant whose span (REF, or start to end of a
/// symbolic allele) touches it is left out, stored or not. All other rows are what an undamaged store answers.
/// </summary>
/// <param name="File">Name of the damaged file in the store.</param>
/// <param name="Contig">Contig as answers spell it.</param>
/// <param name="Start">0-based start.</param>
/// <param name="End">End, exclusive.</param>
/// <param name="Damage">What is wrong, naming the file.</param>
public sealed record UnavailableRange(string File, string Contig, int Start, int End, string Damage);

/// <summary>What one listing found damaged. Grows while the listing goes on; what is here stays. One thread.</summary>
/// <param name="view">Names contigs, and their order.</param>
/// <param name="symbolic">Whether symbolic alleles are listed, which reach beyond the blocks that hold them.</param>
internal sealed class DamagedRanges(StoreView view, bool symbolic)
{
    private readonly List<(int Contig, UnavailableRange Range)> _ranges = [];

    public bool Symbolic => symbolic;

    public int Count => _ranges.Count;

    /// <summary>The ranges in the order of answers.</summary>
    public IReadOnlyList<UnavailableRange> InOrder()
    {
        var order = view.ContigsInOrder();
        return [.. _ranges.OrderBy(r => order.IndexOf(r.Contig)).ThenBy(r => r.Range.Start).ThenBy(r => r.Range.End).ThenBy(r => r.Range.File, StringComparer.Ordinal).Select(r => r.Range)];
    }

    /// <summary>Notes a damage; the same twice is one.</summary>
    public void Add(int contig, (int Start, int End) span, string file, Exception met)
    {
        var range = new UnavailableRange(met is DamagedStoreException named ? named.File : file, view.Catalog.Contigs[contig].Spelling, span.Start, span.End, Damage.TextOf(met)!);
        if (!_ranges.Exists(r => r.Contig == contig && r.Range.File == range.File && r.Range.Start == range.Start && r.Range.End == range.End)) _ranges.Add((contig, range));
    }

    /// <summary>Notes a segment whose directory cannot be read: all that the catalog says it has on the contig.</summary>
    public void AddSegment(int contig, Catalog.SegmentEntry entry, Exception met)
    {
        var (start, end) = entry.Stretches[contig];
        Add(contig, (start, symbolic ? Math.Max(end, EndOf(contig)) : end), "f/" + entry.File, met);
    }

    /// <summary>End of a contig, where it is known.</summary>
    public int EndOf(int contig) => view.Catalog.Contigs[contig].LengthBases is > 0 and var length ? (int)Math.Min(length, int.MaxValue) : int.MaxValue;

    /// <summary>Whether anything damaged touches [start, end).</summary>
    public bool Touch(int contig, int start, int end)
    {
        foreach (var (on, range) in _ranges)
            if (on == contig && range.Start < end && start < range.End) return true;
        return false;
    }
}

/// <summary>What a listing needs of the blocks that it opens: it is read when a block opens, so that what is damaged is known before a row is answered.</summary>
/// <param name="Around">Gets what is damaged.</param>
/// <param name="Needs">What rows need of the samples that are counted.</param>
/// <param name="Adj">Whether --adj is in force.</param>
internal sealed record Care(DamagedRanges Around, RowNeeds Needs, bool Adj = false);

/// <summary>What a row needs of the samples that are counted.</summary>
[Flags]
internal enum RowNeeds
{
    /// <summary>Nothing but that it is listed.</summary>
    Listed = 0,

    /// <summary>States of samples.</summary>
    Counts = 1,

    /// <summary>Calls as they were written.</summary>
    Calls = 2,
}
