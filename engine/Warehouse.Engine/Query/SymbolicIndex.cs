using System.Text;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>A stored row of a symbolic allele or breakend.</summary>
/// <param name="Allele">What it says.</param>
/// <param name="Ref">REF of its record.</param>
/// <param name="Source">Index among the sources of the contig.</param>
/// <param name="Block">Its block, as the directory of the segment names it.</param>
/// <param name="Row">Row in the block.</param>
internal readonly record struct SymbolicRow(SymbolicAllele Allele, string Ref, int Source, BlockInfo Block, int Row)
{
    /// <summary>Order of answers but for REF: start, ALT, end. Rows that are equal here are one listed allele.</summary>
    public int CompareKey(in SymbolicRow other)
    {
        var order = Allele.Start.CompareTo(other.Allele.Start);
        if (order == 0) order = string.CompareOrdinal(Allele.Type, other.Allele.Type);
        return order != 0 ? order : Allele.End.CompareTo(other.Allele.End);
    }
}

/// <summary>
/// The symbolic alleles and breakends of one contig, of every segment with a visible sample. They are few and long, so they lie here all
/// at once, ordered by start, ALT, end, source, block and row; equal alleles and texts share one object. Memory: 40 bytes a row. Immutable, any thread.
/// </summary>
internal sealed class SymbolicIndex
{
    private readonly SymbolicRow[] _rows;
    private readonly int[] _largestEnd;

    private SymbolicIndex(SymbolicRow[] rows)
    {
        _rows = rows;
        _largestEnd = new int[rows.Length];
        var largest = int.MinValue;
        for (var i = 0; i < rows.Length; i++) _largestEnd[i] = largest = Math.Max(largest, rows[i].Allele.End);
    }

    public static SymbolicIndex Empty { get; } = new([]);

    public bool IsEmpty => _rows.Length == 0;

    /// <summary>Reads the sites of every block that has such alleles.</summary>
    /// <param name="view">The store.</param>
    /// <param name="contig">Index of the contig.</param>
    /// <param name="sources">Its sources.</param>
    /// <param name="care">Gets the blocks whose sites are damaged, which are not in the index then; null = they throw.</param>
    public static SymbolicIndex Build(StoreView view, int contig, IReadOnlyList<Source> sources, Care? care = null)
    {
        var rows = new List<SymbolicRow>();
        var (alleles, texts) = (new Dictionary<SymbolicAllele, SymbolicAllele>(), new Dictionary<string, string>(StringComparer.Ordinal));
        var name = view.Catalog.Contigs[contig].Canonical;
        foreach (var source in sources)
        {
            foreach (var info in source.Segment.Blocks)
            {
                if (info.Contig != contig || !info.HasStructural) continue;
                if (SitesOf(source, info, care) is not { } sites) continue;
                foreach (var (row, extent) in sites.Extents)
                {
                    var place = (sites.RowStart[row], extent.End);
                    var length = extent.LengthBases > 0 ? extent.LengthBases : -1;
                    var allele = SymbolicAllele.FromStored(view.Assembly, name, place, sites.WrittenAltText(row), (length, extent.CiPos, extent.CiEnd));
                    if (!alleles.TryAdd(allele, allele)) allele = alleles[allele];
                    var reference = Encoding.ASCII.GetString(sites.RecordRefText(sites.RowRecord[row]));
                    if (!texts.TryAdd(reference, reference)) reference = texts[reference];
                    rows.Add(new SymbolicRow(allele, reference, source.Index, info, row));
                }
            }
        }
        return rows.Count == 0 ? Empty : new SymbolicIndex([.. rows.Order(Comparer<SymbolicRow>.Create(Compare))]);
    }

    private static SiteTable? SitesOf(Source source, BlockInfo info, Care? care)
    {
        try
        {
            return source.Segment.BlockOf(info).Sites;
        }
        catch (Exception met) when (care is not null && Damage.TextOf(met) is not null)
        {
            source.NoteDamaged(info, met);
            return null;
        }
    }

    /// <summary>The farthest end of the rows with start in [start, end).</summary>
    public int FarthestEnd(int start, int end)
    {
        var farthest = end;
        foreach (var row in Starting(start, end).Span) farthest = Math.Max(farthest, row.Allele.End);
        return farthest;
    }

    private static int Compare(SymbolicRow a, SymbolicRow b)
    {
        var order = a.CompareKey(b);
        if (order == 0) order = a.Source.CompareTo(b.Source);
        if (order == 0) order = a.Block.Records.CompareTo(b.Block.Records);
        return order != 0 ? order : a.Row.CompareTo(b.Row);
    }

    /// <summary>Rows with start in [start, end), in order.</summary>
    public ReadOnlyMemory<SymbolicRow> Starting(int start, int end) => _rows.AsMemory(LowerBound(start)..Math.Max(LowerBound(start), LowerBound(end)));

    /// <summary>Adds the rows whose span overlaps [start, end), in order.</summary>
    public void Overlapping(int start, int end, List<SymbolicRow> rows)
    {
        var first = LowerBound(end);
        while (first > 0 && _largestEnd[first - 1] > start) first--;
        for (var i = first; i < _rows.Length && _rows[i].Allele.Start < end; i++)
            if (_rows[i].Allele.End > start) rows.Add(_rows[i]);
    }

    /// <summary>Rows of alleles that match the one asked for, in order.</summary>
    public List<SymbolicRow> Matching(SymbolicAllele asked)
    {
        var matching = new List<SymbolicRow>();
        var (last, answer) = ((SymbolicAllele?)null, false);
        foreach (var row in _rows)
        {
            if (!ReferenceEquals(row.Allele, last)) (last, answer) = (row.Allele, asked.Matches(row.Allele));
            if (answer) matching.Add(row);
        }
        return matching;
    }

    private int LowerBound(int start)
    {
        var (low, high) = (0, _rows.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_rows[middle].Allele.Start < start) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
