using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>Rows that are planes, and where: the input of <see cref="PlaneCount"/>.</summary>
internal readonly ref struct PlaneRows
{
    /// <summary>The rows to count, as indices into <see cref="Entries"/>.</summary>
    public required ReadOnlySpan<int> Rows { get; init; }

    /// <summary>The column's rows.</summary>
    public required ReadOnlySpan<SampleRow> Entries { get; init; }

    /// <summary>The column's planes, each as long as the mask's.</summary>
    public required ReadOnlySpan<ulong> Planes { get; init; }

    /// <summary>The row that counts[0] belongs to.</summary>
    public required int FirstRow { get; init; }
}

/// <summary>One way to count the bits that a plane and a mask share.</summary>
internal interface ISharedBits
{
    /// <summary>Number of shared bits.</summary>
    /// <param name="plane">First word of the plane.</param>
    /// <param name="mask">First word of the mask.</param>
    /// <param name="wordCount">A multiple of 8.</param>
    static abstract int Count(ref ulong plane, ref ulong mask, int wordCount);
}

/// <summary>Kernel: counts[row - FirstRow] = how many bits of the row's plane are in the mask. <see cref="Scalar"/> is the definition.</summary>
internal static class PlaneCount
{
    public static void Rows(in PlaneRows planes, SampleMask mask, Span<int> counts)
    {
        if (Avx512BW.IsSupported && mask.SampleCount > 4096) Rows<HarleySeal512>(planes, mask, counts);
        else if (Avx512BW.IsSupported) Rows<Table512>(planes, mask, counts);
        else if (Avx2.IsSupported) Rows<Table256>(planes, mask, counts);
        else Rows<Scalar>(planes, mask, counts);
    }

    /// <summary>Number of set bits of one padded plane.</summary>
    public static int Members(ReadOnlySpan<ulong> plane)
    {
        Debug.Assert(plane.Length % 8 == 0);
        ref var first = ref MemoryMarshal.GetReference(plane);
        if (Avx512BW.IsSupported) return Table512.Count(ref first, ref first, plane.Length);
        return Avx2.IsSupported ? Table256.Count(ref first, ref first, plane.Length) : Scalar.Count(ref first, ref first, plane.Length);
    }

    internal static void Rows<TWay>(in PlaneRows planes, SampleMask mask, Span<int> counts)
        where TWay : struct, ISharedBits
    {
        ref var bits = ref MemoryMarshal.GetReference(planes.Planes);
        ref var words = ref MemoryMarshal.GetReference(mask.Words);
        var wordCount = mask.Words.Length;
        var firstRow = planes.FirstRow;
        foreach (var row in planes.Rows)
            counts[row - firstRow] = TWay.Count(ref Unsafe.Add(ref bits, (nint)planes.Entries[row].Start * wordCount), ref words, wordCount);
    }

    internal readonly struct Scalar : ISharedBits
    {
        public static int Count(ref ulong plane, ref ulong mask, int wordCount)
        {
            var count = 0;
            for (var i = 0; i < wordCount; i++) count += BitOperations.PopCount(Unsafe.Add(ref plane, i) & Unsafe.Add(ref mask, i));
            return count;
        }
    }

    /// <summary>Bits of each half byte from a table of 16, summed by absolute difference to zero.</summary>
    internal readonly struct Table256 : ISharedBits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int Count(ref ulong plane, ref ulong mask, int wordCount)
        {
            var half = Vector128.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
            var table = Vector256.Create(half, half);
            var low = Vector256.Create((byte)15);
            var sum = Vector256<ulong>.Zero;
            for (nuint i = 0; i < (nuint)wordCount; i += 4)
            {
                var bits = (Vector256.LoadUnsafe(ref plane, i) & Vector256.LoadUnsafe(ref mask, i)).AsByte();
                var high = Vector256.ShiftRightLogical(bits.AsUInt16(), 4).AsByte();
                var perByte = Avx2.Shuffle(table, bits & low) + Avx2.Shuffle(table, high & low);
                sum += Avx2.SumAbsoluteDifferences(perByte, Vector256<byte>.Zero).AsUInt64();
            }
            return (int)Vector256.Sum(sum);
        }
    }

    /// <summary>The same with 64 bytes per step, bytes summed over up to 31 steps before the difference: fastest for planes up to 512 bytes.</summary>
    internal readonly struct Table512 : ISharedBits
    {
        private const int StepsOfBytes = 31;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static int Count(ref ulong plane, ref ulong mask, int wordCount)
        {
            var sum = Vector512<ulong>.Zero;
            for (nuint i = 0; i < (nuint)wordCount;)
            {
                var bytes = Vector512<byte>.Zero;
                for (var end = Math.Min((nuint)wordCount, i + 8 * StepsOfBytes); i < end; i += 8)
                    bytes += BitsPerByte(Vector512.LoadUnsafe(ref plane, i) & Vector512.LoadUnsafe(ref mask, i));
                sum += Avx512BW.SumAbsoluteDifferences(bytes, Vector512<byte>.Zero).AsUInt64();
            }
            return (int)Vector512.Sum(sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal static Vector512<ulong> BitsPerLane(Vector512<ulong> value) =>
            Avx512BW.SumAbsoluteDifferences(BitsPerByte(value), Vector512<byte>.Zero).AsUInt64();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<byte> BitsPerByte(Vector512<ulong> value)
        {
            var table = Vector512.Create(
                (byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
                0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
            var low = Vector512.Create((byte)15);
            var high = Vector512.ShiftRightLogical(value.AsUInt16(), 4).AsByte();
            return Avx512BW.Shuffle(table, value.AsByte() & low) + Avx512BW.Shuffle(table, high & low);
        }
    }

    /// <summary>Eight vectors folded by carry-save adders before one table count: fastest for planes above 512 bytes.</summary>
    internal readonly struct HarleySeal512 : ISharedBits
    {
        public static int Count(ref ulong plane, ref ulong mask, int wordCount)
        {
            Vector512<ulong> ones = default, twos = default, fours = default, eights = default;
            nuint i = 0;
            for (; i + 64 <= (nuint)wordCount; i += 64)
            {
                Vector512<ulong> a = Both(ref plane, ref mask, i), b = Both(ref plane, ref mask, i + 8);
                var twosA = Carry(ones, a, b);
                ones = Odd(ones, a, b);
                (a, b) = (Both(ref plane, ref mask, i + 16), Both(ref plane, ref mask, i + 24));
                var twosB = Carry(ones, a, b);
                ones = Odd(ones, a, b);
                var foursA = Carry(twos, twosA, twosB);
                twos = Odd(twos, twosA, twosB);
                (a, b) = (Both(ref plane, ref mask, i + 32), Both(ref plane, ref mask, i + 40));
                twosA = Carry(ones, a, b);
                ones = Odd(ones, a, b);
                (a, b) = (Both(ref plane, ref mask, i + 48), Both(ref plane, ref mask, i + 56));
                twosB = Carry(ones, a, b);
                ones = Odd(ones, a, b);
                var foursB = Carry(twos, twosA, twosB);
                twos = Odd(twos, twosA, twosB);
                eights += Table512.BitsPerLane(Carry(fours, foursA, foursB));
                fours = Odd(fours, foursA, foursB);
            }
            var sum = (eights << 3) + (Table512.BitsPerLane(fours) << 2) + (Table512.BitsPerLane(twos) << 1) + Table512.BitsPerLane(ones);
#if PLANTED_TAIL_OFF_BY_ONE
            for (; i + 8 < (nuint)wordCount; i += 8) sum += Table512.BitsPerLane(Both(ref plane, ref mask, i));
#else
            for (; i < (nuint)wordCount; i += 8) sum += Table512.BitsPerLane(Both(ref plane, ref mask, i));
#endif
            return (int)Vector512.Sum(sum);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<ulong> Both(ref ulong plane, ref ulong mask, nuint i) => Vector512.LoadUnsafe(ref plane, i) & Vector512.LoadUnsafe(ref mask, i);

        /// <summary>Bit set where at least two of three are set.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<ulong> Carry(Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> c) => Avx512F.TernaryLogic(a, b, c, 0xE8);

        /// <summary>Bit set where one or three of three are set.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector512<ulong> Odd(Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> c) => Avx512F.TernaryLogic(a, b, c, 0x96);
    }
}
