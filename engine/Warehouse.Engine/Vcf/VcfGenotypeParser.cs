namespace Warehouse.Engine.Vcf;

/// <summary>
/// Parses FORMAT and the sample columns. A column of plain GT goes through <see cref="VcfGenotypeKernel"/>; everything else, and
/// every error, through the cell by cell path here, which is its twin and knows the place.
/// </summary>
internal sealed class VcfGenotypeParser
{
    private const int MostPlans = 16;
    private readonly VcfFaults _faults;
    private readonly VcfLimits _limits;
    private readonly VcfSampleColumns _columns;
    private readonly List<VcfFormatPlan> _plans = [];
    private readonly int _samples;
    private readonly int[] _alleles;
    private VcfFormatPlan _plan = VcfFormatPlan.None;
    private int _oldestPlan;

    /// <summary>Makes a parser for the samples of a header.</summary>
    public VcfGenotypeParser(VcfParsedHeader parsed, VcfFaults faults, VcfLimits limits)
    {
        (_faults, _limits) = (faults, limits);
        _columns = new VcfSampleColumns(parsed, faults, limits);
        _samples = _columns.Count;
        _alleles = new int[limits.MaxPloidy];
    }

    /// <summary>Fills the genotype part of a record; ALT must have been read.</summary>
    /// <param name="text">FORMAT and the sample columns.</param>
    /// <param name="record">To fill.</param>
    public void Parse(ReadOnlySpan<byte> text, VcfRecord record)
    {
        VcfSampleColumns.Clear(record);
        var tab = text.IndexOf((byte)'\t');
        var format = tab < 0 ? text : text[..tab];
        if (tab < 0 && _samples > 0) _faults.Refuse("vcf-columns", "FORMAT", $"no sample columns, expected {_samples}");
        if (tab >= 0 && _samples == 0) _faults.Refuse("vcf-columns", "FORMAT", "sample columns, but the header names no sample");
        if (!_plan.Is(format)) _plan = FindPlan(format);
        if (_samples == 0) return;
        _columns.Begin(record, _plan.HasGt, _plan.Fields);
        var columns = text[(tab + 1)..];
        if (_plan.Count == 1 && _plan.HasGt && columns.Length == _samples * (long)VcfGenotypeKernel.CellBytes - 1
            && VcfGenotypeKernel.TryDecode(columns, record.Alts.Count, record.First, record.Second, record.Phased)) return;
        ParseCells(columns, record);
    }

    /// <summary>Blocks and variants of a gVCF take turns with two or three FORMAT texts: a few plans are kept.</summary>
    private VcfFormatPlan FindPlan(ReadOnlySpan<byte> format)
    {
        foreach (var known in _plans)
            if (known.Is(format)) return known;
        var plan = new VcfFormatPlan(format, _faults, _limits);
        if (_plans.Count < MostPlans) _plans.Add(plan);
        else _plans[_oldestPlan = (_oldestPlan + 1) % MostPlans] = plan;
        return plan;
    }

    /// <summary>Cell by cell: the definition of what the columns mean.</summary>
    internal void ParseCells(ReadOnlySpan<byte> columns, VcfRecord record)
    {
        VcfSampleColumns.ClearCalls(record);
        var at = 0;
        for (var sample = 0; sample < _samples; sample++)
        {
            if (at > columns.Length) _faults.Refuse("vcf-columns", "FORMAT", $"{sample} sample columns, expected {_samples}");
            at = ParseCell(columns, at, sample, record) + 1;
        }
        if (at <= columns.Length) _faults.Refuse("vcf-columns", "FORMAT", $"more sample columns than the {_samples} of the header");
    }

    /// <summary>Reads the column of a sample that begins here; gives where it ends.</summary>
    private int ParseCell(ReadOnlySpan<byte> columns, int at, int sample, VcfRecord record)
    {
        if (at == columns.Length || columns[at] == '\t') _faults.Refuse("vcf-empty-field", "FORMAT", $"the column of sample {sample + 1} is empty");
        for (var place = 0; place <= _plan.LastReadPlace; place++)
        {
            var end = EndOfValue(columns, at);
            var value = columns[at..end];
            if (place == 0 && _plan.HasGt) Genotype(value, sample, record);
            else if (_plan[place] != FormatFields.None) Integers(_plan[place], value, sample, record);
            if (end == columns.Length || columns[end] == '\t') return end;
            at = end + 1;
        }
        return SkipRest(columns, at, sample);
    }

    /// <summary>Goes over the values that are not read; there may not be more than FORMAT has keys.</summary>
    private int SkipRest(ReadOnlySpan<byte> columns, int at, int sample)
    {
        var rest = columns[at..];
        var tab = rest.IndexOf((byte)'\t');
        if (tab >= 0) rest = rest[..tab];
        if (_plan.LastReadPlace + 2 + rest.Count((byte)':') > _plan.Count)
            _faults.Refuse("vcf-format-count", "FORMAT", $"the column of sample {sample + 1} has more values than FORMAT has keys");
        return at + rest.Length;
    }

    /// <summary>Where the value ends: at a colon, a tab or the end. Most are a few bytes long, too short for a vector search.</summary>
    private static int EndOfValue(ReadOnlySpan<byte> columns, int at)
    {
        const int shortBytes = 24;
        var near = Math.Min(columns.Length, at + shortBytes);
        for (; at < near; at++)
            if (columns[at] is (byte)':' or (byte)'\t') return at;
        var far = columns[at..].IndexOfAny((byte)':', (byte)'\t');
        return far < 0 ? columns.Length : at + far;
    }

    private void Genotype(ReadOnlySpan<byte> text, int sample, VcfRecord record)
    {
        if (text.Length == 3 && text[1] is (byte)'/' or (byte)'|' && TryOneDigit(text[0], record.Alts.Count, out var a) && TryOneDigit(text[2], record.Alts.Count, out var b))
        {
            record.First[sample] = (byte)(a + 1);
            record.Second[sample] = (byte)(b + 1);
            record.Phased[sample] = text[1] == '|' ? (byte)1 : (byte)0;
            return;
        }
        var leading = !text.IsEmpty && text[0] is (byte)'/' or (byte)'|';
        if (leading && !_columns.HasLeadingPhase) _columns.BadGenotype(sample, "a genotype begins with a phase character, which VCF allows from 4.4 on");
        var ploidy = Alleles(leading ? text[1..] : text, sample, record.Alts.Count);
        var alleles = _alleles.AsSpan(0, ploidy);
        if (leading || !VcfSampleColumns.TryStore(record, sample, alleles, text.IndexOf((byte)'|') >= 0)) VcfSampleColumns.StoreIrregular(record, sample, alleles, text);
    }

    /// <summary>Reads allele indexes apart by / or | into the scratch; gives how many.</summary>
    private int Alleles(ReadOnlySpan<byte> text, int sample, int altCount)
    {
        var ploidy = 0;
        while (true)
        {
            var end = text.IndexOfAny((byte)'/', (byte)'|');
            var item = end < 0 ? text : text[..end];
            if (ploidy == _alleles.Length) _columns.BadGenotype(sample, $"a genotype of more than {_alleles.Length} alleles");
            _alleles[ploidy] = -1;
            if (item is not [(byte)'.'])
            {
                if (!VcfText.TryDigits(item, out _alleles[ploidy]) || (item.Length > 1 && item[0] == '0')) _columns.BadGenotype(sample, "a genotype that is not allele numbers or . apart by / or |");
#if PLANTED_UNCHECKED_ALLELE
                if (_alleles[ploidy] > altCount + 1) _columns.BadGenotype(sample, "an allele number above the number of ALT alleles");
#else
                if (_alleles[ploidy] > altCount) _columns.BadGenotype(sample, "an allele number above the number of ALT alleles");
#endif
            }
            ploidy++;
            if (end < 0) return ploidy;
            text = text[(end + 1)..];
        }
    }

    private static bool TryOneDigit(byte text, int altCount, out int allele)
    {
#if PLANTED_NO_CALL_AS_REFERENCE
        allele = text == '.' ? 0 : text - '0';
#else
        allele = text == '.' ? -1 : text - '0';
#endif
        return text == '.' || (text is >= (byte)'0' and <= (byte)'9' && allele <= altCount);
    }

    private void Integers(FormatFields field, ReadOnlySpan<byte> value, int sample, VcfRecord record)
    {
        if (field == FormatFields.Ad)
        {
            _columns.Depths(record, sample, value);
            return;
        }
        var (column, name) = VcfSampleColumns.Integers(record, field);
        column[sample] = _columns.Integer(value, name, sample);
    }
}
