using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>
/// Kernel: counts[(row - FirstRow) * groups + g] = how many listed ids, or bits, of the row are in group g. <see cref="ListScalar"/>
/// and <see cref="PlaneScalar"/> are the definitions and add to zeroed counts; they are also the way for many groups.
/// </summary>
internal static class GroupCount
{
    /// <summary>Ids whose sums are kept at once; a byte holds the sum of as many.</summary>
    private const int StretchIds = 255;

    /// <summary>Rows of more ids have a loop of their own: keeping sums costs more than the mispredicted end of a loop (seen at 125 ids; the border itself was not swept).</summary>
    private const int LongIds = 32;

    /// <summary>Planes of more groups are walked bit by bit instead of group by group.</summary>
    private const int MaxPlaneGroups = 32;

    /// <summary>
    /// Counts lists into zeroed counts. The rows ascend, and so do their lists; and up to 16 numbers behind a row's counts may be zeroed: the caller counts
    /// rows of other kinds afterwards.
    /// </summary>
    public static void Lists(in ListRows list, GroupMap groups, Span<int> counts)
    {
        if (Vector128.IsHardwareAccelerated && groups.GroupCount <= GroupMap.FewGroups) ListRegister(list, groups, counts);
        else ListScalar(list, groups, counts);
    }

    /// <summary>Counts planes into zeroed counts.</summary>
    public static void Planes(in PlaneRows planes, GroupMap groups, Span<int> counts)
    {
        if (groups.GroupCount > MaxPlaneGroups) PlaneScalar(planes, groups, counts);
        else if (Avx512BW.IsSupported && groups.SampleCount > 4096) Planes<PlaneCount.HarleySeal512>(planes, groups, counts);
        else if (Avx512BW.IsSupported) Planes<PlaneCount.Table512>(planes, groups, counts);
        else if (Avx2.IsSupported) Planes<PlaneCount.Table256>(planes, groups, counts);
        else Planes<PlaneCount.Scalar>(planes, groups, counts);
    }

    internal static void ListScalar(in ListRows list, GroupMap groups, Span<int> counts)
    {
        foreach (var row in list.Rows)
        {
            var ofRow = counts.Slice((row - list.FirstRow) * groups.GroupCount, groups.GroupCount);
            foreach (var id in list.Ids.Slice(list.Entries[row].Start, list.Entries[row].Length))
                if (groups.GroupOf[id] is not GroupMap.None and var group) ofRow[group]++;
        }
    }

    internal static void PlaneScalar(in PlaneRows planes, GroupMap groups, Span<int> counts)
    {
        foreach (var row in planes.Rows)
        {
            var ofRow = counts.Slice((row - planes.FirstRow) * groups.GroupCount, groups.GroupCount);
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
    internal static void ListRegister(in ListRows list, GroupMap groups, Span<int> counts)
    {
        Debug.Assert(groups.GroupCount <= GroupMap.FewGroups);
        ref var entries = ref MemoryMarshal.GetReference(list.Entries);
        var rows = list.Rows;
        var (firstRow, groupCount) = (list.FirstRow, groups.GroupCount);
        Span<Vector128<byte>> before = stackalloc Vector128<byte>[StretchIds + 1];
        ref var sums = ref MemoryMarshal.GetReference(before);
        for (var next = 0; next < rows.Length;)
        {
            var entry = Unsafe.Add(ref entries, rows[next]);
            if (entry.Length > LongIds)
            {
                LongList(list, entry, groups, counts[((rows[next++] - firstRow) * groupCount)..]);
                continue;
            }
            int start = entry.Start, first = next, end = start;
            for (; next < rows.Length && Unsafe.Add(ref entries, rows[next]) is var more && more.Length <= LongIds && more.Start + more.Length - start <= StretchIds; next++) end = more.Start + more.Length;
            SumStretch(list.Ids[start..end], groups, ref sums);
            foreach (var row in rows[first..next])
            {
                entry = Unsafe.Add(ref entries, row);
                ref var from = ref Unsafe.Add(ref sums, entry.Start - start);
                var (lower, upper) = Vector128.Widen(Unsafe.Add(ref from, entry.Length) - from);
                Store(lower, upper, counts[((row - firstRow) * groupCount)..], groupCount);
            }
        }
    }

    /// <summary>Two byte sums, emptied into 16 bits before they can overflow; a list has at most 2,048 ids.</summary>
    private static void LongList(in ListRows list, SampleRow row, GroupMap groups, Span<int> counts)
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
        Store(lower, upper, counts, groups.GroupCount);
    }

    internal static void Planes<TWay>(in PlaneRows planes, GroupMap groups, Span<int> counts)
        where TWay : struct, ISharedBits
    {
        ref var bits = ref MemoryMarshal.GetReference(planes.Planes);
        ref var masks = ref MemoryMarshal.GetReference(groups.Planes);
        var wordCount = groups.WordCount;
        foreach (var row in planes.Rows)
        {
            var ofRow = counts.Slice((row - planes.FirstRow) * groups.GroupCount, groups.GroupCount);
            ref var plane = ref Unsafe.Add(ref bits, (nint)planes.Entries[row].Start * wordCount);
            for (var group = 0; group < ofRow.Length; group++)
                ofRow[group] = TWay.Count(ref plane, ref Unsafe.Add(ref masks, (nint)group * wordCount), wordCount);
        }
    }

    /// <summary>sums[i] = the sum of the ids before number i, modulo 256 in each byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SumStretch(ReadOnlySpan<ushort> ids, GroupMap groups, ref Vector128<byte> sums)
    {
        ref var slots = ref MemoryMarshal.GetReference(groups.Slots);
        ref var window = ref Unsafe.As<ulong, byte>(ref MemoryMarshal.GetReference(groups.Window));
        var sum = Vector128<byte>.Zero;
        for (var i = 0; i < ids.Length; i++)
        {
            Unsafe.Add(ref sums, i) = sum;
            sum += One(ids[i], ref slots, ref window);
        }
        Unsafe.Add(ref sums, ids.Length) = sum;
    }

    /// <summary>What one id adds: a 1 in the byte of its group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> One(ushort id, ref byte slots, ref byte window) => Vector128.LoadUnsafe(ref window, (nuint)Unsafe.Add(ref slots, (nint)id));

    /// <summary>Writes 16 numbers where there is room, else as many as there are groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<ushort> lower, Vector128<ushort> upper, Span<int> to, int groupCount)
    {
        if (to.Length < GroupMap.FewGroups)
        {
            for (var group = 0; group < groupCount; group++) to[group] = group < 8 ? lower[group] : upper[group - 8];
            return;
        }
        var (first, second) = Vector128.Widen(lower);
        var (third, fourth) = Vector128.Widen(upper);
        ref var at = ref Unsafe.As<int, uint>(ref MemoryMarshal.GetReference(to));
        first.StoreUnsafe(ref at);
        second.StoreUnsafe(ref at, 4);
        third.StoreUnsafe(ref at, 8);
        fourth.StoreUnsafe(ref at, 12);
    }
}
