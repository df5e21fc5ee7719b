using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

public sealed class HaplotypeKernelTests
{
    private const int Seed = 1313;

    [Fact]
    public void Both_ways_to_partition_an_order_agree()
    {
        if (!Avx512Vbmi2.IsSupported) return;
        var random = new Random(Seed);
        foreach (var count in Enumerable.Range(0, 260).Concat([511, 512, 5008, 8192, 65535, 65536]))
            foreach (var density in new[] { 0, 0.01, 0.5, 0.99, 1 })
            {
                var edges = Edges(random, count, density);
                ushort[] order = [.. Enumerable.Range(0, count + HaplotypeOrder.Slack).Select(i => (ushort)i)];
                random.Shuffle(order.AsSpan(0, count));
                var (orderB, inside, insideB) = (order.ToArray(), new ushort[order.Length], new ushort[order.Length]);
                var bits = new ulong[(count / 64) + 1];
                var taken = HaplotypeOrder.ByRuns(order, edges, inside);
                var takenB = HaplotypeOrder.Compress512(orderB, edges, bits, insideB);
                var what = $"{count} haplotypes, density {density}, seed {Seed}";
                Assert.True(taken == takenB && order.AsSpan(0, count).SequenceEqual(orderB.AsSpan(0, count)), what);
                Assert.True(inside.AsSpan(0, taken).SequenceEqual(insideB.AsSpan(0, taken)), what);
                Assert.False(bits.AsSpan().ContainsAnyExcept(0UL), what);
            }
    }

    [Fact]
    public void Toggles_become_runs()
    {
        var random = new Random(Seed);
        for (var i = 0; i < 1000; i++)
        {
            var word = (ulong)random.NextInt64() & (ulong)random.NextInt64() & (ulong)random.NextInt64();
            var (expected, state) = (0UL, 0UL);
            for (var bit = 0; bit < 64; bit++) expected |= (state ^= word >> bit & 1) << bit;
            Assert.Equal(expected, HaplotypeOrder.PrefixXor(word));
            Assert.Equal(expected, HaplotypeOrder.PrefixXorScalar(word));
        }
    }

    [Fact]
    public void Both_ways_to_take_marks_agree_and_leave_none()
    {
        var random = new Random(Seed);
        for (var words = 0; words < 100; words++)
        {
            byte[] marks = [.. Enumerable.Range(0, words * 64).Select(_ => (byte)random.Next(2))];
            var (marksB, bits, bitsB) = (marks.ToArray(), new ulong[words], new ulong[words]);
            for (var i = 0; i < marks.Length; i++) Assert.InRange(marks[i], 0, 1);
            Marks.Scalar(marks, bits);
            if (Vector512.IsHardwareAccelerated) Marks.Take512(marksB, bitsB);
            else Marks.Take(marksB, bitsB);
            Assert.Equal(bits, bitsB);
            Assert.False(marks.AsSpan().ContainsAnyExcept((byte)0) || marksB.AsSpan().ContainsAnyExcept((byte)0));
        }
    }

    [Fact]
    public void Every_number_of_a_run_fits_its_class()
    {
        for (var number = 0; number < 65536; number++)
        {
            var numberClass = RunSymbols.ClassOf(number);
            var symbol = RunSymbols.All[numberClass | numberClass << 4];
            Assert.Equal(symbol.GapBits, RunSymbols.Bits(numberClass));
            Assert.Equal((symbol.GapBase, symbol.GapBits), (symbol.LengthBase, symbol.LengthBits));
            Assert.Equal(number, symbol.GapBase + (number & ((1 << symbol.GapBits) - 1)));
        }
    }

    [Fact]
    public void Chosen_bits_are_appended_as_one_by_one()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 300; round++)
        {
            BitWriter whole = new(), single = new();
            for (var part = 0; part < 6; part++)
            {
                var density = random.Next(4) / 3.0;
                var masks = Enumerable.Range(0, random.Next(5)).Select(_ => RandomSets.Plane(random, 64, density)[0]).ToArray();
                var bits = masks.Select(_ => (ulong)random.NextInt64(long.MinValue, long.MaxValue)).ToArray();
                whole.AppendChosen(bits, masks);
                for (var bit = 0; bit < masks.Length * 64; bit++)
                    if ((masks[bit / 64] >> (bit % 64) & 1) != 0) single.Append(bits[bit / 64] >> (bit % 64) & 1, 1);
                Assert.Equal(single.Count, whole.Count);
                Assert.True(single.Words.SequenceEqual(whole.Words), $"seed {Seed}, round {round}");
            }
        }
    }

    private static int[] Edges(Random random, int count, double density)
    {
        var edges = new List<int>();
        var inside = false;
        for (var i = 0; i < count; i++)
        {
            // Runs of about ten, at every density but none and all.
            var here = density is 0 or 1 ? density == 1 : random.Next(10) == 0 ? random.NextDouble() < density : inside;
            if (here != inside) edges.Add(i);
            inside = here;
        }
        if (inside) edges.Add(count);
        return [.. edges];
    }
}
