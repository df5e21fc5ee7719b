using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Parses the sample part of BCF records by <see cref="VcfSampleColumns"/>. GT of single bytes and two copies goes through
/// <see cref="BcfGenotypeKernel"/>; everything else, and every error, through the path sample by sample, which is its twin.
/// </summary>
internal sealed class BcfGenotypeParser(VcfParsedHeader parsed, BcfDictionary dictionary, VcfFaults faults, VcfLimits limits)
{
    private readonly VcfSampleColumns _columns = new(parsed, faults, limits);
    private readonly List<(BcfKey Key, BcfTyped Typed, int Start)> _fields = [];
    private readonly int[] _alleles = new int[limits.MaxPloidy];
    private readonly ArrayBufferWriter<byte> _text = new();

    /// <summary>Fills the genotype part of a cleared record; ALT must have been read.</summary>
    public void Parse(ReadOnlySpan<byte> part, int fieldCount, VcfRecord record)
    {
        var (hasGt, fields) = FindFields(part, fieldCount);
        if (_columns.Count == 0) return;
        _columns.Begin(record, hasGt, fields);
        foreach (var (key, typed, start) in _fields)
        {
            var values = part.Slice(start, (int)(typed.Bytes * _columns.Count));
            if (key.IsGt) Genotypes(typed, values, record);
            else if (key.Column == FormatFields.Ad) Depths(typed, values, record);
            else if (key.Column != FormatFields.None) Integers(key.Column, typed, values, record);
        }
    }

    /// <summary>Checks keys and lengths of all fields and remembers where their values lie.</summary>
    private (bool HasGt, FormatFields Fields) FindFields(ReadOnlySpan<byte> part, int fieldCount)
    {
        _fields.Clear();
        var cursor = new BcfCursor(part, faults);
        var (hasGt, fields) = (false, FormatFields.None);
        if (fieldCount > limits.MaxFormatKeys) faults.Refuse("vcf-format-cap", "FORMAT", $"more than {limits.MaxFormatKeys} FORMAT keys");
        for (var i = 0; i < fieldCount; i++)
        {
            var index = cursor.TakeInteger("FORMAT");
            if (dictionary.Key(index) is not { } key)
            {
                faults.Refuse("bcf-key", "FORMAT", $"found the index {index}, which no line of the header has");
                return default;
            }
            if (!key.IsKey) faults.Refuse("vcf-format-key", "FORMAT", "a FORMAT key that is empty or has white space or control characters");
            if (!key.TryUse((2 * faults.Line) + 1)) faults.Refuse("vcf-format-duplicate", "FORMAT", "the same FORMAT key twice");
            if (key.IsGt && i > 0) faults.Refuse("vcf-format-gt", "FORMAT", "GT must be the first FORMAT key");
            var typed = cursor.TakeDescriptor("FORMAT");
            _fields.Add((key, typed, cursor.At));
            cursor.Take(typed.Bytes * _columns.Count, "FORMAT");
            hasGt |= key.IsGt;
            fields |= key.Column;
        }
        cursor.End("sample");
        return (hasGt, fields);
    }

    private void Genotypes(BcfTyped typed, ReadOnlySpan<byte> values, VcfRecord record)
    {
        if (!typed.IsInteger && typed.Count > 0) faults.Refuse("bcf-type", "FORMAT/GT", "genotypes that are not integers");
        if (typed is { Type: BcfTyped.Int8, Count: BcfGenotypeKernel.CellBytes } && BcfGenotypeKernel.TryDecode(values, record, _columns.HasLeadingPhase)) return;
        GenotypesOneByOne(typed, values, record);
    }

    /// <summary>Sample by sample: the definition of what GT means.</summary>
    internal void GenotypesOneByOne(BcfTyped typed, ReadOnlySpan<byte> values, VcfRecord record)
    {
        VcfSampleColumns.ClearCalls(record);
        for (var sample = 0; sample < record.SampleCount; sample++)
        {
            var (ploidy, bars) = Alleles(typed, values.Slice(sample * (int)typed.Bytes, (int)typed.Bytes), sample, record.Alts.Count);
            // An unset bit of the first copy says nothing: writers older than VCF 4.4 never set it. A set one needs its
            // character only where readers would otherwise infer the contrary: there is a / after it.
            var leading = _columns.HasLeadingPhase && ploidy > 1 && (bars & 1) != 0 && bars != (1 << ploidy) - 1;
            var alleles = _alleles.AsSpan(0, ploidy);
            if (leading || !VcfSampleColumns.TryStore(record, sample, alleles, (bars & ~1) != 0))
                VcfSampleColumns.StoreIrregular(record, sample, alleles, Text(alleles, bars, leading));
        }
    }

    /// <summary>Reads allele indexes into the scratch; gives how many, at least one, and the phase bit of each.</summary>
    private (int Ploidy, int Bars) Alleles(BcfTyped typed, ReadOnlySpan<byte> values, int sample, int altCount)
    {
        var (ploidy, bars) = (0, 0);
        for (var i = 0; i < typed.Count; i++)
        {
            var value = BcfTyped.IntegerAt(typed.Type, values, i);
            if (value == BcfTyped.EndOfVector)
            {
                CheckEnd(typed, values, i, "FORMAT/GT");
                break;
            }
            if (ploidy == _alleles.Length) _columns.BadGenotype(sample, $"a genotype of more than {_alleles.Length} alleles");
            if (value == BcfTyped.MissingInt) value = 0;
            if (value < 0) _columns.BadGenotype(sample, "a value that is no allele number");
            if ((value >> 1) - 1 > altCount) _columns.BadGenotype(sample, "an allele number above the number of ALT alleles");
            bars |= (value & 1) << ploidy;
            _alleles[ploidy++] = (value >> 1) - 1;
        }
        if (ploidy > 0) return (ploidy, bars);
        _alleles[0] = -1;
        return (1, 0);
    }

    private ReadOnlySpan<byte> Text(ReadOnlySpan<int> alleles, int bars, bool leading)
    {
        _text.ResetWrittenCount();
        for (var i = 0; i < alleles.Length; i++)
        {
            var span = _text.GetSpan(16);
            var at = 0;
            if (i > 0 || leading) span[at++] = (bars >> i & 1) != 0 ? (byte)'|' : (byte)'/';
            var digits = 1;
            if (alleles[i] < 0) span[at] = (byte)'.';
            else Utf8Formatter.TryFormat(alleles[i], span[at..], out digits);
            _text.Advance(at + digits);
        }
        return _text.WrittenSpan;
    }

    private void Integers(FormatFields field, BcfTyped typed, ReadOnlySpan<byte> values, VcfRecord record)
    {
        var (column, name) = VcfSampleColumns.Integers(record, field);
        var width = (int)typed.Bytes;
        for (var sample = 0; sample < record.SampleCount; sample++)
        {
            var own = values.Slice(sample * width, width);
            if (typed.Type == BcfTyped.Char) column[sample] = Integer(own, name, sample);
            else
            {
                var count = ValueCount(typed, own, name);
                if (count > 1) _columns.BadInteger(name, sample);
                if (count == 1) column[sample] = Integer(typed, own, 0, (name, sample));
            }
        }
    }

    private void Depths(BcfTyped typed, ReadOnlySpan<byte> values, VcfRecord record)
    {
        var width = (int)typed.Bytes;
        for (var sample = 0; sample < record.SampleCount; sample++)
        {
            var own = values.Slice(sample * width, width);
            if (typed.Type == BcfTyped.Char)
            {
                var text = own[..BcfTyped.TextLength(own)];
                if (text is not ([] or [BcfTyped.MissingChar])) _columns.Depths(record, sample, text);
                continue;
            }
            var count = ValueCount(typed, own, "FORMAT/AD");
            if (count == 0 || (count == 1 && IsMissing(typed, own, 0))) continue;
            var anyPresent = false;
            for (var i = 0; i < count; i++) anyPresent |= !IsMissing(typed, own, i);
            var into = _columns.DepthCells(record, sample, count, anyPresent);
            for (var i = 0; i < into.Length; i++) into[i] = Integer(typed, own, i, ("FORMAT/AD", sample));
        }
    }

    private int Integer(ReadOnlySpan<byte> padded, string field, int sample)
    {
        var text = padded[..BcfTyped.TextLength(padded)];
        return text is [] or [BcfTyped.MissingChar] ? VcfRecord.MissingInt : _columns.Integer(text, field, sample);
    }

    /// <summary>A value that is not negative, rounded down; missing values, NaN among them, as <see cref="VcfRecord.MissingInt"/>.</summary>
    private int Integer(BcfTyped typed, ReadOnlySpan<byte> values, int index, (string Field, int Sample) place)
    {
        if (IsMissing(typed, values, index)) return VcfRecord.MissingInt;
        if (typed.IsInteger)
        {
            var whole = BcfTyped.IntegerAt(typed.Type, values, index);
            if (whole is < 0 or int.MaxValue) _columns.BadInteger(place.Field, place.Sample);
            return whole;
        }
        var number = BinaryPrimitives.ReadSingleLittleEndian(values[(4 * index)..]);
        if (number is < 0 or >= int.MaxValue) _columns.BadInteger(place.Field, place.Sample);
        return (int)Math.Floor(number);
    }

    private static bool IsMissing(BcfTyped typed, ReadOnlySpan<byte> values, int index) => typed.IsInteger
        ? BcfTyped.IntegerAt(typed.Type, values, index) == BcfTyped.MissingInt
        : float.IsNaN(BinaryPrimitives.ReadSingleLittleEndian(values[(4 * index)..]));

    /// <summary>Values before the end of the vector.</summary>
    private int ValueCount(BcfTyped typed, ReadOnlySpan<byte> values, string field)
    {
        for (var i = 0; i < typed.Count; i++)
        {
            if (!IsEnd(typed, values, i)) continue;
            CheckEnd(typed, values, i, field);
            return i;
        }
        return typed.Count;
    }

    /// <summary>Nothing but padding may follow the end of a vector.</summary>
    private void CheckEnd(BcfTyped typed, ReadOnlySpan<byte> values, int from, string field)
    {
        for (var i = from + 1; i < typed.Count; i++)
            if (!IsEnd(typed, values, i)) faults.Refuse("bcf-vector", field, "a value follows the end of its vector");
    }

    private static bool IsEnd(BcfTyped typed, ReadOnlySpan<byte> values, int index) => typed.IsInteger
        ? BcfTyped.IntegerAt(typed.Type, values, index) == BcfTyped.EndOfVector
        : BinaryPrimitives.ReadUInt32LittleEndian(values[(4 * index)..]) == BcfTyped.FloatEndOfVector;
}
