using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>Rows whose ids are listed, and where: the input of <see cref="ListCount"/>.</summary>
internal readonly ref struct ListRows
{
    /// <summary>The rows to count, as indices into <see cref="Entries"/>.</summary>
    public required ReadOnlySpan<int> Rows { get; init; }

    /// <summary>The column's rows.</summary>
    public required ReadOnlySpan<SampleRow> Entries { get; init; }

    /// <summary>The column's ids, each below the mask's sample count, and 64 bytes of anything behind the last.</summary>
    public required ReadOnlySpan<ushort> Ids { get; init; }

    /// <summary>The row that counts[0] belongs to.</summary>
    public required int FirstRow { get; init; }
}

/// <summary>
/// Kernel: counts[row - FirstRow] = how many listed ids of the row are in the mask. <see cref="Scalar"/> is the definition.
/// The faster paths trust the ids: the builder and the decoder have checked every one.
/// </summary>
internal static class ListCount
{
    /// <summary>Ids that a kernel may load behind the end of a list.</summary>
    public const int SlackIds = 32;

    public static void Rows(in ListRows list, SampleMask mask, Span<int> counts)
    {
        if (Avx512BW.IsSupported && mask.SampleCount <= SampleMask.RegisterSamples) Register512(list, mask, counts);
        else ByteMask(list, mask, counts);
    }

    internal static void Scalar(in ListRows list, SampleMask mask, Span<int> counts)
    {
        var words = mask.Words;
        foreach (var row in list.Rows)
        {
            var hits = 0;
            foreach (var id in list.Ids.Slice(list.Entries[row].Start, list.Entries[row].Length)) hits += (int)(words[id >> 6] >> (id & 63) & 1);
            counts[row - list.FirstRow] = hits;
        }
    }

    /// <summary>One byte per sample and four sums: no instruction set needed, and the way for more than 4,096 samples.</summary>
    internal static void ByteMask(in ListRows list, SampleMask mask, Span<int> counts)
    {
        ref var bytes = ref MemoryMarshal.GetReference(mask.Bytes);
        ref var ids = ref MemoryMarshal.GetReference(list.Ids);
        ref var entries = ref MemoryMarshal.GetReference(list.Entries);
        var firstRow = list.FirstRow;
        foreach (var row in list.Rows)
        {
            var entry = Unsafe.Add(ref entries, row);
            ref var id = ref Unsafe.Add(ref ids, entry.Start);
            int a = 0, b = 0, c = 0, d = 0, left = entry.Length;
            for (; left >= 4; left -= 4)
            {
                a += Unsafe.Add(ref bytes, (nint)id);
                b += Unsafe.Add(ref bytes, (nint)Unsafe.Add(ref id, 1));
                c += Unsafe.Add(ref bytes, (nint)Unsafe.Add(ref id, 2));
                d += Unsafe.Add(ref bytes, (nint)Unsafe.Add(ref id, 3));
                id = ref Unsafe.Add(ref id, 4);
            }
            for (; left > 0; left--)
            {
                a += Unsafe.Add(ref bytes, (nint)id);
                id = ref Unsafe.Add(ref id, 1);
            }
            counts[row - firstRow] = a + b + c + d;
        }
    }

    /// <summary>
    /// The mask in eight registers, 32 ids per step, most rows one step. The vectors are locals passed by value to inlined code:
    /// a struct of them passed by reference was measured at half the speed (Zen 5, .NET 10).
    /// </summary>
    internal static void Register512(in ListRows list, SampleMask mask, Span<int> counts)
    {
        Debug.Assert(mask.SampleCount <= SampleMask.RegisterSamples);
        ref var words = ref Unsafe.As<ulong, ushort>(ref MemoryMarshal.GetReference(mask.RegisterWords));
        var m0 = Vector512.LoadUnsafe(ref words, 0);
        var m1 = Vector512.LoadUnsafe(ref words, 32);
        var m2 = Vector512.LoadUnsafe(ref words, 64);
        var m3 = Vector512.LoadUnsafe(ref words, 96);
        var m4 = Vector512.LoadUnsafe(ref words, 128);
        var m5 = Vector512.LoadUnsafe(ref words, 160);
        var m6 = Vector512.LoadUnsafe(ref words, 192);
        var m7 = Vector512.LoadUnsafe(ref words, 224);
        ref var ids = ref MemoryMarshal.GetReference(list.Ids);
        ref var entries = ref MemoryMarshal.GetReference(list.Entries);
        var firstRow = list.FirstRow;
        foreach (var row in list.Rows)
        {
            var entry = Unsafe.Add(ref entries, row);
            Debug.Assert(entry.Start + entry.Length + SlackIds <= list.Ids.Length);
            ref var id = ref Unsafe.Add(ref ids, entry.Start);
            int hits = 0, left = entry.Length;
            for (; left > 32; left -= 32)
            {
                var at = Vector512.LoadUnsafe(ref id);
                hits += BitOperations.PopCount(Upper(at, Pick(at, m0, m1, m2, m3), Pick(at, m4, m5, m6, m7)));
                id = ref Unsafe.Add(ref id, 32);
            }
            var last = Vector512.LoadUnsafe(ref id);
            var found = Upper(last, Pick(last, m0, m1, m2, m3), Pick(last, m4, m5, m6, m7));
            counts[row - firstRow] = hits + BitOperations.PopCount(found & (uint)((1UL << left) - 1));
        }
    }

    /// <summary>The mask word of each id among 2,048 samples: id bits 4..9 choose within a pair of registers, bit 10 chooses the pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Pick(Vector512<ushort> ids, Vector512<ushort> a, Vector512<ushort> b, Vector512<ushort> c, Vector512<ushort> d)
    {
        var word = Vector512.ShiftRightLogical(ids, 4);
        var low = Avx512BW.PermuteVar32x16x2(a, word, b);
        var high = Avx512BW.PermuteVar32x16x2(c, word, d);
        return Vector512.ConditionalSelect(Vector512.LessThan(Vector512.ShiftLeft(ids, 5).AsInt16(), Vector512<short>.Zero).AsUInt16(), high, low);
    }

    /// <summary>Id bit 11 chooses between the halves, id bits 0..3 choose the bit of the word: one bit per id.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Upper(Vector512<ushort> ids, Vector512<ushort> low, Vector512<ushort> high)
    {
        var word = Vector512.ConditionalSelect(Vector512.LessThan(Vector512.ShiftLeft(ids, 4).AsInt16(), Vector512<short>.Zero).AsUInt16(), high, low);
        var left = Vector512.AndNot(Vector512.Create((ushort)15), ids);
        return (uint)Avx512BW.ShiftLeftLogicalVariable(word, left).ExtractMostSignificantBits();
    }
}
