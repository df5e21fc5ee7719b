using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Parses record lines of one file in order, by <see cref="VcfSiteRules"/>. A record that is refused leaves no trace: the next
/// one is judged as if it had not been there.
/// </summary>
internal sealed class VcfRecordParser
{
    private const int FixedColumns = 8;

    /// <summary>Longest column of a line that is read in one pass.</summary>
    private const int MostPlainBases = 256;

    private readonly VcfParsedHeader _parsed;
    private readonly VcfFaults _faults;
    private readonly VcfReadOptions _options;
    private readonly VcfSiteRules _rules;
    private readonly VcfInfoParser _info;
    private readonly VcfGenotypeParser _genotypes;
    private readonly VcfRecordLint? _lint;
    private readonly Dictionary<string, int> _contigs = new(StringComparer.Ordinal);
    private byte[] _contigName = [];

    /// <summary>Makes a parser at the first record.</summary>
    public VcfRecordParser(VcfParsedHeader parsed, VcfFaults faults, VcfReadOptions options)
    {
        (_parsed, _faults, _options) = (parsed, faults, options);
        _rules = new VcfSiteRules(parsed.Header, faults, options.Limits);
        _info = new VcfInfoParser(faults, options.Limits);
        _genotypes = new VcfGenotypeParser(parsed, faults, options.Limits);
        _lint = options.Lint ? new VcfRecordLint(parsed, faults) : null;
        foreach (var contig in parsed.Header.Contigs) _contigs.Add(contig.Name, _contigs.Count);
    }

    /// <summary>Fills the record from a line that is not empty.</summary>
    /// <exception cref="InputException">The line is no record that this understands.</exception>
    public void Parse(ReadOnlyMemory<byte> line, VcfRecord record)
    {
        if (_options.SitesOnly && _lint is null && TryPlain(line, record)) return;
        Span<Range> columns = stackalloc Range[FixedColumns];
        var rest = SplitFixed(line.Span, columns);
        record.Line = _faults.Line;
        record.OffsetBytes = _faults.OffsetBytes;
        record.LineText = line;
        var contigName = line.Span[columns[0]];
        record.ContigIndex = FindContig(line[columns[0]]);
        ReadPosition(line.Span[columns[1]], record);
        _rules.SetId(record, line[columns[2]]);
        _rules.SetRef(record, line[columns[3]]);
        ReadAlts(line[columns[4]], record);
        ReadQual(line.Span[columns[5]], record);
        _rules.SetFilter(record, line[columns[6]]);
        _info.Parse(line[columns[7]], record);
        ReadGenotypes(line, rest, record);
        _lint?.Check(record, contigName, line.Span[columns[7]], rest < 0 ? default : line.Span[rest..]);
        Accept(contigName, record);
    }

    /// <summary>
    /// The commonest line of a file of sites in one pass: of the contig before it, one ALT, bases of ACGT, FILTER passed or missing. False for
    /// every other line, and for every line that is refused: <see cref="Parse"/> judges those from the start.
    /// </summary>
    private bool TryPlain(ReadOnlyMemory<byte> line, VcfRecord record)
    {
        var text = line.Span;
        var at = _contigName.Length;
        if (_rules.CurrentContig < 0 || text.Length <= at || text[at] != '\t' || !text.StartsWith(_contigName)) return false;
        at++;
        if (!NextColumn(text, ref at, out var position) || !VcfText.TryDigits(text[position], out var positionText)) return false;
        if (!NextColumn(text, ref at, out var id) || text[id].ContainsAnyExceptInRange((byte)'!', (byte)'~')) return false;
        if (!NextColumn(text, ref at, out var reference) || !IsPlainBases(text[reference])) return false;
        if (!NextColumn(text, ref at, out var alternate) || !IsPlainBases(text[alternate]) || text[alternate].SequenceEqual(text[reference])) return false;
        var qual = float.NaN;
        if (!NextColumn(text, ref at, out var quality) || (text[quality] is not [(byte)'.'] && !VcfText.TryFloat(text[quality], out qual))) return false;
        if (!NextColumn(text, ref at, out var filter) || (text[filter] is not [(byte)'.'] && !text[filter].SequenceEqual("PASS"u8))) return false;
        var infoLength = text[at..].IndexOf((byte)'\t');
        if (infoLength == 0 || at == text.Length || infoLength > 0 != _parsed.HasFormatColumn) return false;
        (record.Line, record.OffsetBytes, record.LineText) = (_faults.Line, _faults.OffsetBytes, line);
        record.ContigIndex = _rules.CurrentContig;
        _rules.SetPosition(record, positionText);
        if (record.Start > int.MaxValue - MostPlainBases) return false;
        (record.Id, record.Ref, record.Qual, record.Filter, record.Passes) = (line[id], line[reference], qual, line[filter], true);
        record.Alts.Clear();
        record.Alts.Add(line[alternate]);
        _info.Parse(infoLength < 0 ? line[at..] : line.Slice(at, infoLength), record);
        VcfSampleColumns.Clear(record);
        _rules.Accept(record);
        return true;
    }

    /// <summary>The column that begins here and ends with a tab; false when it is empty, very long, or the last.</summary>
    private static bool NextColumn(ReadOnlySpan<byte> line, ref int at, out Range column)
    {
        var length = line[at..].IndexOf((byte)'\t');
        column = at..(at + Math.Max(length, 0));
        if (length is <= 0 or > MostPlainBases) return false;
        at += length + 1;
        return true;
    }

    private static bool IsPlainBases(ReadOnlySpan<byte> text)
    {
        foreach (var b in text)
            if (b is not ((byte)'A' or (byte)'C' or (byte)'G' or (byte)'T')) return false;
        return true;
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
    private int FindContig(ReadOnlyMemory<byte> text)
    {
        var name = text.Span;
        if (_rules.CurrentContig >= 0 && name.SequenceEqual(_contigName)) return _rules.CurrentContig;
        if (name.Length > 2 && name[0] == '<' && name[^1] == '>') name = name[1..^1];
        if (!VcfText.IsContigName(name)) _faults.Refuse("vcf-chrom", "CHROM", name, "a contig name without white space, comma, quotes and brackets");
        _rules.CheckLength(text, "CHROM");
        if (!_contigs.TryGetValue(Encoding.ASCII.GetString(name), out var index)) index = _contigs.Count;
        _rules.CheckContig(index, name);
        return index;
    }

    private void ReadPosition(ReadOnlySpan<byte> text, VcfRecord record)
    {
        if (!VcfText.TryDigits(text, out var position)) _faults.Refuse("vcf-pos", "POS", text, "digits, 0 to 2147483647");
        _rules.SetPosition(record, position);
    }

    private void ReadAlts(ReadOnlyMemory<byte> text, VcfRecord record)
    {
        var isMissing = text.Span is [(byte)'.'];
        _rules.BeginAlts(record, isMissing ? 0 : text.Span.Count((byte)',') + 1);
        if (isMissing) return;
        while (true)
        {
            var comma = text.Span.IndexOf((byte)',');
            _rules.AddAlt(record, comma < 0 ? text : text[..comma]);
            if (comma < 0) return;
            text = text[(comma + 1)..];
        }
    }

    private void ReadQual(ReadOnlySpan<byte> text, VcfRecord record)
    {
        record.Qual = float.NaN;
        if (text is [(byte)'.']) return;
        if (!VcfText.TryFloat(text, out record.Qual)) _faults.Refuse("vcf-qual", "QUAL", text, "a number or .");
    }

    private void ReadGenotypes(ReadOnlyMemory<byte> line, int rest, VcfRecord record)
    {
        if (rest < 0 && _parsed.HasFormatColumn && (_parsed.Header.Samples.Count > 0))
            _faults.Refuse("vcf-columns", "FORMAT", "the record has no FORMAT column, the header has samples");
        if (rest >= 0 && !_parsed.HasFormatColumn) _faults.Refuse("vcf-columns", "", "more columns than the header names");
        if (rest < 0 || _options.SitesOnly) VcfSampleColumns.Clear(record);
        else _genotypes.Parse(line.Span[rest..], record);
    }

    private void Accept(ReadOnlySpan<byte> contigName, VcfRecord record)
    {
        if (!_rules.Accept(record)) return;
        _contigName = contigName.ToArray();
        if (record.ContigIndex < _contigs.Count) return;
        var name = Encoding.ASCII.GetString(contigName.Length > 2 && contigName[0] == '<' ? contigName[1..^1] : contigName);
        _contigs.Add(name, record.ContigIndex);
        _parsed.Header.Contigs.Add(new VcfContig(name, 0, "", Declared: false));
        _faults.Warn("vcf-contig-undeclared", "CHROM", "the header has no contig line for this contig");
    }
}
