using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Warehouse.Primitives;

/// <summary>One way to compare 64 bytes with a value: bit i is set where byte i equals it.</summary>
internal interface IByteCompare
{
    /// <param name="codes">The first of 64 readable bytes.</param>
    /// <param name="value">What to look for.</param>
    static abstract ulong Equal64(ref byte codes, byte value);
}

/// <summary>Kernel: a column of bytes to a bit plane. <see cref="Scalar"/> is the definition.</summary>
public static class ByteMatch
{
    /// <summary>Bit s of word s / 64 of <paramref name="bits"/> is set where <c>codes[s] == value</c>.</summary>
    /// <param name="codes">One byte per sample.</param>
    /// <param name="value">What to look for.</param>
    /// <param name="bits">At least ceil(codes.Length / 64) words; overwritten whole, zero behind the last sample.</param>
    /// <exception cref="ArgumentException"><paramref name="bits"/> is too short.</exception>
    public static void ToBits(ReadOnlySpan<byte> codes, byte value, Span<ulong> bits)
    {
        if (Vector512.IsHardwareAccelerated) ToBits<Compare512>(codes, value, bits);
        else if (Vector256.IsHardwareAccelerated) ToBits<Compare256>(codes, value, bits);
        else ToBits<Scalar>(codes, value, bits);
    }

    /// <summary>Bit s is set where byte s of <paramref name="left"/> is above that of <paramref name="right"/>.</summary>
    /// <param name="left">64 bytes.</param>
    /// <param name="right">64 bytes.</param>
    // Optimised at once: no code for these vectors is compiled ahead.
    public static ulong Greater64(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (!Vector512.IsHardwareAccelerated) return ScalarGreater64(left, right);
        return Vector512.GreaterThan(Vector512.Create(left), Vector512.Create(right)).ExtractMostSignificantBits();
    }

    internal static ulong ScalarGreater64(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var bits = 0UL;
        for (var i = 0; i < 64; i++)
            if (left[i] > right[i]) bits |= 1UL << i;
        return bits;
    }

    // Optimised at once: no code for these vectors is compiled ahead.
    internal static void ToBits<TWay>(ReadOnlySpan<byte> codes, byte value, Span<ulong> bits)
        where TWay : struct, IByteCompare
    {
        if (bits.Length < SampleWords.Needed(codes.Length)) throw new ArgumentException("too few words for the codes", nameof(bits));
        var word = 0;
        for (; codes.Length >= 64; codes = codes[64..]) bits[word++] = TWay.Equal64(ref MemoryMarshal.GetReference(codes), value);
        if (codes.Length > 0)
        {
            Span<byte> last = stackalloc byte[64];
            last.Clear();
            codes.CopyTo(last);
            bits[word++] = TWay.Equal64(ref MemoryMarshal.GetReference(last), value) & SampleWords.TailMask(codes.Length);
        }
        bits[word..].Clear();
    }

    internal readonly struct Scalar : IByteCompare
    {
        public static ulong Equal64(ref byte codes, byte value)
        {
            var bits = 0UL;
            for (var i = 0; i < 64; i++)
                if (Unsafe.Add(ref codes, i) == value) bits |= 1UL << i;
            return bits;
        }
    }

    internal readonly struct Compare256 : IByteCompare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ulong Equal64(ref byte codes, byte value)
        {
            var low = Vector256.Equals(Vector256.LoadUnsafe(ref codes), Vector256.Create(value)).ExtractMostSignificantBits();
            var high = Vector256.Equals(Vector256.LoadUnsafe(ref codes, 32), Vector256.Create(value)).ExtractMostSignificantBits();
            return low | (ulong)high << 32;
        }
    }

    internal readonly struct Compare512 : IByteCompare
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ulong Equal64(ref byte codes, byte value) =>
            Vector512.Equals(Vector512.LoadUnsafe(ref codes), Vector512.Create(value)).ExtractMostSignificantBits();
    }
}
