using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Warehouse.Primitives;

/// <summary>One byte per haplotype, zero or one: the way from a list of haplotypes to planes.</summary>
internal static class Marks
{
    /// <summary>Sets the marks of haplotypes, which are the caller's own and inside; four are read at once, as stores come two a cycle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Set(ReadOnlySpan<ushort> haplotypes, Span<byte> marks)
    {
        ref var at = ref MemoryMarshal.GetReference(marks);
        ref var from = ref MemoryMarshal.GetReference(haplotypes);
        var i = 0;
        for (; i + 4 <= haplotypes.Length; i += 4)
        {
            var four = Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<ushort, byte>(ref Unsafe.Add(ref from, i)));
            Unsafe.Add(ref at, (nint)(ushort)four) = 1;
            Unsafe.Add(ref at, (nint)(ushort)(four >> 16)) = 1;
            Unsafe.Add(ref at, (nint)(ushort)(four >> 32)) = 1;
            Unsafe.Add(ref at, (nint)(four >> 48)) = 1;
        }
        for (; i < haplotypes.Length; i++) Unsafe.Add(ref at, (nint)Unsafe.Add(ref from, i)) = 1;
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
