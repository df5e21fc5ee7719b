using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Decodes GT as BCF stores it for two copies in single bytes, <c>(allele + 1) &lt;&lt; 1 | phased</c> and 0x81 for the absent second
/// copy of a haploid call, into the byte columns of <see cref="VcfRecord"/>. <see cref="Scalar"/> is the definition; the vector
/// path must equal it. Both say false, leaving garbage, when a single byte is not of that shape.
/// </summary>
internal static class BcfGenotypeKernel
{
    /// <summary>Bytes per sample.</summary>
    public const int CellBytes = 2;

    private const int StepSamples = 32;
    private const int StepBytes = StepSamples * CellBytes;
    private const byte EndOfVector = 0x81;
    private const int GreatestValue = 0x7F;

    /// <summary>Decodes all samples.</summary>
    /// <param name="cells">Two bytes per sample.</param>
    /// <param name="columns">Columns of the record; padded to a multiple of 64 samples, at least those of the cells.</param>
    /// <param name="hasLeadingPhase">The first copy's phase bit has a meaning: set before an unphased second copy it is not of the shape.</param>
    /// <returns>False when a call is not of the shape.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> cells, VcfRecord columns, bool hasLeadingPhase) =>
        Vector256.IsHardwareAccelerated ? Steps(cells, columns, hasLeadingPhase) : Scalar(cells, columns, hasLeadingPhase);

    /// <summary>One sample at a time.</summary>
    internal static bool Scalar(ReadOnlySpan<byte> cells, VcfRecord columns, bool hasLeadingPhase)
    {
        var most = Greatest(columns.Alts.Count);
        var samples = cells.Length / CellBytes;
        for (var s = 0; s < samples; s++)
        {
            var (a, b) = (cells[CellBytes * s], cells[(CellBytes * s) + 1]);
            if (a > most || (b > most && b != EndOfVector)) return false;
            if (hasLeadingPhase && (a & 1) > (b & 1)) return false;
            columns.First[s] = (byte)(a >> 1);
            columns.Second[s] = b == EndOfVector ? VcfRecord.NoAllele : (byte)(b >> 1);
            columns.Phased[s] = b == EndOfVector ? (byte)0 : (byte)(b & 1);
        }
        columns.First.AsSpan(samples).Clear();
        columns.Second.AsSpan(samples).Clear();
        columns.Phased.AsSpan(samples).Clear();
        return true;
    }

    /// <summary>Whole steps from the cells, the rest from a padded copy.</summary>
    // Optimised at once, as is the step: no code for these vectors is compiled ahead, and the unoptimised one is twenty times slower.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static bool Steps(ReadOnlySpan<byte> cells, VcfRecord columns, bool hasLeadingPhase)
    {
        var most = Greatest(columns.Alts.Count);
        var good = true;
        var s = 0;
        for (; (s + StepSamples) * CellBytes <= cells.Length; s += StepSamples)
            good &= Step(cells.Slice(s * CellBytes, StepBytes), most, hasLeadingPhase, columns, s);
        if (!good) return false;
        Span<byte> tail = stackalloc byte[StepBytes];
        tail.Clear();
        cells[(s * CellBytes)..].CopyTo(tail);
        if (s < columns.First.Length) good = Step(tail, most, hasLeadingPhase, columns, s);
        s += StepSamples;
        if (s >= columns.First.Length) return good;
        columns.First.AsSpan(s).Clear();
        columns.Second.AsSpan(s).Clear();
        columns.Phased.AsSpan(s).Clear();
        return good;
    }

    /// <summary>Greatest value of a copy, its phase bit set.</summary>
    private static byte Greatest(int altCount) => (byte)Math.Min((2 * altCount) + 3, GreatestValue);

    // kernel: 32 samples, two vectors of 16 cells, each cell a little-endian 16-bit number with the first copy in its low byte.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Step(ReadOnlySpan<byte> cells, byte most, bool hasLeadingPhase, VcfRecord columns, int sample)
    {
        ref var at = ref MemoryMarshal.GetReference(cells);
        var a = Vector256.LoadUnsafe(ref at).AsUInt16();
        var b = Vector256.LoadUnsafe(ref at, 32).AsUInt16();
        var endA = End(a);
        var endB = End(b);
        var bad = Bad(a, endA, most, hasLeadingPhase) | Bad(b, endB, most, hasLeadingPhase);
        var low = Vector256.Create((ushort)0x7F);
        var one = Vector256.Create((ushort)1);
        Vector256.Narrow((a >>> 1) & low, (b >>> 1) & low).StoreUnsafe(ref columns.First[sample]);
        Vector256.Narrow((a >>> 9) | (endA >>> 8), (b >>> 9) | (endB >>> 8)).StoreUnsafe(ref columns.Second[sample]);
        Vector256.Narrow(Vector256.AndNot(a >>> 8, endA >>> 8) & one, Vector256.AndNot(b >>> 8, endB >>> 8) & one).StoreUnsafe(ref columns.Phased[sample]);
        return bad == Vector256<ushort>.Zero;
    }

    /// <summary>Ones in the high byte of haploid cells.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> End(Vector256<ushort> x) =>
        Vector256.Equals(x.AsByte(), Vector256.Create(EndOfVector)).AsUInt16() & Vector256.Create((ushort)0xFF00);

    /// <summary>Not zero where a copy is above the greatest value, or a leading phase character would be needed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Bad(Vector256<ushort> x, Vector256<ushort> end, byte most, bool hasLeadingPhase)
    {
        var limit = Vector256.Create(most);
        var above = Vector256.AndNot((Vector256.Max(x.AsByte(), limit) - limit).AsUInt16(), end);
        return hasLeadingPhase ? above | (Vector256.AndNot(x, x >>> 8) & Vector256.Create((ushort)1)) : above;
    }
}
