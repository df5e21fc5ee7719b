using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>
/// Kernel: sums[(row - FirstRow) * stride + g] grows by how many listed ids, or bits, of the row are in group g; the stride is
/// <see cref="GroupMap.Stride"/>. <see cref="ListScalar"/> and <see cref="PlaneScalar"/> are the definitions; they are also the way for many groups.
/// </summary>
internal static class GroupCount
{
    /// <summary>Ids whose sums are kept at once: 8 KiB of them. Sums of bytes may wrap around: a row is the difference of two, and has at most <see cref="LongIds"/> ids.</summary>
    private const int StretchIds = 512;

    /// <summary>Rows of more ids have a loop of their own: keeping sums costs more than the mispredicted end of a loop (seen at 125 ids; the border itself was not swept).</summary>
    private const int LongIds = 32;

    /// <summary>The low bits of each of eight bytes.</summary>
    private const ulong FieldMask = 0x3F3F3F3F3F3F3F3F;

    /// <summary>Planes of more groups are walked bit by bit instead of group by group.</summary>
    private const int MaxPlaneGroups = 32;

    /// <summary>Adds lists. The rows ascend, and so do their lists.</summary>
    public static void Lists(in ListRows list, GroupMap groups, Span<ushort> sums)
    {
        if (Bmi2.X64.IsSupported && groups.Fields.Length > 0) ListFields(list, groups, sums);
        else if (Vector128.IsHardwareAccelerated && groups.GroupCount <= GroupMap.FewGroups) ListRegister(list, groups, sums);
        else ListScalar(list, groups, sums);
    }

    /// <summary>Adds planes.</summary>
    public static void Planes(in PlaneRows planes, GroupMap groups, Span<ushort> sums)
    {
        if (groups.GroupCount > MaxPlaneGroups) PlaneScalar(planes, groups, sums);
        else if (Avx512BW.IsSupported && groups.SampleCount > 4096) Planes<PlaneCount.HarleySeal512>(planes, groups, sums);
        else if (Avx512BW.IsSupported) Planes<PlaneCount.Table512>(planes, groups, sums);
        else if (Avx2.IsSupported) Planes<PlaneCount.Table256>(planes, groups, sums);
        else Planes<PlaneCount.Scalar>(planes, groups, sums);
    }

    internal static void ListScalar(in ListRows list, GroupMap groups, Span<ushort> sums)
    {
        foreach (var row in list.Rows)
        {
            var ofRow = sums.Slice((row - list.FirstRow) * groups.Stride, groups.Stride);
            foreach (var id in list.Ids.Slice(list.Entries[row].Start, list.Entries[row].Length))
                if (groups.GroupOf[id] is not GroupMap.None and var group) ofRow[group]++;
        }
    }

    internal static void PlaneScalar(in PlaneRows planes, GroupMap groups, Span<ushort> sums)
    {
        foreach (var row in planes.Rows)
        {
            var ofRow = sums.Slice((row - planes.FirstRow) * groups.Stride, groups.Stride);
            var plane = planes.Planes.Slice(planes.Entries[row].Start * groups.WordCount, groups.WordCount);
            for (var i = 0; i < plane.Length; i++)
                for (var word = plane[i]; word != 0; word &= word - 1)
                    if (groups.GroupOf[i * 64 + BitOperations.TrailingZeroCount(word)] is not GroupMap.None and var group) ofRow[group]++;
        }
    }

    /// <summary>
    /// A byte per group in one register: an id adds the 16 bytes that hold a 1 at its group's place. The sum before each id is kept
    /// for a stretch of ids, whatever rows they are of, and a row is the difference of two sums: no loop ends with a row, so none is
    /// mispredicted (missing calls of 2,504 samples, 12 ids a row, Zen 4: 1.2 ms, a loop per row 1.5).
    /// </summary>
    [SkipLocalsInit]
    internal static void ListRegister(in ListRows list, GroupMap groups, Span<ushort> sums)
    {
        Debug.Assert(groups.GroupCount <= GroupMap.FewGroups && groups.Stride == GroupMap.FewGroups);
        ref var entries = ref MemoryMarshal.GetReference(list.Entries);
        var rows = list.Rows;
        var firstRow = list.FirstRow;
        Span<Vector128<byte>> before = stackalloc Vector128<byte>[StretchIds + 1];
        ref var prefix = ref MemoryMarshal.GetReference(before);
        ref var slots = ref MemoryMarshal.GetReference(groups.Slots);
        ref var window = ref Unsafe.As<ulong, byte>(ref MemoryMarshal.GetReference(groups.Window));
        for (var next = 0; next < rows.Length;)
        {
            var entry = Unsafe.Add(ref entries, rows[next]);
            if (entry.Length > LongIds)
            {
                LongList(list, entry, groups, ref OfRow(sums, rows[next++] - firstRow));
                continue;
            }
            int start = entry.Start, first = next, end = start;
            for (; next < rows.Length && Unsafe.Add(ref entries, rows[next]) is var more && more.Length <= LongIds && more.Start + more.Length - start <= StretchIds; next++) end = more.Start + more.Length;
            SumStretch(list.Ids[start..end], ref slots, ref window, ref prefix);
            foreach (var row in rows[first..next])
            {
                entry = Unsafe.Add(ref entries, row);
                ref var from = ref Unsafe.Add(ref prefix, entry.Start - start);
                var (lower, upper) = Vector128.Widen(Unsafe.Add(ref from, entry.Length) - from);
                Add(lower, upper, ref OfRow(sums, row - firstRow));
            }
        }
    }

    /// <summary>The same with six bits per group in one 64-bit number: half the loads and a quarter of the stores of an id, for up to ten groups and 4,096 samples.</summary>
    [SkipLocalsInit]
    internal static void ListFields(in ListRows list, GroupMap groups, Span<ushort> sums)
    {
        Debug.Assert(groups.Fields.Length == groups.SampleCount && LongIds < 1 << GroupMap.FieldBits);
        ref var entries = ref MemoryMarshal.GetReference(list.Entries);
        var rows = list.Rows;
        var firstRow = list.FirstRow;
        Span<ulong> before = stackalloc ulong[StretchIds + 1];
        ref var prefix = ref MemoryMarshal.GetReference(before);
        ref var fields = ref MemoryMarshal.GetReference(groups.Fields);
        for (var next = 0; next < rows.Length;)
        {
            var entry = Unsafe.Add(ref entries, rows[next]);
            if (entry.Length > LongIds)
            {
                LongList(list, entry, groups, ref OfRow(sums, rows[next++] - firstRow));
                continue;
            }
            int start = entry.Start, first = next, end = start;
            for (; next < rows.Length && Unsafe.Add(ref entries, rows[next]) is var more && more.Length <= LongIds && more.Start + more.Length - start <= StretchIds; next++) end = more.Start + more.Length;
            SumFields(list.Ids[start..end], ref fields, ref prefix);
            foreach (var row in rows[first..next])
            {
                entry = Unsafe.Add(ref entries, row);
                ref var from = ref Unsafe.Add(ref prefix, entry.Start - start);
                // Fields never borrow: the difference of two sums is the sum of the row's ids, and none of its fields overflows.
                var counts = Unsafe.Add(ref from, entry.Length) - from;
                var perByte = Vector128.Create(
                    Bmi2.X64.ParallelBitDeposit(counts, FieldMask), Bmi2.X64.ParallelBitDeposit(counts >> (8 * GroupMap.FieldBits), FieldMask)).AsByte();
                var (lower, upper) = Vector128.Widen(perByte);
                Add(lower, upper, ref OfRow(sums, row - firstRow));
            }
        }
    }

    /// <summary>prefix[i] = the sum of the fields of the ids before number i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumFields(ReadOnlySpan<ushort> ids, ref ulong fields, ref ulong prefix)
    {
        var sum = 0UL;
        ref var id = ref MemoryMarshal.GetReference(ids);
        var left = ids.Length;
        for (; left >= 4; left -= 4)
        {
            prefix = sum;
            sum += Unsafe.Add(ref fields, (nint)id);
            Unsafe.Add(ref prefix, 1) = sum;
            sum += Unsafe.Add(ref fields, (nint)Unsafe.Add(ref id, 1));
            Unsafe.Add(ref prefix, 2) = sum;
            sum += Unsafe.Add(ref fields, (nint)Unsafe.Add(ref id, 2));
            Unsafe.Add(ref prefix, 3) = sum;
            sum += Unsafe.Add(ref fields, (nint)Unsafe.Add(ref id, 3));
            id = ref Unsafe.Add(ref id, 4);
            prefix = ref Unsafe.Add(ref prefix, 4);
        }
        for (; left > 0; left--)
        {
            prefix = sum;
            sum += Unsafe.Add(ref fields, (nint)id);
            id = ref Unsafe.Add(ref id, 1);
            prefix = ref Unsafe.Add(ref prefix, 1);
        }
        prefix = sum;
    }

    /// <summary>Two byte sums, emptied into 16 bits before they can overflow; a list has at most 2,048 ids.</summary>
    private static void LongList(in ListRows list, SampleRow row, GroupMap groups, ref ushort sums)
    {
        const int flushIds = 252;
        ref var slots = ref MemoryMarshal.GetReference(groups.Slots);
        ref var window = ref Unsafe.As<ulong, byte>(ref MemoryMarshal.GetReference(groups.Window));
        Vector128<ushort> lower = default, upper = default;
        for (var ids = list.Ids.Slice(row.Start, row.Length); ids.Length > 0; ids = ids[Math.Min(ids.Length, flushIds)..])
        {
            Vector128<byte> a = default, b = default;
            ref var id = ref MemoryMarshal.GetReference(ids);
            var left = Math.Min(ids.Length, flushIds);
            for (; left >= 4; left -= 4)
            {
                a += One(id, ref slots, ref window);
                b += One(Unsafe.Add(ref id, 1), ref slots, ref window);
                a += One(Unsafe.Add(ref id, 2), ref slots, ref window);
                b += One(Unsafe.Add(ref id, 3), ref slots, ref window);
                id = ref Unsafe.Add(ref id, 4);
            }
            for (; left > 0; left--)
            {
                a += One(id, ref slots, ref window);
                id = ref Unsafe.Add(ref id, 1);
            }
            var (lowerSum, upperSum) = Vector128.Widen(a + b);
            lower += lowerSum;
            upper += upperSum;
        }
        Add(lower, upper, ref sums);
    }

    internal static void Planes<TWay>(in PlaneRows planes, GroupMap groups, Span<ushort> sums)
        where TWay : struct, ISharedBits
    {
        ref var bits = ref MemoryMarshal.GetReference(planes.Planes);
        ref var masks = ref MemoryMarshal.GetReference(groups.Planes);
        var wordCount = groups.WordCount;
        foreach (var row in planes.Rows)
        {
            var ofRow = sums.Slice((row - planes.FirstRow) * groups.Stride, groups.GroupCount);
            ref var plane = ref Unsafe.Add(ref bits, (nint)planes.Entries[row].Start * wordCount);
            for (var group = 0; group < ofRow.Length; group++)
                ofRow[group] += (ushort)TWay.Count(ref plane, ref Unsafe.Add(ref masks, (nint)group * wordCount), wordCount);
        }
    }

    /// <summary>prefix[i] = the sum of the ids before number i, modulo 256 in each byte. Places move along, so that four ids need one addition for them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumStretch(ReadOnlySpan<ushort> ids, ref byte slots, ref byte window, ref Vector128<byte> prefix)
    {
        var sum = Vector128<byte>.Zero;
        ref var id = ref MemoryMarshal.GetReference(ids);
        var left = ids.Length;
        for (; left >= 4; left -= 4)
        {
            prefix = sum;
            sum += One(id, ref slots, ref window);
            Unsafe.Add(ref prefix, 1) = sum;
            sum += One(Unsafe.Add(ref id, 1), ref slots, ref window);
            Unsafe.Add(ref prefix, 2) = sum;
            sum += One(Unsafe.Add(ref id, 2), ref slots, ref window);
            Unsafe.Add(ref prefix, 3) = sum;
            sum += One(Unsafe.Add(ref id, 3), ref slots, ref window);
            id = ref Unsafe.Add(ref id, 4);
            prefix = ref Unsafe.Add(ref prefix, 4);
        }
        for (; left > 0; left--)
        {
            prefix = sum;
            sum += One(id, ref slots, ref window);
            id = ref Unsafe.Add(ref id, 1);
            prefix = ref Unsafe.Add(ref prefix, 1);
        }
        prefix = sum;
    }

    /// <summary>What one id adds: a 1 in the byte of its group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> One(ushort id, ref byte slots, ref byte window) => Vector128.LoadUnsafe(ref window, (nuint)Unsafe.Add(ref slots, (nint)id));

    /// <summary>counts[i * groups + g] = sums[i * stride + g], for as many rows as there are sums.</summary>
    public static void Widen(ReadOnlySpan<ushort> sums, GroupMap groups, Span<int> counts)
    {
        var (stride, groupCount, rowCount) = (groups.Stride, groups.GroupCount, sums.Length / groups.Stride);
        ref var from = ref MemoryMarshal.GetReference(sums);
        ref var to = ref MemoryMarshal.GetReference(counts[..(rowCount * groupCount)]);
        var row = 0;
        // 16 numbers at a time, of which those behind the last group are overwritten by the next row: so not for the last rows.
        if (stride == GroupMap.FewGroups && Vector256.IsHardwareAccelerated)
            for (; (rowCount - row) * groupCount >= GroupMap.FewGroups; row++)
            {
                var (lower, upper) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)(row * stride)));
                lower.AsInt32().StoreUnsafe(ref to, (nuint)(row * groupCount));
                upper.AsInt32().StoreUnsafe(ref to, (nuint)((row * groupCount) + Vector256<int>.Count));
            }
        for (; row < rowCount; row++)
            for (var group = 0; group < groupCount; group++) counts[(row * groupCount) + group] = sums[(row * stride) + group];
    }

    /// <summary>The 16 sums of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref ushort OfRow(Span<ushort> sums, int row) => ref MemoryMarshal.GetReference(sums.Slice(row * GroupMap.FewGroups, GroupMap.FewGroups));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector128<ushort> lower, Vector128<ushort> upper, ref ushort sums)
    {
        (lower + Vector128.LoadUnsafe(ref sums)).StoreUnsafe(ref sums);
        (upper + Vector128.LoadUnsafe(ref sums, 8)).StoreUnsafe(ref sums, 8);
    }
}
