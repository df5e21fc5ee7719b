using System.Buffers;
using System.Buffers.Binary;

namespace Warehouse.Engine.Vcf;

/// <summary>Writes header and records as BCF 2.2; the layout is drawn at <see cref="BcfReader"/>. Vectors take the narrowest type that holds them.</summary>
internal sealed class BcfEncoder(VcfParsedHeader parsed, BcfDictionary dictionary, ArrayBufferWriter<byte> output)
{
    private const int MostSamples = (1 << 24) - 1;
    private const int MostCodeInt8 = 63;
    private const int MostCounted = ushort.MaxValue;
    private readonly VcfWriterRules _rules = new(parsed);
    private readonly ArrayBufferWriter<byte> _shared = new();
    private readonly ArrayBufferWriter<byte> _samples = new();
    private readonly List<int> _integers = [];

    /// <summary>Appends the file's head with the header text.</summary>
    public void WriteHeader(ReadOnlySpan<byte> text)
    {
        output.Write("BCF\u0002\u0002"u8);
        Int32(output, text.Length + 1);
        output.Write(text);
        output.Write("\0"u8);
    }

    /// <summary>Appends one record.</summary>
    public void Write(VcfRecord record, ReadOnlySpan<VcfInfoEntry> info)
    {
        _shared.ResetWrittenCount();
        _samples.ResetWrittenCount();
        var sampleCount = parsed.Header.Samples.Count;
        if (sampleCount > MostSamples || info.Length > MostCounted || record.Alts.Count >= MostCounted) throw new ArgumentException("more samples, INFO keys or alleles than BCF can count");
        _rules.CheckFormat(record);
        var fieldCount = sampleCount == 0 ? 0 : Samples(record);
        Int32(_shared, record.ContigIndex);
        Int32(_shared, record.Start);
        Int32(_shared, VcfWriterRules.End(record, info) - record.Start);
        Int32(_shared, float.IsNaN(record.Qual) ? (int)BcfTyped.MissingFloat : BitConverter.SingleToInt32Bits(record.Qual));
        Int32(_shared, (record.Alts.Count + 1) << 16 | info.Length);
        Int32(_shared, fieldCount << 24 | sampleCount);
        Text(record.Id.Span is [(byte)'.'] ? default : record.Id.Span);
        Text(record.Ref.Span);
        foreach (var alt in record.Alts) Text(alt.Span);
        _integers.Clear();
        foreach (var name in _rules.Filters(record)) _integers.Add(dictionary.IndexOf(name));
        Integers(_shared, _integers);
        foreach (var entry in info) Info(entry);
        Int32(output, _shared.WrittenCount);
        Int32(output, _samples.WrittenCount);
        output.Write(_shared.WrittenSpan);
        output.Write(_samples.WrittenSpan);
    }

    private static void Int32(ArrayBufferWriter<byte> into, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(into.GetSpan(4), value);
        into.Advance(4);
    }

    private static void Descriptor(ArrayBufferWriter<byte> into, int type, int count)
    {
        if (count < BcfTyped.CountFollows)
        {
            into.Write([(byte)(count << 4 | type)]);
            return;
        }
        into.Write([(byte)(BcfTyped.CountFollows << 4 | type)]);
        var narrow = Narrowest(count);
        into.Write([(byte)(1 << 4 | narrow)]);
        Value(into, narrow, count);
    }

    private static int Narrowest(int greatest) => greatest <= sbyte.MaxValue ? BcfTyped.Int8 : greatest <= short.MaxValue ? BcfTyped.Int16 : BcfTyped.Int32;

    /// <summary>One integer in a width; missing and end of vector in their 32-bit form.</summary>
    private static void Value(ArrayBufferWriter<byte> into, int type, int value)
    {
        var span = into.GetSpan(4);
        var isSpecial = value is BcfTyped.MissingInt or BcfTyped.EndOfVector;
        var special = value - BcfTyped.MissingInt;
        switch (type)
        {
            case BcfTyped.Int8:
                span[0] = (byte)(isSpecial ? sbyte.MinValue + special : value);
                into.Advance(1);
                return;
            case BcfTyped.Int16:
                BinaryPrimitives.WriteInt16LittleEndian(span, (short)(isSpecial ? short.MinValue + special : value));
                into.Advance(2);
                return;
            default:
                BinaryPrimitives.WriteInt32LittleEndian(span, value);
                into.Advance(4);
                return;
        }
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        Descriptor(_shared, BcfTyped.Char, text.Length);
        _shared.Write(text);
    }

    /// <summary>A vector in its narrowest width; none at all is the descriptor 0x00.</summary>
    private static void Integers(ArrayBufferWriter<byte> into, List<int> values)
    {
        const int reservedValues = 8;
        var (least, greatest) = (0, 0);
        foreach (var value in values)
        {
            if (value == BcfTyped.MissingInt) continue;
            if (value < int.MinValue + reservedValues) throw new ArgumentException("an integer below -2147483640, which BCF reserves");
            (least, greatest) = (Math.Min(least, value), Math.Max(greatest, value));
        }
        var type = values.Count == 0 ? BcfTyped.None : Narrowest(greatest);
        if (least < sbyte.MinValue + reservedValues && type == BcfTyped.Int8) type = BcfTyped.Int16;
        if (least < short.MinValue + reservedValues) type = BcfTyped.Int32;
        Descriptor(into, type, values.Count);
        foreach (var value in values) Value(into, type, value);
    }

    private void Info(in VcfInfoEntry entry)
    {
        var type = _rules.CheckInfo(entry);
        Key(_shared, entry.Key);
        if (type == "Flag") Descriptor(_shared, BcfTyped.None, 0);
        else if (type is "String" or "Character") Text(entry.Text.Span);
        else if (type == "Float") Floats(entry);
        else if (type == "Integer")
        {
            _integers.Clear();
            if (!entry.Integers.IsEmpty) _integers.AddRange(entry.Integers.Span);
            else foreach (var range in entry.Text.Span.Split((byte)',')) _integers.Add(ParseInteger(entry, entry.Text.Span[range]));
            Integers(_shared, _integers);
        }
        else throw new ArgumentException($"INFO/{entry.Key} is declared with no known type");
    }

    private static int ParseInteger(in VcfInfoEntry entry, ReadOnlySpan<byte> text)
    {
        if (text is [(byte)'.']) return BcfTyped.MissingInt;
        return VcfText.TryInteger(text, out var value) ? value : throw new ArgumentException($"INFO/{entry.Key} is declared as Integer, the text is none");
    }

    private void Floats(in VcfInfoEntry entry)
    {
        if (!entry.Integers.IsEmpty)
        {
            Descriptor(_shared, BcfTyped.Float, entry.Integers.Length);
            foreach (var value in entry.Integers.Span) Int32(_shared, value == BcfTyped.MissingInt ? (int)BcfTyped.MissingFloat : BitConverter.SingleToInt32Bits(value));
            return;
        }
        var text = entry.Text.Span;
        Descriptor(_shared, BcfTyped.Float, text.Count((byte)',') + 1);
        foreach (var range in text.Split((byte)','))
        {
            var isMissing = text[range] is [(byte)'.'];
            var value = 0f;
            if (!isMissing && !VcfText.TryFloat(text[range], out value)) throw new ArgumentException($"INFO/{entry.Key} is declared as Float, the text is none");
            Int32(_shared, isMissing ? (int)BcfTyped.MissingFloat : BitConverter.SingleToInt32Bits(value));
        }
    }

    private void Key(ArrayBufferWriter<byte> into, string name)
    {
        var index = dictionary.IndexOf(name);
        var type = Narrowest(index);
        Descriptor(into, type, 1);
        Value(into, type, index);
    }

    /// <summary>Writes the sample part; gives the number of FORMAT keys.</summary>
    private int Samples(VcfRecord record)
    {
        var count = 0;
        if (record.HasGt)
        {
            count++;
            Key(_samples, "GT");
            Genotypes(record);
        }
        foreach (var (field, name) in VcfWriterRules.Columns)
        {
            if (!record.Fields.HasFlag(field)) continue;
            count++;
            Key(_samples, name);
            Column(record, field);
        }
        return count;
    }

    private void Column(VcfRecord record, FormatFields field)
    {
        var values = VcfWriterRules.Values(record, field);
        var width = VcfWriterRules.Width(record, field);
        var greatest = 0;
        foreach (var value in values) greatest = Math.Max(greatest, value);
        var type = Narrowest(greatest);
        Descriptor(_samples, type, width);
        for (var s = 0; s < values.Length; s += width)
        {
            var own = values.Slice(s, width);
            var isEmpty = own.IndexOfAnyExcept(VcfRecord.MissingInt) < 0;
            for (var i = 0; i < width; i++)
                Value(_samples, type, isEmpty && i > 0 ? BcfTyped.EndOfVector : own[i] < 0 ? BcfTyped.MissingInt : own[i]);
        }
    }

    private void Genotypes(VcfRecord record)
    {
        var type = record.Alts.Count + 1 <= MostCodeInt8 ? BcfTyped.Int8 : BcfTyped.Int16;
        var second = record.Second.AsSpan(0, record.SampleCount);
        var ploidy = record.Irregular.Count == 0 && second.IndexOfAnyExcept(VcfRecord.NoAllele) < 0 ? 1 : 2;
        foreach (var call in record.Irregular) ploidy = Math.Max(ploidy, call.Alleles.Length);
        Descriptor(_samples, type, ploidy);
        if (type == BcfTyped.Int8 && ploidy == 2 && record.Irregular.Count == 0) PlainGenotypes(record);
        else EachGenotype(record, type, ploidy);
    }

    /// <summary>Regular calls in single bytes.</summary>
    private void PlainGenotypes(VcfRecord record)
    {
        const byte endOfVector = 0x81;
        var most = record.Alts.Count + 1;
        var first = record.First.AsSpan(0, record.SampleCount);
        var second = record.Second.AsSpan(0, record.SampleCount);
        var phased = record.Phased.AsSpan(0, record.SampleCount);
        var cells = _samples.GetSpan(2 * first.Length);
        for (var s = 0; s < first.Length; s++)
        {
            var isHaploid = second[s] == VcfRecord.NoAllele;
            if (first[s] > most || (second[s] > most && !isHaploid)) VcfWriterRules.CheckAllele(Math.Max(first[s], second[s]) - 1, record);
            cells[2 * s] = (byte)(first[s] << 1);
            cells[(2 * s) + 1] = isHaploid ? endOfVector : (byte)(second[s] << 1 | (phased[s] != 0 ? 1 : 0));
        }
        _samples.Advance(2 * first.Length);
    }

    private void EachGenotype(VcfRecord record, int type, int ploidy)
    {
        var irregular = 0;
        for (var s = 0; s < record.SampleCount; s++)
        {
            var copies = 0;
            if (record.First[s] == VcfRecord.IrregularMark) copies = IrregularGenotype(record, s, ref irregular, type);
            else
            {
                Copy(record, record.First[s] - 1, isPhased: false, type);
                copies = record.Second[s] == VcfRecord.NoAllele ? 1 : 2;
                if (copies == 2) Copy(record, record.Second[s] - 1, record.Phased[s] != 0, type);
            }
            for (; copies < ploidy; copies++) Value(_samples, type, BcfTyped.EndOfVector);
        }
    }

    private int IrregularGenotype(VcfRecord record, int sample, ref int next, int type)
    {
        if (next >= record.Irregular.Count || record.Irregular[next].Sample != sample) throw new ArgumentException("an irregular call is missing or out of order");
        var call = record.Irregular[next++];
        var text = call.Text;
        var at = text[0] is '/' or '|' ? 1 : 0;
        var isPhased = false;
        foreach (var allele in call.Alleles)
        {
            Copy(record, allele, isPhased, type);
            while (at < text.Length && text[at] is not ('/' or '|')) at++;
            isPhased = at < text.Length && text[at] == '|';
            at++;
        }
        return call.Alleles.Length;
    }

    private void Copy(VcfRecord record, int allele, bool isPhased, int type)
    {
        VcfWriterRules.CheckAllele(allele, record);
        Value(_samples, type, (allele + 1) << 1 | (isPhased ? 1 : 0));
    }
}
