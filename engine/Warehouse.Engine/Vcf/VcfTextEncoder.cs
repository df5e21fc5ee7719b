using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;

namespace Warehouse.Engine.Vcf;

/// <summary>Writes records as VCF lines. A record of plain GT takes one 4-byte store per sample.</summary>
internal sealed class VcfTextEncoder(VcfParsedHeader parsed, ArrayBufferWriter<byte> buffer)
{
    private const int CellBytes = 4;
    private const int MostOneDigitCode = 10;
    private const int MostIntegerBytes = 11;
    private const int MostGenotypeBytes = 8;
    private readonly VcfWriterRules _rules = new(parsed);
    private readonly byte[][] _contigs = [.. parsed.Header.Contigs.Select(c => Encoding.UTF8.GetBytes(c.Name))];

    /// <summary>Appends one line.</summary>
    public void Write(VcfRecord record, ReadOnlySpan<VcfInfoEntry> info)
    {
        buffer.Write(_contigs[record.ContigIndex]);
        buffer.Write("\t"u8);
        Integer(record.Start + 1L);
        Column(record.Id.Span);
        Column(record.Ref.Span);
        Alts(record);
        if (float.IsNaN(record.Qual)) Column("."u8);
        else Quality(record.Qual);
        _rules.Filters(record);
        Column(record.Filter.Span);
        Info(info);
        if (parsed.Header.Samples.Count > 0) Samples(record);
        buffer.Write("\n"u8);
    }

    private void Column(ReadOnlySpan<byte> text)
    {
        buffer.Write("\t"u8);
        buffer.Write(text.IsEmpty ? "."u8 : text);
    }

    private void Alts(VcfRecord record)
    {
        if (record.Alts.Count == 0) Column("."u8);
        for (var i = 0; i < record.Alts.Count; i++)
        {
            buffer.Write(i == 0 ? "\t"u8 : ","u8);
            buffer.Write(record.Alts[i].Span);
        }
    }

    private void Quality(float quality)
    {
        buffer.Write("\t"u8);
        Utf8Formatter.TryFormat(quality, buffer.GetSpan(32), out var written);
        buffer.Advance(written);
    }

    private void Integer(long value)
    {
        Utf8Formatter.TryFormat(value, buffer.GetSpan(MostIntegerBytes), out var written);
        buffer.Advance(written);
    }

    private void Info(ReadOnlySpan<VcfInfoEntry> info)
    {
        if (info.IsEmpty) Column("."u8);
        for (var i = 0; i < info.Length; i++)
        {
            var entry = info[i];
            _rules.CheckInfo(entry);
            buffer.Write(i == 0 ? "\t"u8 : ";"u8);
            Encoding.UTF8.GetBytes(entry.Key, buffer);
            if (entry.IsFlag) continue;
            buffer.Write("="u8);
            if (entry.Integers.IsEmpty) buffer.Write(entry.Text.Span);
            for (var v = 0; v < entry.Integers.Length; v++)
            {
                if (v > 0) buffer.Write(","u8);
                if (entry.Integers.Span[v] == BcfTyped.MissingInt) buffer.Write("."u8);
                else Integer(entry.Integers.Span[v]);
            }
        }
    }

    private void Samples(VcfRecord record)
    {
        _rules.CheckFormat(record);
        if (!record.HasGt && record.Fields == FormatFields.None)
        {
            for (var i = 0; i <= parsed.Header.Samples.Count; i++) Column("."u8);
            return;
        }
        var separator = "\t"u8;
        if (record.HasGt) Key(ref separator, "GT"u8);
        foreach (var (field, name) in VcfWriterRules.Columns)
            if (record.Fields.HasFlag(field)) Key(ref separator, Encoding.ASCII.GetBytes(name));
        if (record.Fields == FormatFields.None && TryPlainGenotypes(record)) return;
        EachSample(record);
    }

    private void Key(ref ReadOnlySpan<byte> separator, ReadOnlySpan<byte> name)
    {
        buffer.Write(separator);
        buffer.Write(name);
        separator = ":"u8;
    }

    /// <summary>Diploid calls of one-digit alleles alone: tab, allele, separator, allele.</summary>
    private bool TryPlainGenotypes(VcfRecord record)
    {
        var most = (byte)Math.Min(record.Alts.Count + 1, MostOneDigitCode);
        var first = record.First.AsSpan(0, record.SampleCount);
        var second = record.Second.AsSpan(0, record.SampleCount);
        var phased = record.Phased.AsSpan(0, record.SampleCount);
        if (first.IndexOfAnyExceptInRange((byte)0, most) >= 0 || second.IndexOfAnyExceptInRange((byte)0, most) >= 0) return false;
        var codes = ".0123456789"u8;
        var cells = buffer.GetSpan(first.Length * CellBytes);
        for (var s = 0; s < first.Length; s++)
        {
            var separator = phased[s] != 0 ? (uint)'|' : '/';
            BinaryPrimitives.WriteUInt32LittleEndian(cells[(s * CellBytes)..], '\t' | ((uint)codes[first[s]] << 8) | (separator << 16) | ((uint)codes[second[s]] << 24));
        }
        buffer.Advance(first.Length * CellBytes);
        return true;
    }

    private void EachSample(VcfRecord record)
    {
        var mostBytes = 1 + MostGenotypeBytes;
        foreach (var (field, _) in VcfWriterRules.Columns)
            if (record.Fields.HasFlag(field)) mostBytes += MostIntegerBytes * VcfWriterRules.Width(record, field);
        var irregular = 0;
        for (var sample = 0; sample < record.SampleCount; sample++)
        {
            var text = "";
            if (record.HasGt && record.First[sample] == VcfRecord.IrregularMark) text = IrregularText(record, sample, ref irregular);
            var span = buffer.GetSpan(mostBytes + text.Length);
            var at = 0;
            span[at++] = (byte)'\t';
            if (text.Length > 0) at += Encoding.ASCII.GetBytes(text, span[at..]);
            else if (record.HasGt) at += Genotype(record, sample, span[at..]);
            foreach (var (field, _) in VcfWriterRules.Columns)
            {
                if (!record.Fields.HasFlag(field)) continue;
                if (at > 1) span[at++] = (byte)':';
                var width = VcfWriterRules.Width(record, field);
                at += Values(VcfWriterRules.Values(record, field).Slice(sample * width, width), span[at..]);
            }
            buffer.Advance(at);
        }
    }

    private static string IrregularText(VcfRecord record, int sample, ref int next)
    {
        if (next >= record.Irregular.Count || record.Irregular[next].Sample != sample) throw new ArgumentException("an irregular call is missing or out of order");
        var call = record.Irregular[next++];
        foreach (var allele in call.Alleles) VcfWriterRules.CheckAllele(allele, record);
        return call.Text[0] is '/' or '|' ? call.Text[1..] : call.Text;
    }

    private static int Genotype(VcfRecord record, int sample, Span<byte> into)
    {
        var at = Allele(record.First[sample] - 1, record, into);
        if (record.Second[sample] == VcfRecord.NoAllele) return at;
        into[at++] = record.Phased[sample] != 0 ? (byte)'|' : (byte)'/';
        return at + Allele(record.Second[sample] - 1, record, into[at..]);
    }

    private static int Allele(int allele, VcfRecord record, Span<byte> into)
    {
        VcfWriterRules.CheckAllele(allele, record);
        if (allele >= 0 && Utf8Formatter.TryFormat(allele, into, out var written)) return written;
        into[0] = (byte)'.';
        return 1;
    }

    /// <summary>Values apart by commas; one point when all are missing.</summary>
    private static int Values(ReadOnlySpan<int> values, Span<byte> into)
    {
        if (values.IndexOfAnyExcept(VcfRecord.MissingInt) < 0) values = values[..1];
        var at = 0;
        foreach (var value in values)
        {
            if (at > 0) into[at++] = (byte)',';
            var written = 1;
            if (value < 0) into[at] = (byte)'.';
            else Utf8Formatter.TryFormat(value, into[at..], out written);
            at += written;
        }
        return at;
    }
}
