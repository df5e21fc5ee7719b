using System.Buffers.Text;
using System.Text;
using Warehouse.Engine.Query;

namespace Warehouse.Engine.Export;

/// <summary>The lines of an annotated VCF as bytes: a line as it was, its INFO extended. Allocates only to grow. One thread.</summary>
internal sealed class AnnotationText
{
    /// <summary>Frequencies remembered as text: there are far fewer of them than lines.</summary>
    private const int RememberedFrequencies = 4096;

    /// <summary>More than the fields of a line take beside those of its alleles, and than those of one allele take: five numbers and words.</summary>
    private const int MostBytesOfLine = 128, MostBytesOfAllele = 256;

    private readonly (long Ac, long An, byte[]? Text)[] _frequencies = new (long, long, byte[]?)[RememberedFrequencies];
    private byte[] _bytes = new byte[1 << 20];
    private int _length;

    private enum Field
    {
        Ac,
        An,
        Af,
        Hom,
        Carriers,
    }

    /// <summary>What was written since the last <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Writes a line; with INFO fields when any of its alleles is one of its own.</summary>
    /// <param name="line">The line without its end.</param>
    /// <param name="alleles">Its ALTs.</param>
    /// <param name="notes">Further INFO entries, each behind a semicolon.</param>
    public void WriteLine(ReadOnlySpan<byte> line, ReadOnlySpan<AnnotationRun.Allele> alleles, ReadOnlySpan<byte> notes)
    {
        MakeRoom(checked(line.Length + notes.Length + MostBytesOfLine + (alleles.Length * MostBytesOfAllele)));
        var asked = false;
        foreach (ref readonly var allele in alleles) asked |= allele.IsAsked;
        if (asked)
        {
            var info = 0;
            for (var column = 0; column < 7; column++) info += line[info..].IndexOf((byte)'\t') + 1;
            var end = line[info..].IndexOf((byte)'\t') is >= 0 and var tab ? info + tab : line.Length;
            if (line[info..end] is [(byte)'.']) Add(line[..info]);
            else
            {
                Add(line[..end]);
                Add(";"u8);
            }
            AddInfo(alleles);
            Add(notes);
            line = line[end..];
        }
        Add(line);
        Add("\n"u8);
    }

    private void AddInfo(ReadOnlySpan<AnnotationRun.Allele> alleles)
    {
        Add("WH_SEEN="u8);
        for (var i = 0; i < alleles.Length; i++)
        {
            if (i > 0) Add(","u8);
            Add(!alleles[i].IsAsked ? "."u8 : alleles[i].State switch { SeenState.Seen => "seen"u8, SeenState.NotSeen => "not_seen"u8, _ => "not_assessable"u8 });
        }
        AddField(";WH_AC="u8, Field.Ac, alleles);
        AddField(";WH_AN="u8, Field.An, alleles);
        AddField(";WH_AF="u8, Field.Af, alleles);
        AddField(";WH_HOM="u8, Field.Hom, alleles);
        AddField(";WH_CARRIERS="u8, Field.Carriers, alleles);
    }

    private void AddField(ReadOnlySpan<byte> name, Field field, ReadOnlySpan<AnnotationRun.Allele> alleles)
    {
        Add(name);
        for (var i = 0; i < alleles.Length; i++)
        {
            if (i > 0) Add(","u8);
            ref readonly var figures = ref alleles[i].Figures;
            if (!alleles[i].IsAsked || alleles[i].State == SeenState.NotAssessable || (field == Field.Af && figures.An == 0)) Add("."u8);
            else if (field == Field.Af) AddFrequency(figures.Ac, figures.An);
            else AddNumber(field switch { Field.Ac => figures.Ac, Field.An => figures.An, Field.Hom => figures.NHomAlt, _ => figures.Carriers });
        }
    }

    private void AddFrequency(long ac, long an)
    {
        ref var known = ref _frequencies[(int)((((ulong)ac * 31) + (ulong)an) % RememberedFrequencies)];
        if (known.Text is null || known.Ac != ac || known.An != an) known = (ac, an, Encoding.ASCII.GetBytes(CFormat.G((double)ac / an, 6)));
        Add(known.Text);
    }

    private void AddNumber(long value)
    {
        Utf8Formatter.TryFormat(value, _bytes.AsSpan(_length), out var written);
        _length += written;
    }

    private void Add(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_bytes.AsSpan(_length));
        _length += text.Length;
    }

    private void MakeRoom(int bytes)
    {
        if (_bytes.Length - _length < bytes) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, checked(_length + bytes)));
    }
}
