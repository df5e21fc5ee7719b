using System.Text;
using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>
/// INFO of a line: AC, AN and AF of its columns, and of symbolic alleles where they lie, because without that two of them that start
/// together look alike. One thread; the entries live until the next line.
/// </summary>
/// <param name="notes">What annotations say of the alleles; null = nothing.</param>
internal sealed class LineInfo(AnnotationInfo? notes)
{
    private readonly List<VcfInfoEntry> _entries = [];

    /// <summary>The declarations, in order.</summary>
    public static IEnumerable<string> MetaLines(bool structural)
    {
        yield return "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Copies of each ALT allele in the genotypes of this file\">";
        yield return "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called alleles in the genotypes of this file\">";
        yield return "##INFO=<ID=AF,Number=A,Type=Float,Description=\"AC / AN\">";
        if (!structural) yield break;
        yield return "##INFO=<ID=END,Number=1,Type=Integer,Description=\"Last base of the symbolic allele\">";
        yield return "##INFO=<ID=SVLEN,Number=.,Type=Integer,Description=\"Length of each symbolic allele, negative for a deletion\">";
        yield return "##INFO=<ID=CIPOS,Number=2,Type=Integer,Description=\"Confidence interval around POS\">";
        yield return "##INFO=<ID=CIEND,Number=2,Type=Integer,Description=\"Confidence interval around END\">";
    }

    /// <summary>The entries of a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="contig">Its canonical contig.</param>
    /// <param name="ac">Copies of each ALT in its columns.</param>
    /// <param name="an">Called alleles in its columns.</param>
    public ReadOnlySpan<VcfInfoEntry> Of(Line line, string contig, int[] ac, int an)
    {
        _entries.Clear();
        _entries.Add(VcfInfoEntry.OfIntegers("AC", ac));
        _entries.Add(VcfInfoEntry.OfIntegers("AN", new[] { an }));
        _entries.Add(VcfInfoEntry.OfText("AF", Encoding.ASCII.GetBytes(string.Join(',', ac.Select(c => an == 0 ? "." : CFormat.G((double)c / an, 6))))));
        AddStructural(line.First.Block.Sites, line);
        if (notes is not null) AddNotes(line, contig);
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_entries);
    }

    private void AddNotes(Line line, string contig)
    {
        var sites = line.First.Block.Sites;
        notes!.Begin();
        foreach (var row in line.First.Rows)
        {
            if (sites.RowKind[row] == AlleleKind.Bases) notes.Add(contig, sites.RowStart[row], sites.RowRefText(row), sites.RowAltText(row));
            else notes.AddNone();
        }
        foreach (var (key, value) in notes.Entries()) _entries.Add(VcfInfoEntry.OfText(key, value));
    }

    private void AddStructural(SiteTable sites, Line line)
    {
        var rows = line.First.Rows;
        if (!Array.Exists(rows, r => sites.RowKind[r] is AlleleKind.Symbolic or AlleleKind.Breakend)) return;
        StructuralExtent? widest = null;
        foreach (var row in rows)
            if (sites.Extents.TryGetValue(row, out var extent) && (widest is null || extent.End > widest.Value.End)) widest = extent;
        if (widest is not { } place) return;
        if (place.End > sites.RecordEnd[line.First.Record]) _entries.Add(VcfInfoEntry.OfIntegers("END", new[] { place.End }));
        if (Array.Exists(rows, r => LengthOf(sites, r) != 0)) _entries.Add(VcfInfoEntry.OfIntegers("SVLEN", rows.Select(r => LengthOf(sites, r) is not 0 and var length ? length : int.MinValue).ToArray()));
        if (place.CiPos != (0, 0)) _entries.Add(VcfInfoEntry.OfIntegers("CIPOS", new[] { place.CiPos.Low, place.CiPos.High }));
        if (place.CiEnd != (0, 0)) _entries.Add(VcfInfoEntry.OfIntegers("CIEND", new[] { place.CiEnd.Low, place.CiEnd.High }));
    }

    private static int LengthOf(SiteTable sites, int row)
    {
        if (!sites.Extents.TryGetValue(row, out var extent)) return 0;
        return sites.WrittenAltText(row).StartsWith("<DEL"u8) ? -extent.LengthBases : extent.LengthBases;
    }
}
