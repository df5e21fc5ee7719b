using System.Runtime.Intrinsics.X86;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

public sealed class GroupCountTests
{
    private const int Seed = 160825;
    private static readonly int[] GroupCounts = [1, 2, 7, 10, 15, 16, 17, 32, 33, 255];

    private delegate void ListKernel(in ListRows list, GroupMap groups, Span<ushort> sums);

    private delegate void PlaneKernel(in PlaneRows planes, GroupMap groups, Span<ushort> sums);

    [Fact]
    public void Group_counts_of_a_column_equal_counting_sample_by_sample_in_every_range_of_rows()
    {
        var random = new Random(Seed);
        foreach (var sampleCount in RandomSets.SampleCounts)
        {
            var planes = SampleSetsTests.Planes(random, sampleCount, sampleCount > 4097 ? 25 : 12);
            var column = SampleSetsTests.Column(sampleCount, planes, byIds: false);
            var groupCount = GroupCounts[random.Next(GroupCounts.Length)];
            var groupOf = RandomGroups(random, sampleCount, groupCount);
            var map = new GroupMap(groupOf, groupCount);
            foreach (var (first, rows) in new[] { (0, planes.Length), (1, planes.Length - 1), (planes.Length / 2, 3), (planes.Length, 0) })
            {
                var sums = new ushort[rows * map.Stride];
                var expected = planes.Skip(first).Take(rows).SelectMany(plane => Dull(plane, groupOf, map)).ToArray();
                for (var times = 1; times <= 2; times++)
                {
                    column.AddGroups(first, map, sums);
                    var counts = new int[rows * groupCount];
                    map.Widen(sums, counts);
                    Assert.Equal(expected.Where((_, i) => i % map.Stride < groupCount).Select(n => times * n), counts);
                    if (!sums.AsSpan().SequenceEqual(Array.ConvertAll(expected, n => (ushort)(times * n)))) Assert.Fail($"rows {first} + {rows}, added {times} times, {groupCount} groups, {sampleCount} samples, seed {Seed}");
                }
            }
        }
    }

    [Fact]
    public void List_counts_of_every_path_equal_the_dull_count_and_read_nothing_behind_the_lists()
    {
        var random = new Random(Seed);
        using var memory = new GuardedMemory(1 << 13);
        foreach (var sampleCount in new[] { 256, 513, 2504, 4096, 8192, 32768 })
        {
            foreach (var groupCount in GroupCounts)
            {
                var groupOf = RandomGroups(random, sampleCount, groupCount);
                var map = new GroupMap(groupOf, groupCount);
                foreach (var count in Enumerable.Range(0, 257).Where(n => groupCount is 7 or 16 || n % 31 == 0).Concat([503, 504, 505, 507, 756, 1008, 2048]))
                    if (count <= sampleCount) CheckLists(random, memory, map, groupOf, count);
            }
        }
    }

    [Fact]
    public void Plane_counts_of_every_path_equal_the_dull_count()
    {
        var random = new Random(Seed);
        using var memory = new GuardedMemory(1 << 14);
        var kernels = new List<(string Name, PlaneKernel Kernel)>
        {
            ("definition", GroupCount.PlaneScalar), ("chosen", GroupCount.Planes), ("scalar masks", GroupCount.Planes<PlaneCount.Scalar>),
        };
        if (Avx2.IsSupported) kernels.Add(("table 256", GroupCount.Planes<PlaneCount.Table256>));
        if (Avx512BW.IsSupported) kernels.AddRange([("table 512", GroupCount.Planes<PlaneCount.Table512>), ("carry-save 512", GroupCount.Planes<PlaneCount.HarleySeal512>)]);
        foreach (var sampleCount in RandomSets.SampleCounts.Where(n => n > 256 || n % 16 is 0 or 1))
        {
            var groupCount = GroupCounts[random.Next(GroupCounts.Length)];
            var groupOf = RandomGroups(random, sampleCount, groupCount);
            var map = new GroupMap(groupOf, groupCount);
            var plane = RandomSets.Plane(random, sampleCount, random.NextDouble());
            var planes = memory.Last<ulong>(map.WordCount * 2);
            planes.Clear();
            plane.CopyTo(planes[map.WordCount..]);
            var expected = Dull(plane, groupOf, map).Concat(new int[map.Stride]).Select(n => (ushort)(n + 1)).ToArray();
            SampleRow[] entries = [new(1, 0, RowKind.Plane), new(0, 0, RowKind.Plane)];
            foreach (var (name, kernel) in kernels)
            {
                var sums = new ushort[map.Stride * 2];
                Array.Fill(sums, (ushort)1);
                kernel(new PlaneRows { Rows = [0, 1], Entries = entries, Planes = planes, FirstRow = 0 }, map, sums);
                Assert.True(sums.AsSpan().SequenceEqual(expected), $"{name}, {groupCount} groups, {sampleCount} samples, seed {Seed}");
            }
        }
    }

    [Fact]
    public void Groups_say_their_sizes_and_wrong_groups_are_refused()
    {
        var map = new GroupMap([2, GroupMap.None, 0, 2], 3);
        Assert.Equal([1, 0, 2], map.Sizes.ToArray());
        Assert.Equal((4, 3), (map.SampleCount, map.GroupCount));
        Assert.Throws<ArgumentException>(() => new GroupMap([0, 3], 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupMap([], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupMap([], 256));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupMap(new byte[32769], 1));
        var builder = new SampleSetsBuilder(4);
        builder.AddIds([1]);
        var column = builder.Build();
        Assert.Throws<ArgumentException>(() => column.AddGroups(0, new GroupMap([0], 1), new ushort[16]));
        Assert.Throws<ArgumentException>(() => column.AddGroups(0, map, new ushort[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => column.AddGroups(0, map, new ushort[32]));
        Assert.Throws<ArgumentException>(() => map.Widen(new ushort[16], new int[4]));
        Assert.Throws<ArgumentException>(() => map.Widen(new ushort[15], new int[3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => column.AddGroups(-1, map, new ushort[16]));
    }

    private static void CheckLists(Random random, GuardedMemory memory, GroupMap map, byte[] groupOf, int count)
    {
        var plane = RandomSets.PlaneOf(random, map.SampleCount, count);
        var ids = memory.Copy<ushort>(RandomSets.Ids(plane));
        SampleRow[] entries = [new(0, (ushort)count, RowKind.List), new(0, 0, RowKind.List), new(0, (ushort)count, RowKind.List)];
        var list = new ListRows { Rows = [1, 2], Entries = entries, Ids = ids, FirstRow = 1 };
        var expected = new int[map.Stride].Concat(Dull(plane, groupOf, map)).Select(n => (ushort)(n + 1)).ToArray();
        List<ListKernel> kernels = [GroupCount.ListScalar, GroupCount.Lists];
        if (map.GroupCount <= GroupMap.FewGroups) kernels.Add(GroupCount.ListRegister);
        if (Bmi2.X64.IsSupported && map.Fields.Length > 0) kernels.Add(GroupCount.ListFields);
        foreach (var kernel in kernels)
        {
            var sums = new ushort[map.Stride * 2];
            Array.Fill(sums, (ushort)1);
            kernel(list, map, sums);
            if (!sums.AsSpan().SequenceEqual(expected)) Assert.Fail($"{kernel.Method.Name}, {count} ids, {map.GroupCount} groups, {map.SampleCount} samples, seed {Seed}");
        }
    }

    private static byte[] RandomGroups(Random random, int sampleCount, int groupCount)
    {
        var groupOf = new byte[sampleCount];
        // A third of the maps puts all in one group, so that the byte sums reach what they can hold.
        var one = random.Next(3) == 0 ? random.Next(groupCount) : -1;
        for (var sample = 0; sample < sampleCount; sample++) groupOf[sample] = one >= 0 ? (byte)one : random.Next(8) == 0 ? GroupMap.None : (byte)random.Next(groupCount);
        return groupOf;
    }

    /// <summary>Members of each group, and zeros up to the stride of a row of sums.</summary>
    private static int[] Dull(ulong[] plane, byte[] groupOf, GroupMap map)
    {
        var counts = new int[map.Stride];
        for (var sample = 0; sample < groupOf.Length; sample++)
            if ((plane[sample / 64] >> (sample % 64) & 1) != 0 && groupOf[sample] != GroupMap.None) counts[groupOf[sample]]++;
        return counts;
    }
}
