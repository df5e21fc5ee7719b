using System.Text;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>
/// Rows of <c>freq</c> as tab-separated text, straight from the columns of a batch: the bytes that <see cref="Columns"/> gives cell by cell
/// through <see cref="TsvWriter"/>, its twin in the tests. What rows share is put into text once: contig and group, the last rare figures, and
/// the fractions of the pairs of AC and AN that were met. Not thread-safe.
/// </summary>
internal sealed class FrequencyText
{
    // Pairs of AC and AN whose fractions are kept, each in the place its hash gives; most variants are rare, so nearly all rows find theirs.
    private const int KeptBits = 11;

    // The longest %.6g of a fraction is 1.23456e-05; with tab and line end it is 13 bytes, and is copied as one vector of 16.
    private const int FractionBytes = 16;

    private readonly ByteSink _sink;
    private readonly (int Af, int Faf) _digits;
    private readonly ulong[] _pairs = new ulong[1 << KeptBits];
    private readonly (byte Af, byte Faf)[] _lengths = new (byte, byte)[1 << KeptBits];
    private readonly byte[] _fractions = new byte[2 * FractionBytes << KeptBits];

    /// <param name="sink">Takes the text.</param>
    /// <param name="digits">Significant digits of the two fractions.</param>
    public FrequencyText(ByteSink sink, (int Af, int Faf) digits)
    {
        (_sink, _digits) = (sink, digits);
        _pairs.AsSpan().Fill(ulong.MaxValue); // no pair: both figures are under 2^31
    }

    /// <summary>Writes the lines of a batch.</summary>
    public void Write(FrequencyBatch batch, bool symbolic, bool grouped)
    {
        var contig = Encoding.UTF8.GetBytes(TsvWriter.Cell(batch.Contig, free: true) + "\t");
        var groups = new Group[batch.Groups.Count];
        for (var i = 0; i < groups.Length; i++) groups[i] = new Group(grouped ? "\t" + TsvWriter.Cell(batch.Groups[i], free: true) : "");
        for (var variant = 0; variant < batch.Count; variant++)
        {
            var reference = Safe(batch.Ref(variant));
            var alternate = Safe(batch.Alt(variant));
            for (var group = 0; group < groups.Length; group++)
            {
                var name = groups[group].Name;
                var text = _sink.Reserve(contig.Length + reference.Length + alternate.Length + name.Length + (16 * (1 + Decimal.MaxLengthBytes)));
                contig.CopyTo(text);
                var at = contig.Length;
                at += Decimal.Put(batch.Start(variant) + 1L, text[at..]);
                at = Put(reference, text, at);
                at = Put(alternate, text, at);
                // Half-open 0-based and 1-based inclusive ends are the same number.
                if (symbolic) at = batch.End(variant) is >= 0 and var end ? Put(end, text, at) : Put("."u8, text, at);
                name.CopyTo(text[at..]);
                _sink.Advance(PutFigures(batch, (variant, group), groups[group], text, at + name.Length));
            }
        }
    }

    private int PutFigures(FrequencyBatch batch, (int Variant, int Group) cell, Group group, Span<byte> text, int at)
    {
        var (variant, of) = cell;
        var (ac, an) = (batch.Ac[variant, of], batch.An[variant, of]);
        var (het, hom, hemi, half) = (batch.NHet[variant, of], batch.NHomAlt[variant, of], batch.NHemi[variant, of], batch.NHalf[variant, of]);
        var pair = Pair(ac, an);
        var fractions = _fractions.AsSpan(pair * 2 * FractionBytes, 2 * FractionBytes);
        at = Put(ac, text, at);
        at = Put(an, text, at);
        fractions[..FractionBytes].CopyTo(text[at..]);
        at += _lengths[pair].Af;
        at = Put(het, text, at);
        at = Put(hom, text, at);
        at = group.Rare.Put(hemi, half, text, at);
        at = Put((long)het + hom + hemi + half, text, at);
        at = Put(batch.NNoCall[variant, of], text, at);
        at = Put(batch.NNotAssessed[variant, of], text, at);
        at = group.Assumed.Put(batch.GroupSizes[of], batch.AnAssumed[variant, of], text, at);
        fractions[FractionBytes..].CopyTo(text[at..]);
        return at + _lengths[pair].Faf;
    }

    /// <summary>Where the fractions of a pair are kept: the AF after its tab, the FAF95 after its tab and before its line end.</summary>
    private int Pair(int ac, int an)
    {
        var key = ((ulong)(uint)ac << 32) | (uint)an;
        var place = (int)((key * 0x9E3779B97F4A7C15) >> (64 - KeptBits));
        if (_pairs[place] == key) return place;
        _pairs[place] = key;
        var text = _fractions.AsSpan(place * 2 * FractionBytes, 2 * FractionBytes);
        var af = Put(an == 0 ? double.NaN : (double)ac / an, _digits.Af, text[..FractionBytes]);
        var faf = Put(Faf95.Of(ac, an), _digits.Faf, text[FractionBytes..]);
        text[FractionBytes + faf++] = (byte)'\n';
        _lengths[place] = ((byte)af, (byte)faf);
        return place;
    }

    private static int Put(double value, int digits, Span<byte> text)
    {
        Span<byte> number = stackalloc byte[CFormat.MaxLengthBytes];
        var length = 1;
        if (double.IsNaN(value)) number[0] = (byte)'.';
        else length = CFormat.G(value, digits, number);
        return Put(number[..length], text, 0);
    }

    private static int Put(long value, Span<byte> text, int at)
    {
        text[at++] = (byte)'\t';
        return at + Decimal.Put(value, text[at..]);
    }

    private static int Put(ReadOnlySpan<byte> cell, Span<byte> text, int at)
    {
        text[at++] = (byte)'\t';
        cell.CopyTo(text[at..]);
        return at + cell.Length;
    }

    private static ReadOnlySpan<byte> Safe(ReadOnlySpan<byte> text) =>
        SafeText.IsPlain(text) ? text : Encoding.UTF8.GetBytes(SafeText.Escape(Encoding.UTF8.GetString(text)));

    /// <summary>What the rows of a group share.</summary>
    private sealed class Group(string name)
    {
        /// <summary>Tab and name; empty without groups.</summary>
        public byte[] Name { get; } = Encoding.UTF8.GetBytes(name);

        /// <summary>Hemizygous samples and half-calls.</summary>
        public LastCells Rare { get; } = new();

        /// <summary>Samples and assumed alleles.</summary>
        public LastCells Assumed { get; } = new();
    }

    /// <summary>Two cells that seldom differ from the row before.</summary>
    private sealed class LastCells
    {
        private readonly byte[] _text = new byte[2 * (1 + Decimal.MaxLengthBytes)];
        private (int First, int Second) _of = (-1, -1);
        private int _length;

        public int Put(int first, int second, Span<byte> text, int at)
        {
            if (_of.First != first || _of.Second != second)
            {
                _of = (first, second);
                _length = FrequencyText.Put(second, _text, FrequencyText.Put(first, _text, 0));
            }
            _text.AsSpan(0, _length).CopyTo(text[at..]);
            return at + _length;
        }
    }
}
