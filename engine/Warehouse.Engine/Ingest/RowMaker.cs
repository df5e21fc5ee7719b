using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// Splits a record into its alleles and normalises each. What it returns lives until the next record. One thread.
/// </summary>
/// <param name="normalizer">Normalises base alleles.</param>
/// <param name="assembly">Names the mates of breakends.</param>
/// <param name="headerVersion">fileformat as major * 100 + minor: it decides whether END or SVLEN says where a symbolic allele ends.</param>
internal sealed class RowMaker(Normalizer normalizer, Assembly assembly, int headerVersion)
{
    private readonly List<NormalizedRow> _rows = [];
    private byte[] _arena = new byte[4096];
    private int _used;

    /// <summary>REF of the last record, upper-cased.</summary>
    public ReadOnlyMemory<byte> Reference { get; private set; }

    /// <summary>Rows of a record, one per ALT.</summary>
    public IReadOnlyList<NormalizedRow> Make(string contig, VcfRecord record)
    {
        _rows.Clear();
        _used = 0;
        var needed = record.Ref.Length;
        foreach (var alt in record.Alts) needed = checked(needed + (3 * (alt.Length + record.Ref.Length)) + 256);
        if (_arena.Length < needed) _arena = new byte[needed];
        Reference = Upper(record.Ref.Span);
        for (var i = 0; i < record.Alts.Count; i++) _rows.Add(MakeRow(contig, record, i));
        return _rows;
    }

    private NormalizedRow MakeRow(string contig, VcfRecord record, int index)
    {
        var written = record.Alts[index].Span;
        var kind = AlleleKinds.Classify(written);
        if (kind is AlleleKind.Symbolic or AlleleKind.Breakend) return new NormalizedRow(kind, Copy(written), record.Start, default, default, ExtentOf(contig, record, index, written));
        var alt = Upper(written);
        if (kind != AlleleKind.Bases) return new NormalizedRow(kind, alt, record.Start, default, default, null);
#if PLANTED_UNSHIFTED_REST
        var normal = normalizer.Normalize(contig, record.Start, Reference.Span, alt.Span);
        if (index > 0) normal = new(record.Start, Reference.Span, alt.Span);
#else
        var normal = normalizer.Normalize(contig, record.Start, Reference.Span, alt.Span);
#endif
        if (normal.Start == record.Start && normal.Ref.Length == Reference.Length && normal.Alt.Length == alt.Length)
            return new NormalizedRow(kind, alt, record.Start, default, default, null);
        return new NormalizedRow(kind, alt, normal.Start, Copy(normal.Ref), Copy(normal.Alt), null);
    }

    private StructuralExtent ExtentOf(string contig, VcfRecord record, int index, ReadOnlySpan<byte> alt)
    {
        try
        {
            var allele = SymbolicAllele.Create(assembly, contig, record.Start, alt, new SymbolicFields
            {
                RefBases = record.Ref.Length, HeaderVersion = headerVersion, SvLen = index < record.SvLen.Count ? record.SvLen[index] : 0,
                InfoEnd = record.InfoEnd, CiPos = record.CiPos, CiEnd = record.CiEnd,
            });
            return new StructuralExtent(allele.End, Math.Max(0, allele.LengthBases), allele.CiPos, allele.CiEnd);
        }
        catch (InputException bad) when (bad.Place.IsNone)
        {
            throw new InputException(bad.Code, bad.Expected, new InputPlace("", record.Line, record.OffsetBytes, "ALT"));
        }
    }

    private ReadOnlyMemory<byte> Upper(ReadOnlySpan<byte> text)
    {
        var copy = Take(text.Length);
        System.Text.Ascii.ToUpper(text, copy.Span, out _);
        return copy;
    }

    private ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> text)
    {
        var copy = Take(text.Length);
        text.CopyTo(copy.Span);
        return copy;
    }

    /// <summary>A piece of the arena; when a record needs more than was foreseen, a new arena, while what was handed out keeps the old one.</summary>
    private Memory<byte> Take(int length)
    {
        if (_used + length > _arena.Length)
        {
            _arena = new byte[Math.Max(_arena.Length * 2, length)];
            _used = 0;
        }
        var memory = _arena.AsMemory(_used, length);
        _used += length;
        return memory;
    }
}
