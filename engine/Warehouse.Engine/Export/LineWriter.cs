using System.Buffers.Text;
using System.Text;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>Writes lines as VCF text. One thread.</summary>
internal sealed class LineWriter
{
    private const int FlushBytes = 1 << 16;
    private readonly Stream _target;
    private readonly VcfHeader _header;
    private byte[] _buffer = new byte[2 * FlushBytes];
    private int _used;

    public LineWriter(Stream target, VcfHeader header)
    {
        (_target, _header) = (target, header);
        foreach (var line in header.MetaLines) Text(line + "\n");
        Text("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        foreach (var sample in header.Samples) Text("\t" + sample);
        Byte((byte)'\n');
    }

    public void Write(VcfRecord record, int[] ac, int an)
    {
        Text(_header.Contigs[record.ContigIndex].Name);
        Byte((byte)'\t');
        Number(record.Start + 1);
        Tab(record.Id.Span);
        Tab(record.Ref.Span);
        for (var i = 0; i < record.Alts.Count; i++)
        {
            Byte(i == 0 ? (byte)'\t' : (byte)',');
            Bytes(record.Alts[i].Span);
        }
        Tab("."u8);
        Tab(record.Filter.Span);
        Text("\tAC=" + string.Join(',', ac) + ";AN=" + an + ";AF=" + string.Join(',', ac.Select(c => an == 0 ? "." : CFormat.G((double)c / an, 6))));
        Tab("GT"u8);
        if ((record.Fields & FormatFields.Gq) != 0) Bytes(":GQ"u8);
        if ((record.Fields & FormatFields.Dp) != 0) Bytes(":DP"u8);
        if ((record.Fields & FormatFields.Ad) != 0) Bytes(":AD"u8);
        var irregular = 0;
        for (var s = 0; s < record.SampleCount; s++) Cell(record, s, ref irregular);
        Byte((byte)'\n');
        if (_used >= FlushBytes) Flush();
    }

    public void Complete() => Flush();

    private void Cell(VcfRecord record, int sample, ref int irregular)
    {
        Byte((byte)'\t');
        if (record.First[sample] == VcfRecord.IrregularMark) Text(record.Irregular[irregular++].Text);
        else
        {
            Code(record.First[sample]);
            if (record.Second[sample] != VcfRecord.NoAllele)
            {
                Byte(record.Phased[sample] == 1 ? (byte)'|' : (byte)'/');
                Code(record.Second[sample]);
            }
        }
        if ((record.Fields & FormatFields.Gq) != 0) Value(record.Gq[sample]);
        if ((record.Fields & FormatFields.Dp) != 0) Value(record.Dp[sample]);
        if ((record.Fields & FormatFields.Ad) == 0) return;
        var alleles = record.Alts.Count + 1;
        var depths = record.Ad.AsSpan(sample * alleles, alleles);
        if (depths.IndexOfAnyExcept(VcfRecord.MissingInt) < 0) Value(VcfRecord.MissingInt);
        else
            for (var a = 0; a < alleles; a++) Value(depths[a], a == 0 ? (byte)':' : (byte)',');
    }

    private void Code(byte code)
    {
        if (code == 0) Byte((byte)'.');
        else Number(code - 1);
    }

    private void Value(int value, byte separator = (byte)':')
    {
        Byte(separator);
        if (value < 0) Byte((byte)'.');
        else Number(value);
    }

    private void Tab(ReadOnlySpan<byte> text)
    {
        Byte((byte)'\t');
        Bytes(text);
    }

    private void Text(string text) => Bytes(Encoding.UTF8.GetBytes(text));

    private void Number(int value)
    {
        Room(16);
        Utf8Formatter.TryFormat(value, _buffer.AsSpan(_used), out var written);
        _used += written;
    }

    private void Byte(byte value)
    {
        Room(1);
        _buffer[_used++] = value;
    }

    private void Bytes(ReadOnlySpan<byte> text)
    {
        Room(text.Length);
        text.CopyTo(_buffer.AsSpan(_used));
        _used += text.Length;
    }

    private void Room(int lengthBytes)
    {
        if (_buffer.Length - _used >= lengthBytes) return;
        Flush();
        if (_buffer.Length < lengthBytes) _buffer = new byte[lengthBytes];
    }

    private void Flush()
    {
        _target.Write(_buffer.AsSpan(0, _used));
        _used = 0;
    }
}
