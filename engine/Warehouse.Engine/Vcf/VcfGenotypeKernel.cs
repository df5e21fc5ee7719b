using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Decodes genotype columns of the shape <c>a|b</c> or <c>a/b</c> (one-digit alleles or <c>.</c>), 4 bytes per sample with the
/// tab after it, into the byte columns of <see cref="VcfRecord"/>. <see cref="Scalar"/> is the definition; the vector paths take
/// 64 samples at a time and must equal it. All say false, leaving garbage, when a single byte is not of that shape.
/// </summary>
internal static class VcfGenotypeKernel
{
    /// <summary>Bytes per sample.</summary>
    public const int CellBytes = 4;

    /// <summary>Samples per step; the columns are padded to a multiple of it.</summary>
    public const int StepSamples = 64;

    private const int StepBytes = StepSamples * CellBytes;

    /// <summary><c>0|0</c> and a tab.</summary>
    private const uint CommonCell = 0x09307C30;

    /// <summary>Decodes all columns.</summary>
    /// <param name="text">The columns: 4 * samples - 1 bytes.</param>
    /// <param name="altCount">ALT alleles of the record; a larger index is not of the shape.</param>
    /// <param name="first">First allele codes; a multiple of 64, at least the samples. So are the other two.</param>
    /// <param name="second">Second allele codes.</param>
    /// <param name="phased">1 for <c>|</c>.</param>
    /// <returns>False when the text is not of that shape.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> text, int altCount, Span<byte> first, Span<byte> second, Span<byte> phased) =>
        Vector512.IsHardwareAccelerated ? Steps(text, altCount, first, second, phased, wide: true)
        : Vector256.IsHardwareAccelerated ? Steps(text, altCount, first, second, phased, wide: false)
        : Scalar(text, altCount, first, second, phased);

    /// <summary>One sample at a time.</summary>
    internal static bool Scalar(ReadOnlySpan<byte> text, int altCount, Span<byte> first, Span<byte> second, Span<byte> phased)
    {
        var samples = (text.Length + 1) / CellBytes;
        for (var s = 0; s < samples; s++)
        {
            var cell = text[(s * CellBytes)..];
            if (!Code(cell[0], altCount, out first[s]) || !Code(cell[2], altCount, out second[s])) return false;
            if (cell[1] is not ((byte)'|' or (byte)'/')) return false;
            if (cell.Length > 3 && cell[3] != '\t') return false;
            phased[s] = cell[1] == '|' ? (byte)1 : (byte)0;
        }
        first[samples..].Clear();
        second[samples..].Clear();
        phased[samples..].Clear();
        return true;
    }

    /// <summary>Whole steps from the text, the rest from a padded copy. <paramref name="wide"/> takes 512-bit vectors.</summary>
    // Optimised at once, as are the steps: no code for these vectors is compiled ahead, and the unoptimised one is twenty times slower.
    internal static bool Steps(ReadOnlySpan<byte> text, int altCount, Span<byte> first, Span<byte> second, Span<byte> phased, bool wide)
    {
        var samples = (text.Length + 1) / CellBytes;
        var s = 0;
        var good = true;
        for (; s + StepSamples < samples; s += StepSamples)
        {
            var from = text.Slice(s * CellBytes, StepBytes);
            good &= wide
                ? Step512(from, altCount, first.Slice(s, StepSamples), second.Slice(s, StepSamples), phased.Slice(s, StepSamples))
                : Step256(from, altCount, first.Slice(s, StepSamples), second.Slice(s, StepSamples), phased.Slice(s, StepSamples));
        }
        if (!good) return false;
        if (samples == s) return true;
        Span<byte> tail = stackalloc byte[StepBytes];
        var left = (samples - s) * CellBytes;
        text[(s * CellBytes)..].CopyTo(tail);
        tail[left - 1] = (byte)'\t';
        for (; left < StepBytes; left += CellBytes) "./.\t"u8.CopyTo(tail[left..]);
        return wide
            ? Step512(tail, altCount, first.Slice(s, StepSamples), second.Slice(s, StepSamples), phased.Slice(s, StepSamples))
            : Step256(tail, altCount, first.Slice(s, StepSamples), second.Slice(s, StepSamples), phased.Slice(s, StepSamples));
    }

    private static bool Code(byte text, int altCount, out byte code)
    {
        code = text == '.' ? (byte)0 : (byte)(text - '0' + 1);
        return text == '.' || (text is >= (byte)'0' and <= (byte)'9' && text - '0' <= altCount);
    }

    /// <summary>Least and greatest byte per place: allele, separator, allele, tab.</summary>
    private static (uint Low, uint High) Bounds(int altCount)
    {
        var digit = (uint)('0' + Math.Min(altCount, 9));
        return (0x092E2F2E, 0x09007C00 | digit | (digit << 16));
    }

    // kernel: 64 samples from four 512-bit vectors of 16 cells each; portable vector calls, read back as plain code.
    private static bool Step512(ReadOnlySpan<byte> text, int altCount, Span<byte> first, Span<byte> second, Span<byte> phased)
    {
        var (lowCell, highCell) = Bounds(altCount);
        var low = Vector512.Create(lowCell).AsByte();
        var high = Vector512.Create(highCell).AsByte();
        ref var at = ref MemoryMarshal.GetReference(text);
        var a = Vector512.LoadUnsafe(ref at);
        var b = Vector512.LoadUnsafe(ref at, 64);
        var c = Vector512.LoadUnsafe(ref at, 128);
        var d = Vector512.LoadUnsafe(ref at, 192);
        // Most steps of a large cohort are "0|0" throughout, which is code 1 three times.
        var common = Vector512.Create(CommonCell).AsByte();
        if (((a ^ common) | (b ^ common) | (c ^ common) | (d ^ common)) == Vector512<byte>.Zero)
        {
            var one = Vector512.Create((byte)1);
            one.StoreUnsafe(ref MemoryMarshal.GetReference(first));
            one.StoreUnsafe(ref MemoryMarshal.GetReference(second));
            one.StoreUnsafe(ref MemoryMarshal.GetReference(phased));
            return true;
        }
        var bad = Bad(a, low, high) | Bad(b, low, high) | Bad(c, low, high) | Bad(d, low, high);
        Store(Cells(a), Cells(b), Cells(c), Cells(d), 0, first);
        Store(Cells(a), Cells(b), Cells(c), Cells(d), 16, second);
        StorePhase(a, b, c, d, phased);
        return bad == Vector512<byte>.Zero;
    }

    /// <summary>Bytes out of bounds, <c>/</c> at an allele's place, or neither <c>/</c> nor <c>|</c> at the separator's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Bad(Vector512<byte> x, Vector512<byte> low, Vector512<byte> high)
    {
        var separators = Vector512.Create(0x0000FF00u).AsByte();
        var slash = Vector512.Equals(x, Vector512.Create((byte)'/'));
        var bar = Vector512.Equals(x, Vector512.Create((byte)'|'));
        return Vector512.LessThan(x, low) | Vector512.GreaterThan(x, high)
            | Vector512.AndNot(slash, separators) | Vector512.AndNot(separators, slash | bar);
    }

    /// <summary>Allele codes in the allele bytes: 0 for a point, digit + 1 otherwise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Cells(Vector512<byte> x) =>
        (Vector512.Max(x, Vector512.Create((byte)'/')) - Vector512.Create((byte)'/')).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c, Vector512<uint> d, int shift, Span<byte> into)
    {
        var mask = Vector512.Create(0xFFu);
        var ab = Vector512.Narrow((a >>> shift) & mask, (b >>> shift) & mask);
        var cd = Vector512.Narrow((c >>> shift) & mask, (d >>> shift) & mask);
        Vector512.Narrow(ab, cd).StoreUnsafe(ref MemoryMarshal.GetReference(into));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePhase(Vector512<byte> a, Vector512<byte> b, Vector512<byte> c, Vector512<byte> d, Span<byte> into)
    {
        var bar = Vector512.Create((byte)'|');
        var one = Vector512.Create((byte)1);
        Store((Vector512.Equals(a, bar) & one).AsUInt32(), (Vector512.Equals(b, bar) & one).AsUInt32(),
            (Vector512.Equals(c, bar) & one).AsUInt32(), (Vector512.Equals(d, bar) & one).AsUInt32(), 8, into);
    }

    private static bool Step256(ReadOnlySpan<byte> text, int altCount, Span<byte> first, Span<byte> second, Span<byte> phased)
    {
        var good = true;
        for (var half = 0; half < 2; half++)
        {
            var s = half * 32;
            good &= Half256(text.Slice(s * CellBytes, 32 * CellBytes), altCount, first.Slice(s, 32), second.Slice(s, 32), phased.Slice(s, 32));
        }
        return good;
    }

    // kernel: the same on 256-bit vectors, 32 samples.
    private static bool Half256(ReadOnlySpan<byte> text, int altCount, Span<byte> first, Span<byte> second, Span<byte> phased)
    {
        var (lowCell, highCell) = Bounds(altCount);
        var low = Vector256.Create(lowCell).AsByte();
        var high = Vector256.Create(highCell).AsByte();
        ref var at = ref MemoryMarshal.GetReference(text);
        var a = Vector256.LoadUnsafe(ref at);
        var b = Vector256.LoadUnsafe(ref at, 32);
        var c = Vector256.LoadUnsafe(ref at, 64);
        var d = Vector256.LoadUnsafe(ref at, 96);
        var bad = Bad(a, low, high) | Bad(b, low, high) | Bad(c, low, high) | Bad(d, low, high);
        Store(Cells(a), Cells(b), Cells(c), Cells(d), 0, first);
        Store(Cells(a), Cells(b), Cells(c), Cells(d), 16, second);
        var bar = Vector256.Create((byte)'|');
        var one = Vector256.Create((byte)1);
        Store((Vector256.Equals(a, bar) & one).AsUInt32(), (Vector256.Equals(b, bar) & one).AsUInt32(),
            (Vector256.Equals(c, bar) & one).AsUInt32(), (Vector256.Equals(d, bar) & one).AsUInt32(), 8, phased);
        return bad == Vector256<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Bad(Vector256<byte> x, Vector256<byte> low, Vector256<byte> high)
    {
        var separators = Vector256.Create(0x0000FF00u).AsByte();
        var slash = Vector256.Equals(x, Vector256.Create((byte)'/'));
        var bar = Vector256.Equals(x, Vector256.Create((byte)'|'));
        return Vector256.LessThan(x, low) | Vector256.GreaterThan(x, high)
            | Vector256.AndNot(slash, separators) | Vector256.AndNot(separators, slash | bar);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Cells(Vector256<byte> x) =>
        (Vector256.Max(x, Vector256.Create((byte)'/')) - Vector256.Create((byte)'/')).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<uint> a, Vector256<uint> b, Vector256<uint> c, Vector256<uint> d, int shift, Span<byte> into)
    {
        var mask = Vector256.Create(0xFFu);
        var ab = Vector256.Narrow((a >>> shift) & mask, (b >>> shift) & mask);
        var cd = Vector256.Narrow((c >>> shift) & mask, (d >>> shift) & mask);
        Vector256.Narrow(ab, cd).StoreUnsafe(ref MemoryMarshal.GetReference(into));
    }
}
