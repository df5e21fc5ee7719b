using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Warehouse.Primitives;

/// <summary>One byte per haplotype, zero or one: the way from a list of haplotypes to planes.</summary>
internal static class Marks
{
    /// <summary>Sets the marks of haplotypes, which are the caller's own and inside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Set(ReadOnlySpan<ushort> haplotypes, Span<byte> marks)
    {
        ref var at = ref MemoryMarshal.GetReference(marks);
        foreach (var haplotype in haplotypes) Unsafe.Add(ref at, (nint)haplotype) = 1;
    }

    /// <summary>Kernel: marks to bits; no mark is left. <see cref="Scalar"/> is the definition.</summary>
    /// <param name="marks">A multiple of 64 bytes, each 0 or 1.</param>
    /// <param name="bits">One word for each 64 bytes; overwritten.</param>
    public static void Take(Span<byte> marks, Span<ulong> bits)
    {
        if (Vector512.IsHardwareAccelerated) Take512(marks, bits);
        else Scalar(marks, bits);
    }

    internal static void Scalar(Span<byte> marks, Span<ulong> bits)
    {
        for (var i = 0; i < bits.Length; i++)
        {
            var word = 0UL;
            for (var b = 0; b < 8; b++)
            {
                // The product moves the low bit of each of the eight bytes into the top byte.
                var eight = MemoryMarshal.Read<ulong>(marks[(i * 64 + b * 8)..]);
                word |= eight * 0x0102040810204080UL >> 56 << (b * 8);
            }
            bits[i] = word;
        }
        marks.Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Take512(Span<byte> marks, Span<ulong> bits)
    {
        ref var at = ref MemoryMarshal.GetReference(marks);
        for (var i = 0; i < bits.Length; i++)
        {
            ref var from = ref Unsafe.Add(ref at, i * 64);
            bits[i] = Vector512.GreaterThan(Vector512.LoadUnsafe(ref from), Vector512<byte>.Zero).ExtractMostSignificantBits();
            Vector512<byte>.Zero.StoreUnsafe(ref from);
        }
    }
}
