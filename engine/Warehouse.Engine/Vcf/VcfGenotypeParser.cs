using System.Buffers.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Parses FORMAT and the sample columns. A column of plain GT goes through <see cref="VcfGenotypeKernel"/>; everything else, and
/// every error, through the cell by cell path here, which is its twin and knows the place.
/// </summary>
internal sealed class VcfGenotypeParser
{
    private const int PaddedTo = VcfGenotypeKernel.StepSamples;
    private const int MostPlans = 16;
    private const int FirstVersionWithLeadingPhase = 404;
    private readonly VcfFaults _faults;
    private readonly VcfLimits _limits;
    private readonly List<VcfFormatPlan> _plans = [];
    private readonly int _samples;
    private readonly bool _leadingPhase;
    private readonly bool _depthsPerAllele;
    private readonly int[] _alleles;
    private VcfFormatPlan _plan = VcfFormatPlan.None;
    private int _oldestPlan;

    /// <summary>Makes a parser for the samples of a header.</summary>
    public VcfGenotypeParser(VcfParsedHeader parsed, VcfFaults faults, VcfLimits limits)
    {
        (_faults, _limits) = (faults, limits);
        _samples = parsed.Header.Samples.Count;
        _leadingPhase = parsed.Header.Version >= FirstVersionWithLeadingPhase;
        _depthsPerAllele = parsed.Format.TryGetValue("AD", out var depths) && depths.Number == "R";
        _alleles = new int[limits.MaxPloidy];
    }

    /// <summary>Empties the genotype part of a record.</summary>
    public void Clear(VcfRecord record)
    {
        record.SampleCount = 0;
        record.HasGt = false;
        record.Fields = FormatFields.None;
        record.Irregular.Clear();
    }

    /// <summary>Fills the genotype part of a record; ALT must have been read.</summary>
    /// <param name="text">FORMAT and the sample columns.</param>
    /// <param name="record">To fill.</param>
    public void Parse(ReadOnlySpan<byte> text, VcfRecord record)
    {
        Clear(record);
        var tab = text.IndexOf((byte)'\t');
        var format = tab < 0 ? text : text[..tab];
        if (tab < 0 && _samples > 0) _faults.Refuse("vcf-columns", "FORMAT", $"no sample columns, expected {_samples}");
        if (tab >= 0 && _samples == 0) _faults.Refuse("vcf-columns", "FORMAT", "sample columns, but the header names no sample");
        if (!_plan.Is(format)) _plan = FindPlan(format);
        if (_samples == 0) return;
        record.SampleCount = _samples;
        record.HasGt = _plan.HasGt;
        Size(record);
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
        record.First.AsSpan().Clear();
        record.Second.AsSpan().Clear();
        record.Phased.AsSpan().Clear();
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
        if (leading && !_leadingPhase) BadGenotype(sample, "a genotype begins with a phase character, which VCF allows from 4.4 on");
        var ploidy = Alleles(leading ? text[1..] : text, sample, record.Alts.Count);
        var most = 0;
        foreach (var allele in _alleles.AsSpan(0, ploidy)) most = Math.Max(most, allele);
        if (leading || ploidy > 2 || most > VcfRecord.MaxRegularAllele)
        {
            record.First[sample] = VcfRecord.IrregularMark;
            record.Irregular.Add(new IrregularCall(sample, _alleles[..ploidy], System.Text.Encoding.ASCII.GetString(text)));
            return;
        }
        record.First[sample] = (byte)(_alleles[0] + 1);
        record.Second[sample] = ploidy == 1 ? VcfRecord.NoAllele : (byte)(_alleles[1] + 1);
        record.Phased[sample] = ploidy == 2 && text.IndexOf((byte)'|') >= 0 ? (byte)1 : (byte)0;
    }

    /// <summary>Reads allele indexes apart by / or | into the scratch; gives how many.</summary>
    private int Alleles(ReadOnlySpan<byte> text, int sample, int altCount)
    {
        var ploidy = 0;
        while (true)
        {
            var end = text.IndexOfAny((byte)'/', (byte)'|');
            var item = end < 0 ? text : text[..end];
            if (ploidy == _alleles.Length) BadGenotype(sample, $"a genotype of more than {_alleles.Length} alleles");
            _alleles[ploidy] = -1;
            if (item is not [(byte)'.'])
            {
                if (!VcfText.TryDigits(item, out _alleles[ploidy]) || (item.Length > 1 && item[0] == '0')) BadGenotype(sample, "a genotype that is not allele numbers or . apart by / or |");
                if (_alleles[ploidy] > altCount) BadGenotype(sample, "an allele number above the number of ALT alleles");
            }
            ploidy++;
            if (end < 0) return ploidy;
            text = text[(end + 1)..];
        }
    }

    private static bool TryOneDigit(byte text, int altCount, out int allele)
    {
        allele = text == '.' ? -1 : text - '0';
        return text == '.' || (text is >= (byte)'0' and <= (byte)'9' && allele <= altCount);
    }

    private void Integers(FormatFields field, ReadOnlySpan<byte> value, int sample, VcfRecord record)
    {
        switch (field)
        {
            case FormatFields.Gq: record.Gq[sample] = Integer(value, "FORMAT/GQ", sample); break;
            case FormatFields.Dp: record.Dp[sample] = Integer(value, "FORMAT/DP", sample); break;
            case FormatFields.MinDp: record.MinDp[sample] = Integer(value, "FORMAT/MIN_DP", sample); break;
            case FormatFields.Rgq: record.Rgq[sample] = Integer(value, "FORMAT/RGQ", sample); break;
            case FormatFields.Len: record.Len[sample] = Integer(value, "FORMAT/LEN", sample); break;
            default: Depths(value, sample, record); break;
        }
    }

    /// <summary>A value that is not negative, rounded down; missing values, NaN among them, as <see cref="VcfRecord.MissingInt"/>.</summary>
    private int Integer(ReadOnlySpan<byte> value, string field, int sample)
    {
        if (value is [(byte)'.']) return VcfRecord.MissingInt;
        if (VcfText.TryDigits(value, out var whole)) return whole;
        if (VcfText.TryFloat(value, out var number))
        {
            if (float.IsNaN(number)) return VcfRecord.MissingInt;
            if (number >= 0 && number < int.MaxValue && Utf8Parser.TryParse(value, out double wide, out _)) return (int)Math.Floor(wide);
        }
        _faults.Refuse("vcf-format-value", field, $"the value of sample {sample + 1} is no number from 0 to 2147483647");
        return VcfRecord.MissingInt;
    }

    /// <summary>AD. Where the header does not promise one value per allele, another number of values is as if there were none.</summary>
    private void Depths(ReadOnlySpan<byte> value, int sample, VcfRecord record)
    {
        if (value is [(byte)'.']) return;
        var alleles = record.Alts.Count + 1;
        if (TryShortDepths(value, record.Ad.AsSpan(sample * alleles, alleles))) return;
        var count = value.Count((byte)',') + 1;
        if (count != alleles)
        {
            if (_depthsPerAllele && value.IndexOfAnyExcept((byte)'.', (byte)',') >= 0)
                _faults.Refuse("vcf-format-count", "FORMAT/AD", $"sample {sample + 1} has {count} values, expected one for each of {alleles} alleles");
            _faults.Warn("vcf-format-count", "FORMAT/AD", $"sample {sample + 1} has {count} values for {alleles} alleles; they are not used");
            return;
        }
        var into = record.Ad.AsSpan(sample * alleles, alleles);
        for (var i = 0; i < into.Length; i++)
        {
            var comma = value.IndexOf((byte)',');
            into[i] = Integer(comma < 0 ? value : value[..comma], "FORMAT/AD", sample);
            value = comma < 0 ? default : value[(comma + 1)..];
        }
    }

    /// <summary>The common case, one number of at most nine digits per allele; false, with nothing written, for all else.</summary>
    private static bool TryShortDepths(ReadOnlySpan<byte> value, Span<int> into)
    {
        const int leastTenDigits = 1_000_000_000;
        var (allele, number, digits) = (0, 0, 0);
        foreach (var b in value)
        {
            if (b is >= (byte)'0' and <= (byte)'9' && number < leastTenDigits / 10) (number, digits) = (number * 10 + b - '0', digits + 1);
            else if (b == ',' && digits > 0 && allele < into.Length - 1) (into[allele++], number, digits) = (number, 0, 0);
            else
            {
                into.Fill(VcfRecord.MissingInt);
                return false;
            }
        }
        if (digits > 0 && allele == into.Length - 1)
        {
            into[allele] = number;
            return true;
        }
        into.Fill(VcfRecord.MissingInt);
        return false;
    }

    /// <summary>Makes the columns large enough and empties the integer ones.</summary>
    private void Size(VcfRecord record)
    {
        var padded = (_samples + PaddedTo - 1) / PaddedTo * PaddedTo;
        if (record.First.Length != padded) (record.First, record.Second, record.Phased) = (new byte[padded], new byte[padded], new byte[padded]);
        if (!record.HasGt)
        {
            record.First.AsSpan().Clear();
            record.Second.AsSpan().Clear();
            record.Phased.AsSpan().Clear();
        }
        record.Fields = _plan.Fields;
        if (record.Fields == FormatFields.None) return;
        var depthCells = _samples * (1L + record.Alts.Count);
        if (record.Fields.HasFlag(FormatFields.Ad) && depthCells > _limits.MaxDepthCells)
            _faults.Refuse("vcf-format-cap", "FORMAT/AD", $"samples times alleles are above the limit of {_limits.MaxDepthCells}");
        record.Gq = Column(record, FormatFields.Gq, record.Gq, _samples);
        record.Dp = Column(record, FormatFields.Dp, record.Dp, _samples);
        record.MinDp = Column(record, FormatFields.MinDp, record.MinDp, _samples);
        record.Rgq = Column(record, FormatFields.Rgq, record.Rgq, _samples);
        record.Len = Column(record, FormatFields.Len, record.Len, _samples);
        record.Ad = Column(record, FormatFields.Ad, record.Ad, depthCells);
    }

    private static int[] Column(VcfRecord record, FormatFields field, int[] before, long length)
    {
        if (!record.Fields.HasFlag(field)) return before;
        var column = before.Length >= length ? before : new int[length];
        column.AsSpan(0, (int)length).Fill(VcfRecord.MissingInt);
        return column;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void BadGenotype(int sample, string text) => _faults.Refuse("vcf-genotype", "FORMAT/GT", $"sample {sample + 1}: {text}");
}
