using System.Numerics;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

public sealed class SampleSetsTests
{
    private const int Seed = 4711;

    [Fact]
    public void Every_question_to_a_column_gets_the_answer_of_plain_planes()
    {
        var random = new Random(Seed);
        foreach (var sampleCount in RandomSets.SampleCounts)
        {
            var planes = Planes(random, sampleCount, sampleCount > 4097 ? 30 : 12);
            var column = Column(sampleCount, planes, byIds: sampleCount % 2 == 0);
            Assert.Equal(planes.Length, column.RowCount);
            for (var row = 0; row < planes.Length; row++) CheckRow(random, column, row, planes[row]);
            foreach (var density in new[] { 0, 0.1, 1 }) CheckCounts(column, planes, RandomSets.Plane(random, sampleCount, density));
        }
    }

    [Fact]
    public void A_row_takes_the_cheapest_form_on_both_sides_of_each_border()
    {
        var random = new Random(Seed);
        foreach (var sampleCount in new[] { 1, 33, 65, 512, 2504, 4096, 32768 })
        {
            var longest = SampleRow.MaxListLength(sampleCount);
            foreach (var count in new[] { 0, 1, longest, longest + 1, sampleCount - longest - 1, sampleCount - longest, sampleCount - 1, sampleCount })
            {
                if (count < 0 || count > sampleCount) continue;
                var plane = RandomSets.PlaneOf(random, sampleCount, count);
                var column = Column(sampleCount, [plane], byIds: false);
                var idBytes = 2L * Math.Min(count, sampleCount - count);
                var planeBytes = 8L * column.WordCount;
                const int entryBytes = 8, indexBytes = 4;
                var expected = (count is 0 ? 0 : indexBytes) + entryBytes + 2 * ListCount.SlackIds + Math.Min(idBytes, planeBytes);
                Assert.True(column.HotBytes == expected, $"{count} of {sampleCount}: {column.HotBytes} bytes instead of {expected}");
                CheckRow(random, column, 0, plane);
            }
        }
    }

    [Fact]
    public void Counting_a_range_of_rows_equals_counting_each_row()
    {
        var random = new Random(Seed);
        var column = Column(700, Planes(random, 700, 60), byIds: true);
        var mask = SampleMask.FromBits(700, RandomSets.Plane(random, 700, 0.2));
        for (var first = 0; first <= 60; first += 7)
        {
            for (var count = 0; count <= 60 - first; count += 5)
            {
                var counts = new int[count];
                Array.Fill(counts, -1);
                column.CountMasked(first, mask, counts);
                Assert.Equal(Enumerable.Range(first, count).Select(row => column.CountMasked(row, mask)), counts);
            }
        }
    }

    [Fact]
    public void A_set_and_its_complement_share_out_every_mask()
    {
        var random = new Random(Seed);
        foreach (var sampleCount in new[] { 1, 64, 100, 2504, 5000 })
        {
            var mask = SampleMask.FromBits(sampleCount, RandomSets.Plane(random, sampleCount, 0.5));
            foreach (var density in new[] { 0, 0.001, 0.05, 0.5, 0.97, 1 })
            {
                var set = SampleMask.FromBits(sampleCount, RandomSets.Plane(random, sampleCount, density));
                var builder = new SampleSetsBuilder(sampleCount);
                builder.AddBits(set.Words);
                builder.AddBits(set.Complement().Words);
                var column = builder.Build();
                Assert.Equal(mask.Count, column.CountMasked(0, mask) + column.CountMasked(1, mask));
                Assert.Equal(set.And(mask).Count, column.CountMasked(0, mask));
                Assert.Equal(mask.AndNot(set).Count, column.CountMasked(1, mask));
                Assert.Equal(set.Count + mask.Count, set.Or(mask).Count + set.And(mask).Count);
            }
        }
    }

    [Fact]
    public void A_mask_follows_its_changes_in_every_form()
    {
        foreach (var sampleCount in new[] { 100, 5000 })
        {
            var builder = new SampleSetsBuilder(sampleCount);
            builder.AddIds([3, 50, 99]);
            var column = builder.Build();
            var mask = new SampleMask(sampleCount);
            Assert.Equal(0, column.CountMasked(0, mask));
            mask[50] = true;
            mask[50] = true;
            mask[51] = true;
            Assert.Equal((1, 2), (column.CountMasked(0, mask), mask.Count));
            mask[50] = false;
            Assert.Equal((0, 1), (column.CountMasked(0, mask), mask.Count));
            Assert.Equal(3, column.CountMasked(0, SampleMask.All(sampleCount)));
            Assert.Throws<ArgumentOutOfRangeException>(() => mask[sampleCount]);
            Assert.Throws<ArgumentOutOfRangeException>(() => mask[-1] = true);
        }
    }

    [Fact]
    public void A_builder_starts_anew_after_a_reset_and_leaves_built_columns_alone()
    {
        var builder = new SampleSetsBuilder(2504);
        builder.AddBits(RandomSets.PlaneOf(new Random(Seed), 2504, 1000));
        builder.AddIds([1, 2, 3]);
        var before = builder.Build();
        builder.Reset();
        builder.AddFull();
        builder.AddEmpty();
        var after = builder.Build();
        Assert.Equal((1000, 3), (before.Count(0), before.Count(1)));
        Assert.Equal((2504, 0, 2), (after.Count(0), after.Count(1), after.RowCount));
        Assert.False(after.AllEmpty);
        builder.Reset();
        builder.AddEmpty();
        Assert.True(builder.Build().AllEmpty);
    }

    [Fact]
    public void Wrong_arguments_are_refused_and_leave_the_builder_as_it_was()
    {
        var builder = new SampleSetsBuilder(100);
        Assert.Throws<ArgumentException>(() => builder.AddIds([5, 5]));
        Assert.Throws<ArgumentException>(() => builder.AddIds([6, 5]));
        Assert.Throws<ArgumentException>(() => builder.AddIds([100]));
        Assert.Throws<ArgumentException>(() => builder.AddBits([0]));
        Assert.Throws<ArgumentException>(() => builder.AddBits([0, 1UL << 36]));
        Assert.Throws<ArgumentException>(() => builder.AddBits([0, 0, 1]));
        Assert.Equal(0, builder.RowCount);
        builder.AddBits([0, 1UL << 35]);
        var column = builder.Build();
        Assert.Throws<ArgumentException>(() => column.CountMasked(0, new SampleMask(99)));
        Assert.Throws<ArgumentException>(() => column.CopyBits(0, new ulong[7]));
        Assert.Throws<ArgumentException>(() => column.CopyIds(0, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => column.Contains(0, 100));
        Assert.Throws<ArgumentOutOfRangeException>(() => column.CountMasked(0, new SampleMask(100), new int[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => column.CountMasked(-1, new SampleMask(100), new int[1]));
        Assert.Throws<IndexOutOfRangeException>(() => column.Count(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SampleSetsBuilder(32769));
        Assert.Throws<ArgumentException>(() => SampleMask.FromBits(63, [1UL << 63]));
        Assert.Throws<ArgumentException>(() => new SampleMask(3).And(new SampleMask(4)));
    }

    /// <summary>Empty, full, lists, complements and planes in turn.</summary>
    internal static ulong[][] Planes(Random random, int sampleCount, int rowCount)
    {
        double[] densities = [0, 1, 0.01, 0.99, 0.5, 0.06, 0.07, 0.93, 0.94, 0.2];
        return [.. Enumerable.Range(0, rowCount).Select(row => RandomSets.Plane(random, sampleCount, densities[row % densities.Length]))];
    }

    internal static SampleSets Column(int sampleCount, ulong[][] planes, bool byIds)
    {
        var builder = new SampleSetsBuilder(sampleCount);
        foreach (var plane in planes)
        {
            if (byIds) builder.AddIds(RandomSets.Ids(plane));
            else builder.AddBits(plane);
        }
        return builder.Build();
    }

    private static void CheckRow(Random random, SampleSets column, int row, ulong[] plane)
    {
        var ids = RandomSets.Ids(plane);
        var place = $"row {row} of {column.SampleCount} samples, seed {Seed}";
        Assert.True(ids.Length == column.Count(row), place);
        Assert.True(ids.Length == 0 == column.IsEmpty(row), place);
        var copied = new ushort[ids.Length + random.Next(100)];
        Assert.True(column.CopyIds(row, copied) == ids.Length && copied.AsSpan(0, ids.Length).SequenceEqual(ids), place);
        var bits = new ulong[column.WordCount];
        Array.Fill(bits, ulong.MaxValue);
        column.CopyBits(row, bits);
        Assert.True(bits.AsSpan(0, plane.Length).SequenceEqual(plane) && !bits.AsSpan(plane.Length).ContainsAnyExcept(0UL), place);
        for (var probe = 0; probe < Math.Min(column.SampleCount, 20); probe++)
        {
            var sample = random.Next(column.SampleCount);
            Assert.True(column.Contains(row, sample) == ((plane[sample / 64] >> (sample % 64) & 1) != 0), place);
        }
    }

    private static void CheckCounts(SampleSets column, ulong[][] planes, ulong[] maskBits)
    {
        var mask = SampleMask.FromBits(column.SampleCount, maskBits);
        var counts = new int[column.RowCount];
        column.CountMasked(0, mask, counts);
        for (var row = 0; row < counts.Length; row++)
        {
            var expected = planes[row].Zip(maskBits, (a, b) => BitOperations.PopCount(a & b)).Sum();
            Assert.True(expected == counts[row], $"row {row} of {column.SampleCount} samples: {counts[row]} instead of {expected}, seed {Seed}");
        }
    }
}
