using System.Buffers;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Parses the shared part of BCF records of one file in order, by <see cref="VcfSiteRules"/>, and hands the sample part on. A
/// record that is refused leaves no trace: the next one is judged as if it had not been there.
/// </summary>
internal sealed class BcfRecordParser
{
    private static readonly byte[] Missing = "."u8.ToArray();
    private readonly VcfParsedHeader _parsed;
    private readonly BcfDictionary _dictionary;
    private readonly VcfFaults _faults;
    private readonly VcfReadOptions _options;
    private readonly VcfSiteRules _rules;
    private readonly VcfInfoParser _info;
    private readonly BcfGenotypeParser _genotypes;
    private readonly ArrayBufferWriter<byte> _filter = new();
    private readonly ArrayBufferWriter<byte> _value = new();

    /// <summary>Makes a parser at the first record.</summary>
    public BcfRecordParser(VcfParsedHeader parsed, BcfDictionary dictionary, VcfFaults faults, VcfReadOptions options)
    {
        (_parsed, _dictionary, _faults, _options) = (parsed, dictionary, faults, options);
        _rules = new VcfSiteRules(parsed.Header, faults, options.Limits);
        _info = new VcfInfoParser(faults, options.Limits);
        _genotypes = new BcfGenotypeParser(parsed, dictionary, faults, options.Limits);
    }

    /// <summary>Fills the record; its texts lie in the memory given.</summary>
    /// <exception cref="InputException">It is no record that this understands.</exception>
    public void Parse(ReadOnlyMemory<byte> shared, ReadOnlySpan<byte> samples, VcfRecord record)
    {
        var cursor = new BcfCursor(shared.Span, _faults);
        record.Line = _faults.Line;
        record.OffsetBytes = _faults.OffsetBytes;
        record.LineText = default;
        ReadContig(cursor.TakeInt32("CHROM"), record);
        ReadPosition(cursor.TakeInt32("POS"), record);
        if (cursor.TakeInt32("rlen") < 0) _faults.Refuse("bcf-rlen", "rlen", "the record states a negative length on the reference");
        var quality = (uint)cursor.TakeInt32("QUAL");
        record.Qual = quality == BcfTyped.MissingFloat ? float.NaN : BitConverter.UInt32BitsToSingle(quality);
        var counts = (uint)cursor.TakeInt32("n_allele");
        var sampleCounts = (uint)cursor.TakeInt32("n_sample");
        var id = shared[cursor.TakeText("ID")];
        _rules.SetId(record, id.Span is [] or [BcfTyped.MissingChar] ? Missing : id);
        ReadAlleles(ref cursor, (int)(counts >> 16), shared, record);
        ReadFilter(ref cursor, record);
        ReadInfo(ref cursor, (int)(counts & 0xFFFF), shared, record);
        cursor.End("shared");
        ReadSamples(sampleCounts, samples, record);
        _rules.Accept(record);
    }

    private void ReadContig(int index, VcfRecord record)
    {
        var contig = _dictionary.Contig(index);
        if (contig < 0) _faults.Refuse("bcf-chrom", "CHROM", $"found the index {index}, expected one that a contig line of the header has");
        record.ContigIndex = contig;
        if (contig != _rules.CurrentContig) _rules.CheckContig(contig, System.Text.Encoding.UTF8.GetBytes(_parsed.Header.Contigs[contig].Name));
    }

    private void ReadPosition(int start, VcfRecord record)
    {
        if (start is < -1 or int.MaxValue) _faults.Refuse("vcf-pos", "POS", $"found {start}, expected -1 to 2147483646");
        _rules.SetPosition(record, start + 1);
    }

    private void ReadAlleles(ref BcfCursor cursor, int count, ReadOnlyMemory<byte> shared, VcfRecord record)
    {
        if (count == 0) _faults.Refuse("bcf-alleles", "REF", "a record without alleles");
        _rules.SetRef(record, shared[cursor.TakeText("REF")]);
        _rules.BeginAlts(record, count - 1);
        for (var i = 1; i < count; i++)
        {
            var item = shared[cursor.TakeText("ALT")];
            if (item.IsEmpty) _faults.Refuse("vcf-alt", "ALT", "an empty allele");
            _rules.AddAlt(record, item);
        }
    }

    private void ReadFilter(ref BcfCursor cursor, VcfRecord record)
    {
        var typed = cursor.TakeDescriptor("FILTER");
        if (!typed.IsInteger && typed.Count > 0) _faults.Refuse("bcf-type", "FILTER", "values that are not integers");
        var values = cursor.Take(typed.Bytes, "FILTER");
        var first = typed.Count == 0 ? BcfTyped.MissingInt : BcfTyped.IntegerAt(typed.Type, values, 0);
        if (first is BcfTyped.MissingInt or BcfTyped.EndOfVector)
        {
            _rules.SetFilter(record, Missing);
            return;
        }
        if (typed.Count == 1)
        {
            _rules.SetFilter(record, Name(first, "FILTER").Text);
            return;
        }
        _filter.ResetWrittenCount();
        for (var i = 0; i < typed.Count; i++)
        {
            var index = BcfTyped.IntegerAt(typed.Type, values, i);
            if (index == BcfTyped.EndOfVector) break;
            if (i > 0) _filter.Write(";"u8);
            _filter.Write(Name(index, "FILTER").Text);
            if (_filter.WrittenCount > _options.Limits.MaxFieldBytes) break;
        }
        _rules.SetFilter(record, _filter.WrittenMemory);
    }

    private void ReadInfo(ref BcfCursor cursor, int count, ReadOnlyMemory<byte> shared, VcfRecord record)
    {
        VcfInfoParser.Clear(record);
        _value.ResetWrittenCount();
        if (count > _options.Limits.MaxInfoKeys) _faults.Refuse("vcf-info-cap", "INFO", $"more than {_options.Limits.MaxInfoKeys} INFO keys");
        for (var i = 0; i < count; i++)
        {
            var key = Name(cursor.TakeInteger("INFO"), "INFO");
            if (!key.IsKey) _faults.Refuse("vcf-info-key", "INFO", "an INFO key that is empty or has white space or control characters");
            if (!key.TryUse(2 * _faults.Line)) _faults.Refuse("vcf-info-duplicate", "INFO", "the same INFO key twice");
            var typed = cursor.TakeDescriptor("INFO");
            var start = cursor.At;
            var values = cursor.Take(typed.Bytes, "INFO");
            if (!key.IsReadInfo || typed.Count == 0) continue;
            if (typed.Type == BcfTyped.Char)
            {
                var text = shared.Slice(start, BcfTyped.TextLength(values));
                _info.ReadValue(key.Text, text.Span is [BcfTyped.MissingChar] ? Missing : text, record);
                continue;
            }
            var from = _value.WrittenCount;
            typed.WriteText(values, _options.Limits.MaxAlleles + 1, _value);
            _info.ReadValue(key.Text, _value.WrittenMemory[from..], record);
        }
    }

    private void ReadSamples(uint counts, ReadOnlySpan<byte> samples, VcfRecord record)
    {
        var (sampleCount, formatCount) = ((int)(counts & 0xFFFFFF), (int)(counts >> 24));
        var expected = _parsed.Header.Samples.Count;
        if (sampleCount != expected) _faults.Refuse("bcf-samples", "FORMAT", $"the record states {sampleCount} samples, the header {expected}");
        VcfSampleColumns.Clear(record);
        if (!_options.SitesOnly) _genotypes.Parse(samples, formatCount, record);
    }

    private BcfKey Name(int index, string field)
    {
        if (_dictionary.Key(index) is { } key) return key;
        _faults.Refuse("bcf-key", field, $"found the index {index}, which no line of the header has");
        return null;
    }
}
