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
    /// <summary>Lists that the byte sums of one register hold before they must be emptied: below 256 and a multiple of 4.</summary>
    private const int FlushIds = 252;

    /// <summary>Planes of more groups are walked bit by bit instead of group by group.</summary>
    private const int MaxPlaneGroups = 32;

    /// <summary>
    /// Counts lists into zeroed counts. The rows ascend, and up to 16 numbers behind a row's counts may be zeroed: the caller counts
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

    /// <summary>A byte per group in one register: an id adds the 16 bytes that hold a 1 at its group's place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void ListRegister(in ListRows list, GroupMap groups, Span<int> counts)
    {
        Debug.Assert(groups.GroupCount <= GroupMap.FewGroups);
        ref var slots = ref MemoryMarshal.GetReference(groups.Slots);
        ref var window = ref Unsafe.As<ulong, byte>(ref MemoryMarshal.GetReference(groups.Window));
        ref var ids = ref MemoryMarshal.GetReference(list.Ids);
        ref var entries = ref MemoryMarshal.GetReference(list.Entries);
        var (firstRow, groupCount) = (list.FirstRow, groups.GroupCount);
        foreach (var row in list.Rows)
        {
            var entry = Unsafe.Add(ref entries, row);
            ref var id = ref Unsafe.Add(ref ids, entry.Start);
            int left = entry.Length;
            var sums = Vector256<ushort>.Zero;
            for (; left > FlushIds; left -= FlushIds)
            {
                sums += Sum(ref id, FlushIds, ref slots, ref window);
                id = ref Unsafe.Add(ref id, FlushIds);
            }
            Store(sums + Sum(ref id, left, ref slots, ref window), counts[((row - firstRow) * groupCount)..], groupCount);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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

    /// <summary>Counts at most 255 ids.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Sum(ref ushort id, int left, ref byte slots, ref byte window)
    {
        Vector128<byte> a = default, b = default;
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
        var (lower, upper) = Vector128.Widen(a + b);
        return Vector256.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> One(ushort id, ref byte slots, ref byte window) => Vector128.LoadUnsafe(ref window, (nuint)Unsafe.Add(ref slots, (nint)id));

    /// <summary>Writes 16 numbers where there is room, else as many as there are groups. List rows are at most 2,048 ids, so 16 bits hold the sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<ushort> sums, Span<int> to, int groupCount)
    {
        var (lower, upper) = Vector256.Widen(sums);
        if (to.Length >= GroupMap.FewGroups)
        {
            lower.AsInt32().StoreUnsafe(ref MemoryMarshal.GetReference(to));
            upper.AsInt32().StoreUnsafe(ref MemoryMarshal.GetReference(to), 8);
            return;
        }
        for (var group = 0; group < groupCount; group++) to[group] = sums[group];
    }
}
