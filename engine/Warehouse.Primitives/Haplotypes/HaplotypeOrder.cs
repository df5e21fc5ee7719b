using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>
/// Kernel: the stable partition of an order of haplotypes by the runs of a row: first those outside the runs, then those inside.
/// <see cref="ByRuns"/> is the definition.
/// </summary>
internal static class HaplotypeOrder
{
    /// <summary>Entries that a kernel may read and write behind the end of an order.</summary>
    public const int Slack = 32;

    /// <summary>Partitions an order in place.</summary>
    /// <param name="order">H entries and <see cref="Slack"/>.</param>
    /// <param name="edges">Start and end of each run, ascending, disjoint, at most H.</param>
    /// <param name="bits">Scratch: at least H / 64 + 1 words, zero before and after.</param>
    /// <param name="inside">H entries and slack: gets the entries inside the runs, in order.</param>
    /// <returns>How many are inside.</returns>
    public static int Split(Span<ushort> order, ReadOnlySpan<int> edges, Span<ulong> bits, Span<ushort> inside)
    {
        // Measured on Zen 5: moving runs passes the compress path when runs are longer than about 300 haplotypes.
        var count = order.Length - Slack;
        return Avx512Vbmi2.IsSupported && edges.Length * 128L > count ? Compress512(order, edges, bits, inside) : ByRuns(order, edges, inside);
    }

    internal static int ByRuns(Span<ushort> order, ReadOnlySpan<int> edges, Span<ushort> inside)
    {
        var count = order.Length - Slack;
        int outside = 0, taken = 0, from = 0;
        for (var i = 0; i < edges.Length; i += 2)
        {
            var (start, end) = (edges[i], edges[i + 1]);
            order[from..start].CopyTo(order[outside..]);
            outside += start - from;
            order[start..end].CopyTo(inside[taken..]);
            taken += end - start;
            from = end;
        }
        order[from..count].CopyTo(order[outside..]);
        inside[..taken].CopyTo(order[(count - taken)..]);
        return taken;
    }

    /// <summary>32 haplotypes at a time: the runs become bits, and each half of a vector is packed to its side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static int Compress512(Span<ushort> order, ReadOnlySpan<int> edges, Span<ulong> bits, Span<ushort> inside)
    {
        var count = order.Length - Slack;
        ref var words = ref MemoryMarshal.GetReference(bits);
        for (var i = 0; i < edges.Length; i++) Unsafe.Add(ref words, edges[i] >> 6) ^= 1UL << (edges[i] & 63);
        ref var at = ref MemoryMarshal.GetReference(order);
        ref var to = ref MemoryMarshal.GetReference(inside);
        int outside = 0, taken = 0;
        var carry = 0UL;
        for (var i = 0; i < count; i += 64)
        {
            var word = PrefixXor(Unsafe.Add(ref words, i >> 6)) ^ carry;
            Unsafe.Add(ref words, i >> 6) = 0;
            carry = (ulong)((long)word >> 63);
            var (low, high) = (Vector512.LoadUnsafe(ref at, (nuint)i), Vector512.LoadUnsafe(ref at, (nuint)Math.Min(i + 32, count)));
            var (lowIn, highIn) = (Spread((uint)word), Spread((uint)(word >> 32)));
            Avx512Vbmi2.Compress(Vector512<ushort>.Zero, ~lowIn, low).StoreUnsafe(ref at, (nuint)outside);
            Avx512Vbmi2.Compress(Vector512<ushort>.Zero, lowIn, low).StoreUnsafe(ref to, (nuint)taken);
            var inLow = BitOperations.PopCount((uint)word);
            outside += 32 - inLow;
            taken += inLow;
            if (i + 32 >= count) break;
            Avx512Vbmi2.Compress(Vector512<ushort>.Zero, ~highIn, high).StoreUnsafe(ref at, (nuint)outside);
            Avx512Vbmi2.Compress(Vector512<ushort>.Zero, highIn, high).StoreUnsafe(ref to, (nuint)taken);
            var inHigh = BitOperations.PopCount((uint)(word >> 32));
            outside += 32 - inHigh;
            taken += inHigh;
        }
        // An edge at the very end lies behind the last word that was read.
        Unsafe.Add(ref words, count >> 6) = 0;
        inside[..taken].CopyTo(order[(count - taken)..]);
        return taken;
    }

    /// <summary>Bit i of the result is the parity of the bits 0..i: toggles at the edges become runs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong PrefixXor(ulong word)
    {
        return Pclmulqdq.IsSupported ? Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar(word), Vector128<ulong>.AllBitsSet, 0).ToScalar() : PrefixXorScalar(word);
    }

    internal static ulong PrefixXorScalar(ulong word)
    {
        word ^= word << 1;
        word ^= word << 2;
        word ^= word << 4;
        word ^= word << 8;
        word ^= word << 16;
        return word ^ word << 32;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Spread(uint chosen)
    {
        var laneBit = Vector512.Create(
            (ushort)1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768,
            1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        var spread = Vector512.Create(Vector256.Create((ushort)chosen), Vector256.Create((ushort)(chosen >> 16)));
        return Vector512.Equals(spread & laneBit, laneBit);
    }
}
