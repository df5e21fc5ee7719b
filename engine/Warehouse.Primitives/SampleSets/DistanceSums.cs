using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>Lists as distances, low and high bytes apart: the input of <see cref="DistanceSums"/>.</summary>
internal readonly ref struct DistanceRows
{
    /// <summary>The column's rows; the lists and complements among them lie one behind the other, from 0 on, and fill the bytes.</summary>
    public required ReadOnlySpan<SampleRow> Rows { get; init; }

    /// <summary>Low byte of each list's first id and of each further distance, less one.</summary>
    public required ReadOnlySpan<byte> Low { get; init; }

    /// <summary>The high bytes.</summary>
    public required ReadOnlySpan<byte> High { get; init; }

    /// <summary>What every id must be below, at most 32,768.</summary>
    public required int SampleCount { get; init; }
}

/// <summary>
/// Kernel: distances to ids. <see cref="Scalar"/> is the definition: true when every id is below the sample count; otherwise the ids
/// mean nothing. The output has room for <see cref="ListCount.SlackIds"/> ids more than there are, and they may be overwritten.
/// </summary>
internal static class DistanceSums
{
    public static bool ToIds(in DistanceRows from, Span<ushort> ids) => Avx2.IsSupported ? Sum256(from, ids) : Scalar(from, ids);

    internal static bool Scalar(in DistanceRows from, Span<ushort> ids)
    {
        foreach (var row in from.Rows)
            if (row.Kind != RowKind.Plane && !List(from, row, ids)) return false;
        return true;
    }

    /// <summary>
    /// 16 ids per step; 32 gain on long lists what they lose on short ones. No distance passes 32,768, so the first sum outside the panel
    /// shows as one: it cannot have gone round through 65,536. What lies behind a list is zeroed before the sum, written as its last id,
    /// and overwritten by the next list.
    /// </summary>
    internal static bool Sum256(in DistanceRows from, Span<ushort> ids)
    {
        if (from.High.ContainsAnyInRange((byte)0x80, (byte)0xFF)) return false;
        ref var low = ref MemoryMarshal.GetReference(from.Low);
        ref var high = ref MemoryMarshal.GetReference(from.High);
        ref var to = ref MemoryMarshal.GetReference(ids);
        var largest = Vector256<ushort>.Zero;
        foreach (var row in from.Rows)
        {
            if (row.Kind == RowKind.Plane) continue;
            if (row.Start + (row.Length + 15 & ~15) > from.Low.Length)
            {
                if (!List(from, row, ids)) return false;
                continue;
            }
            var before = Vector256<ushort>.AllBitsSet;
            var at = (nuint)row.Start;
            for (int left = row.Length; left > 0; left -= 16, at += 16)
            {
                var live = Vector256.LessThan(Vector256<short>.Indices, Vector256.Create((short)left)).AsUInt16();
                var lowBytes = Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref low, at)).AsUInt16();
                var highBytes = Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref high, at)).AsUInt16();
                var id = before + PrefixSum(((lowBytes | highBytes << 8) & live) - live);
                id.StoreUnsafe(ref to, at);
                largest = Vector256.Max(largest, id);
                before = LastWords(Avx2.Permute2x128(id, id, 0x11));
            }
        }
        return from.Low.IsEmpty || !Vector256.GreaterThanOrEqualAny(largest, Vector256.Create((ushort)from.SampleCount));
    }

    private static bool List(in DistanceRows from, SampleRow row, Span<ushort> ids)
    {
        var low = from.Low.Slice(row.Start, row.Length);
        var high = from.High.Slice(row.Start, row.Length);
        var to = ids.Slice(row.Start, row.Length);
        var id = -1;
        for (var i = 0; i < low.Length; i++)
        {
            id += 1 + (low[i] | high[i] << 8);
            to[i] = (ushort)id;
        }
        // Ids only grow, so the last one vouches for all; 2,048 steps of 65,536 do not overflow.
        return id < from.SampleCount;
    }

    /// <summary>Sums within each 128 bits, then adds the total of the lower to the upper.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> PrefixSum(Vector256<ushort> value)
    {
        value += Avx2.ShiftLeftLogical128BitLane(value.AsByte(), 2).AsUInt16();
        value += Avx2.ShiftLeftLogical128BitLane(value.AsByte(), 4).AsUInt16();
        value += Avx2.ShiftLeftLogical128BitLane(value.AsByte(), 8).AsUInt16();
        return value + LastWords(Avx2.Permute2x128(value, value, 0x08));
    }

    /// <summary>The last number of each 128 bits in all their places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> LastWords(Vector256<ushort> value) => Avx2.Shuffle(value.AsByte(), Vector256.Create((ushort)0x0F0E).AsByte()).AsUInt16();
}
