using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Warehouse.Primitives;

/// <summary>
/// Kernel: the carriers of one allele from the two allele columns of a record. <see cref="ByteMatch.Scalar"/> is the definition
/// of the comparison.
/// </summary>
public static class GenotypePlanes
{
    /// <summary>In the second column: the call is written haploid.</summary>
    public const byte NoAllele = 255;

    /// <summary>
    /// Homozygous: both columns equal <paramref name="code"/>, or the first does and the second is <see cref="NoAllele"/>
    /// (haploid). Heterozygous: exactly one column equals it and the call is not haploid. No sample is both. A half-call is
    /// heterozygous here, and calls outside the columns are no carriers: the caller takes both apart.
    /// </summary>
    /// <param name="first">First allele code per sample.</param>
    /// <param name="second">Second allele code per sample, as many.</param>
    /// <param name="code">Code of the allele; not <see cref="NoAllele"/>.</param>
    /// <param name="het">At least ceil(samples / 64) words; overwritten whole, zero behind the last sample.</param>
    /// <param name="hom">As <paramref name="het"/>.</param>
    /// <exception cref="ArgumentException">A length does not fit, or the code is <see cref="NoAllele"/>.</exception>
    public static void Compute(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, byte code, Span<ulong> het, Span<ulong> hom)
    {
        if (Vector512.IsHardwareAccelerated) Compute<ByteMatch.Compare512>(first, second, code, het, hom);
        else if (Vector256.IsHardwareAccelerated) Compute<ByteMatch.Compare256>(first, second, code, het, hom);
        else Compute<ByteMatch.Scalar>(first, second, code, het, hom);
    }

    internal static void Compute<TWay>(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, byte code, Span<ulong> het, Span<ulong> hom)
        where TWay : struct, IByteCompare
    {
        if (second.Length != first.Length) throw new ArgumentException("the columns differ in length", nameof(second));
        if (code == NoAllele) throw new ArgumentException("not an allele", nameof(code));
        var needed = SampleWords.Needed(first.Length);
        if (het.Length < needed) throw new ArgumentException("too few words for the samples", nameof(het));
        if (hom.Length < needed) throw new ArgumentException("too few words for the samples", nameof(hom));
        var word = 0;
        for (; first.Length >= 64; first = first[64..], second = second[64..], word++)
            (het[word], hom[word]) = Block<TWay>(ref MemoryMarshal.GetReference(first), ref MemoryMarshal.GetReference(second), code);
        if (first.Length > 0)
        {
            Span<byte> last = stackalloc byte[128];
            last.Clear();
            first.CopyTo(last);
            second.CopyTo(last[64..]);
            var (lastHet, lastHom) = Block<TWay>(ref last[0], ref last[64], code);
            var tail = SampleWords.TailMask(first.Length);
            (het[word], hom[word]) = (lastHet & tail, lastHom & tail);
            word++;
        }
        het[word..].Clear();
        hom[word..].Clear();
    }

    private static (ulong Het, ulong Hom) Block<TWay>(ref byte first, ref byte second, byte code)
        where TWay : struct, IByteCompare
    {
        var inFirst = TWay.Equal64(ref first, code);
        var inSecond = TWay.Equal64(ref second, code);
        var haploid = inFirst & TWay.Equal64(ref second, NoAllele);
        return ((inFirst ^ inSecond) & ~haploid, (inFirst & inSecond) | haploid);
    }
}
