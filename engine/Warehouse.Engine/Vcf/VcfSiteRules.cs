using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// What holds for the site part of every record, in text and in BCF alike: order, places, alleles, FILTER. Records of a contig
/// must be contiguous and their POS ascending. Nothing is remembered of a record until <see cref="Accept"/>. One thread.
/// </summary>
internal sealed class VcfSiteRules(VcfHeader header, VcfFaults faults, VcfLimits limits)
{
    private readonly HashSet<int> _finished = [];
    private readonly ulong[] _altHashes = new ulong[limits.MaxAlleles];
    private int _start = -1;

    /// <summary>Contig of the last accepted record; -1 before the first.</summary>
    public int CurrentContig { get; private set; } = -1;

    /// <summary>Refuses a contig whose records have ended, and one too many.</summary>
    public void CheckContig(int index, ReadOnlySpan<byte> name)
    {
        if (_finished.Contains(index)) faults.Refuse("vcf-unsorted", "CHROM", name, "the records of a contig together: use bcftools sort");
        if (index >= limits.MaxContigs) faults.Refuse("vcf-contig-cap", "CHROM", $"more than {limits.MaxContigs} contigs");
    }

    /// <summary>Sets the start; the contig must have been set.</summary>
    /// <param name="record">To fill.</param>
    /// <param name="positionText">1-based position; 0 = telomere. Never negative.</param>
    public void SetPosition(VcfRecord record, int positionText)
    {
        record.Start = positionText - 1;
        if (record.ContigIndex == CurrentContig && record.Start < _start)
            faults.Refuse("vcf-unsorted", "POS", $"found '{positionText}', expected positions in ascending order: use bcftools sort");
        if (record.ContigIndex >= header.Contigs.Count) return;
        var length = header.Contigs[record.ContigIndex].LengthBases;
        if (length > 0 && record.Start > length)
            faults.Refuse("vcf-pos-beyond", "POS", $"found '{positionText}', expected at most the length of the contig in the header, {length}, plus 1");
    }

    /// <summary>Sets REF; the start must have been set.</summary>
    public void SetRef(VcfRecord record, ReadOnlyMemory<byte> text)
    {
        CheckLength(text, "REF");
        if (!VcfText.IsBases(text.Span)) faults.Refuse("vcf-ref", "REF", text.Span, "bases of ACGTN");
        if (record.Start > int.MaxValue - text.Length) faults.Refuse("vcf-pos", "POS", "POS plus the length of REF is above 2147483647");
        record.Ref = text;
    }

    /// <summary>Empties ALT to take that many alleles, REF not counted.</summary>
    public void BeginAlts(VcfRecord record, int count)
    {
        record.Alts.Clear();
        if (count + 1 > limits.MaxAlleles) faults.Refuse("vcf-alt-cap", "ALT", $"more than {limits.MaxAlleles} alleles");
    }

    /// <summary>Adds an ALT item; REF must have been set.</summary>
    public void AddAlt(VcfRecord record, ReadOnlyMemory<byte> item)
    {
        CheckLength(item, "ALT");
        if (!VcfText.IsAlt(item.Span)) faults.Refuse("vcf-alt", "ALT", item.Span, "bases of ACGTN, *, <ID> or a breakend");
        CheckAltIsNew(item.Span, record);
        record.Alts.Add(item);
    }

    /// <summary>Sets ID.</summary>
    public void SetId(VcfRecord record, ReadOnlyMemory<byte> text)
    {
        CheckPlain(text, "ID");
        if (text.Span.IndexOf((byte)' ') >= 0) faults.Refuse("vcf-id", "ID", text.Span, "no white space");
        record.Id = text;
    }

    /// <summary>Sets FILTER.</summary>
    public void SetFilter(VcfRecord record, ReadOnlyMemory<byte> text)
    {
        CheckPlain(text, "FILTER");
        var span = text.Span;
        if (span[0] == ';' || span[^1] == ';' || span.IndexOf(";;"u8) >= 0 || span.IndexOf((byte)' ') >= 0)
            faults.Refuse("vcf-filter", "FILTER", span, "PASS, . or names joined by ; without spaces");
        record.Filter = text;
        record.Passes = span is [(byte)'.'] || span.SequenceEqual("PASS"u8);
    }

    /// <summary>Remembers the place of a record that nothing is wrong with; true when it is the first of its contig.</summary>
    public bool Accept(VcfRecord record)
    {
        _start = record.Start;
        if (record.ContigIndex == CurrentContig) return false;
        if (CurrentContig >= 0) _finished.Add(CurrentContig);
        CurrentContig = record.ContigIndex;
        return true;
    }

    /// <summary>Refuses a field that is too long.</summary>
    public void CheckLength(ReadOnlyMemory<byte> text, string field)
    {
        if (text.Length > limits.MaxFieldBytes) faults.Refuse("vcf-field-cap", field, $"longer than the limit of {limits.MaxFieldBytes} bytes");
    }

    /// <summary>A field that is kept as text: no control characters, not too long.</summary>
    private void CheckPlain(ReadOnlyMemory<byte> text, string field)
    {
        CheckLength(text, field);
        if (VcfText.HasControl(text.Span)) faults.Refuse("vcf-control", field, text.Span, "no control characters");
    }

    /// <summary>
    /// The same bases twice would count one allele as two; symbolic alleles may repeat, INFO tells them apart. Hashes are
    /// compared first, or a record of many long alleles would take seconds.
    /// </summary>
    private void CheckAltIsNew(ReadOnlySpan<byte> item, VcfRecord record)
    {
        if (Ascii.EqualsIgnoreCase(item, record.Ref.Span)) faults.Refuse("vcf-alt-is-ref", "ALT", item, "an allele other than REF");
        const byte withoutCase = 0xDF;
        var hash = 14695981039346656037UL;
        foreach (var b in item) hash = (hash ^ (uint)(b & withoutCase)) * 1099511628211UL;
        var known = _altHashes.AsSpan(0, record.Alts.Count);
        for (var from = 0; item[0] != '<'; from++)
        {
            var found = known[from..].IndexOf(hash);
            if (found < 0) break;
            from += found;
            if (Ascii.EqualsIgnoreCase(item, record.Alts[from].Span)) faults.Refuse("vcf-alt-duplicate", "ALT", item, "each ALT allele once");
        }
        _altHashes[record.Alts.Count] = hash;
    }
}
