using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Parses record lines of one file in order. Records of a contig must be contiguous and their POS ascending. A record that
/// is refused leaves no trace: the next one is judged as if it had not been there.
/// </summary>
internal sealed class VcfRecordParser
{
    private const int FixedColumns = 8;
    private readonly VcfParsedHeader _parsed;
    private readonly VcfFaults _faults;
    private readonly VcfReadOptions _options;
    private readonly VcfLimits _limits;
    private readonly VcfInfoParser _info;
    private readonly VcfGenotypeParser _genotypes;
    private readonly VcfRecordLint? _lint;
    private readonly Dictionary<string, int> _contigs = new(StringComparer.Ordinal);
    private readonly HashSet<int> _finished = [];
    private readonly ulong[] _altHashes;
    private byte[] _contigName = [];
    private int _contig = -1;
    private int _start = -1;

    /// <summary>Makes a parser at the first record.</summary>
    public VcfRecordParser(VcfParsedHeader parsed, VcfFaults faults, VcfReadOptions options)
    {
        (_parsed, _faults, _options, _limits) = (parsed, faults, options, options.Limits);
        _altHashes = new ulong[_limits.MaxAlleles];
        _info = new VcfInfoParser(faults, _limits);
        _genotypes = new VcfGenotypeParser(parsed, faults, _limits);
        _lint = options.Lint ? new VcfRecordLint(parsed, faults) : null;
        foreach (var contig in parsed.Header.Contigs) _contigs.Add(contig.Name, _contigs.Count);
    }

    /// <summary>Fills the record from a line that is not empty.</summary>
    /// <exception cref="InputException">The line is no record that this understands.</exception>
    public void Parse(ReadOnlyMemory<byte> line, VcfRecord record)
    {
        Span<Range> columns = stackalloc Range[FixedColumns];
        var rest = SplitFixed(line.Span, columns);
        record.Line = _faults.Line;
        record.OffsetBytes = _faults.OffsetBytes;
        record.LineText = line;
        var contigName = line.Span[columns[0]];
        record.ContigIndex = FindContig(contigName);
        ReadPosition(line.Span[columns[1]], record);
        record.Id = Plain(line[columns[2]], "ID");
        ReadRef(line[columns[3]], record);
        ReadAlts(line[columns[4]], record);
        ReadQual(line.Span[columns[5]], record);
        ReadFilter(line[columns[6]], record);
        _info.Parse(line[columns[7]], record);
        ReadGenotypes(line, rest, record);
        _lint?.Check(record, contigName, line.Span[columns[7]], rest < 0 ? default : line.Span[rest..]);
        Accept(contigName, record);
    }

    /// <summary>Finds the first eight columns; gives where the rest begins, -1 when there is none.</summary>
    private int SplitFixed(ReadOnlySpan<byte> line, Span<Range> columns)
    {
        if (line[0] == '#') _faults.Refuse("vcf-header-late", "", "a header line among the records");
        var at = 0;
        for (var i = 0; i < FixedColumns; i++)
        {
            var tab = line[at..].IndexOf((byte)'\t');
            if (tab < 0 && i < FixedColumns - 1) _faults.Refuse("vcf-columns", "", $"{i + 1} columns separated by tabs, expected at least {FixedColumns}");
            if (tab < 0)
            {
                columns[i] = at..line.Length;
                return -1;
            }
            columns[i] = at..(at + tab);
            if (tab == 0) _faults.Refuse("vcf-empty-field", "", $"column {i + 1} is empty");
            at += tab + 1;
        }
        return at;
    }

    /// <summary>Index of the contig, or that of the next new one.</summary>
    private int FindContig(ReadOnlySpan<byte> name)
    {
        if (_contig >= 0 && name.SequenceEqual(_contigName)) return _contig;
        if (name.Length > 2 && name[0] == '<' && name[^1] == '>') name = name[1..^1];
        if (!VcfText.IsContigName(name)) _faults.Refuse("vcf-chrom", "CHROM", name, "a contig name without white space, comma, quotes and brackets");
        if (name.Length > _limits.MaxFieldBytes) TooLong("CHROM");
        if (!_contigs.TryGetValue(Encoding.ASCII.GetString(name), out var index)) index = _contigs.Count;
        if (_finished.Contains(index)) _faults.Refuse("vcf-unsorted", "CHROM", name, "the records of a contig together: use bcftools sort");
        if (index >= _limits.MaxContigs) _faults.Refuse("vcf-contig-cap", "CHROM", $"more than {_limits.MaxContigs} contigs");
        return index;
    }

    private void ReadPosition(ReadOnlySpan<byte> text, VcfRecord record)
    {
        if (!VcfText.TryDigits(text, out var position)) _faults.Refuse("vcf-pos", "POS", text, "digits, 0 to 2147483647");
        record.Start = position - 1;
        if (record.ContigIndex == _contig && record.Start < _start) _faults.Refuse("vcf-unsorted", "POS", text, "positions in ascending order: use bcftools sort");
        if (record.ContigIndex >= _parsed.Header.Contigs.Count) return;
        var length = _parsed.Header.Contigs[record.ContigIndex].LengthBases;
        if (length > 0 && record.Start > length) _faults.Refuse("vcf-pos-beyond", "POS", text, $"at most the length of the contig in the header, {length}, plus 1");
    }

    private void ReadRef(ReadOnlyMemory<byte> text, VcfRecord record)
    {
        if (text.Length > _limits.MaxFieldBytes) TooLong("REF");
        if (!VcfText.IsBases(text.Span)) _faults.Refuse("vcf-ref", "REF", text.Span, "bases of ACGTN");
        if (record.Start > int.MaxValue - text.Length) _faults.Refuse("vcf-pos", "POS", "POS plus the length of REF is above 2147483647");
        record.Ref = text;
    }

    private void ReadAlts(ReadOnlyMemory<byte> text, VcfRecord record)
    {
        record.Alts.Clear();
        if (text.Span is [(byte)'.']) return;
        if (text.Span.Count((byte)',') + 2 > _limits.MaxAlleles) _faults.Refuse("vcf-alt-cap", "ALT", $"more than {_limits.MaxAlleles} alleles");
        while (true)
        {
            var comma = text.Span.IndexOf((byte)',');
            var item = comma < 0 ? text : text[..comma];
            if (item.Length > _limits.MaxFieldBytes) TooLong("ALT");
            if (!VcfText.IsAlt(item.Span)) _faults.Refuse("vcf-alt", "ALT", item.Span, "bases of ACGTN, *, <ID> or a breakend");
            CheckAltIsNew(item.Span, record);
            record.Alts.Add(item);
            if (comma < 0) return;
            text = text[(comma + 1)..];
        }
    }

    /// <summary>
    /// The same bases twice would count one allele as two; symbolic alleles may repeat, INFO tells them apart. Hashes are
    /// compared first, or a record of many long alleles would take seconds.
    /// </summary>
    private void CheckAltIsNew(ReadOnlySpan<byte> item, VcfRecord record)
    {
        if (Ascii.EqualsIgnoreCase(item, record.Ref.Span)) _faults.Refuse("vcf-alt-is-ref", "ALT", item, "an allele other than REF");
        const byte withoutCase = 0xDF;
        var hash = 14695981039346656037UL;
        foreach (var b in item) hash = (hash ^ (uint)(b & withoutCase)) * 1099511628211UL;
        var known = _altHashes.AsSpan(0, record.Alts.Count);
        for (var from = 0; item[0] != '<'; from++)
        {
            var found = known[from..].IndexOf(hash);
            if (found < 0) break;
            from += found;
            if (Ascii.EqualsIgnoreCase(item, record.Alts[from].Span)) _faults.Refuse("vcf-alt-duplicate", "ALT", item, "each ALT allele once");
        }
        _altHashes[record.Alts.Count] = hash;
    }

    private void ReadQual(ReadOnlySpan<byte> text, VcfRecord record)
    {
        record.Qual = float.NaN;
        if (text is [(byte)'.']) return;
        if (!VcfText.TryFloat(text, out record.Qual)) _faults.Refuse("vcf-qual", "QUAL", text, "a number or .");
    }

    private void ReadFilter(ReadOnlyMemory<byte> text, VcfRecord record)
    {
        record.Filter = Plain(text, "FILTER");
        var span = text.Span;
        if (span[0] == ';' || span[^1] == ';' || span.IndexOf(";;"u8) >= 0 || span.IndexOf((byte)' ') >= 0)
            _faults.Refuse("vcf-filter", "FILTER", span, "PASS, . or names joined by ; without spaces");
        record.Passes = span is [(byte)'.'] || span.SequenceEqual("PASS"u8);
    }

    /// <summary>A field that is kept as text: no control characters, not too long.</summary>
    private ReadOnlyMemory<byte> Plain(ReadOnlyMemory<byte> text, string field)
    {
        if (text.Length > _limits.MaxFieldBytes) TooLong(field);
        if (VcfText.HasControl(text.Span)) _faults.Refuse("vcf-control", field, text.Span, "no control characters");
        if (text.Span.IndexOf((byte)' ') >= 0 && field == "ID") _faults.Refuse("vcf-id", "ID", text.Span, "no white space");
        return text;
    }

    private void ReadGenotypes(ReadOnlyMemory<byte> line, int rest, VcfRecord record)
    {
        if (rest < 0 && _parsed.HasFormatColumn && (_parsed.Header.Samples.Count > 0))
            _faults.Refuse("vcf-columns", "FORMAT", "the record has no FORMAT column, the header has samples");
        if (rest >= 0 && !_parsed.HasFormatColumn) _faults.Refuse("vcf-columns", "", "more columns than the header names");
        if (rest < 0 || _options.SitesOnly) _genotypes.Clear(record);
        else _genotypes.Parse(line.Span[rest..], record);
    }

    private void Accept(ReadOnlySpan<byte> contigName, VcfRecord record)
    {
        _start = record.Start;
        if (record.ContigIndex == _contig) return;
        if (_contig >= 0) _finished.Add(_contig);
        _contig = record.ContigIndex;
        _contigName = contigName.ToArray();
        if (_contig < _contigs.Count) return;
        var name = Encoding.ASCII.GetString(contigName.Length > 2 && contigName[0] == '<' ? contigName[1..^1] : contigName);
        _contigs.Add(name, _contig);
        _parsed.Header.Contigs.Add(new VcfContig(name, 0, "", Declared: false));
        _faults.Warn("vcf-contig-undeclared", "CHROM", "the header has no contig line for this contig");
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void TooLong(string field) => _faults.Refuse("vcf-field-cap", field, $"longer than the limit of {_limits.MaxFieldBytes} bytes");
}
