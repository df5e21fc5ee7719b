using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

public sealed class SampleSetKernelTests
{
    private const int Seed = 20260117;

    private delegate void ListKernel(in ListRows list, SampleMask mask, Span<int> counts);

    private delegate void PlaneKernel(in PlaneRows planes, SampleMask mask, Span<int> counts);

    private delegate void MatchKernel(ReadOnlySpan<byte> codes, byte value, Span<ulong> bits);

    private static Dictionary<string, PlaneKernel> PlaneKernels => Supported<PlaneKernel>(
        ("scalar", true, PlaneCount.Rows<PlaneCount.Scalar>),
        ("table 256", Avx2.IsSupported, PlaneCount.Rows<PlaneCount.Table256>),
        ("table 512", Avx512BW.IsSupported, PlaneCount.Rows<PlaneCount.Table512>),
        ("carry-save 512", Avx512BW.IsSupported, PlaneCount.Rows<PlaneCount.HarleySeal512>),
        ("chosen", true, PlaneCount.Rows));

    private static Dictionary<string, MatchKernel> MatchKernels => Supported<MatchKernel>(
        ("scalar", true, ByteMatch.ToBits<ByteMatch.Scalar>),
        ("256", Vector256.IsHardwareAccelerated, ByteMatch.ToBits<ByteMatch.Compare256>),
        ("512", Vector512.IsHardwareAccelerated, ByteMatch.ToBits<ByteMatch.Compare512>),
        ("chosen", true, ByteMatch.ToBits));

    [Fact]
    public void List_counts_of_every_path_equal_the_dull_count_up_to_300_ids_and_at_every_panel_size()
    {
        var random = new Random(Seed);
        using var memory = new GuardedMemory(1 << 16);
        foreach (var sampleCount in RandomSets.SampleCounts)
        {
            var mask = SampleMask.FromBits(sampleCount, RandomSets.Plane(random, sampleCount, 0.3));
            var largest = Math.Min(sampleCount, 300);
            var step = sampleCount is 256 or 2504 or 4096 or 4097 or 32768 ? 1 : 31;
            for (var count = 0; count <= largest; count += step) CheckLists(random, memory, mask, count);
        }
    }

    [Fact]
    public void Plane_counts_of_every_path_equal_the_dull_count_at_every_panel_size()
    {
        var random = new Random(Seed);
        using var memory = new GuardedMemory(1 << 16);
        foreach (var sampleCount in RandomSets.SampleCounts)
        {
            foreach (var density in new[] { 0, 0.02, 0.5, 1 })
            {
                var mask = SampleMask.FromBits(sampleCount, RandomSets.Plane(random, sampleCount, density == 1 ? 1 : 0.4));
                CheckPlanes(random, memory, mask, density);
            }
        }
    }

    [Fact]
    public void Ids_of_set_bits_are_equal_on_both_paths_and_stay_inside_the_room_they_have()
    {
        var random = new Random(Seed);
        using var from = new GuardedMemory(1 << 16);
        using var to = new GuardedMemory(1 << 17);
        foreach (var sampleCount in RandomSets.SampleCounts)
        {
            foreach (var density in new[] { 0, 0.01, 0.09, 0.3, 0.9, 1 })
            {
                var plane = RandomSets.Plane(random, sampleCount, density);
                var expected = RandomSets.Ids(plane);
                var bits = from.Copy<ulong>(plane);
                var ids = to.Last<ushort>(expected.Length);
                Assert.Equal(expected.Length, BitsToIds.Scalar(bits, ids));
                Assert.True(ids.SequenceEqual(expected), $"scalar, {sampleCount} samples, density {density}, seed {Seed}");
                ids.Clear();
                Assert.Equal(expected.Length, BitsToIds.Write(bits, expected.Length, ids));
                Assert.True(ids.SequenceEqual(expected), $"chosen, {sampleCount} samples, density {density}, seed {Seed}");
                if (!Avx512Vbmi2.IsSupported) continue;
                ids.Clear();
                Assert.Equal(expected.Length, BitsToIds.Compress512(bits, ids));
                Assert.True(ids.SequenceEqual(expected), $"compress, {sampleCount} samples, density {density}, seed {Seed}");
            }
        }
    }

    [Fact]
    public void Matching_bytes_become_bits_and_nothing_lies_behind_the_last_sample()
    {
        var random = new Random(Seed);
        using var memory = new GuardedMemory(1 << 16);
        using var output = new GuardedMemory(1 << 16);
        foreach (var sampleCount in RandomSets.SampleCounts)
        {
            var codes = memory.Last<byte>(sampleCount);
            for (var i = 0; i < sampleCount; i++) codes[i] = (byte)random.Next(4);
            foreach (var extraWords in new[] { 0, 5 })
            {
                foreach (var (name, kernel) in MatchKernels)
                {
                    var bits = output.Last<ulong>((sampleCount + 63) / 64 + extraWords);
                    bits.Fill(ulong.MaxValue);
                    kernel(codes, 0, bits);
                    for (var i = 0; i < bits.Length * 64; i++)
                        if ((bits[i / 64] >> (i % 64) & 1) != 0 != (i < sampleCount && codes[i] == 0)) Assert.Fail($"{name}, {sampleCount} samples, bit {i}, seed {Seed}");
                }
            }
        }
    }

    [Fact]
    public void Kernels_refuse_too_short_outputs()
    {
        Assert.Throws<ArgumentException>(() => ByteMatch.ToBits(new byte[65], 1, new ulong[1]));
    }

    private static void CheckLists(Random random, GuardedMemory memory, SampleMask mask, int count)
    {
        var ids = RandomSets.Ids(RandomSets.PlaneOf(random, mask.SampleCount, count));
        var expected = ids.Count(id => mask[id]);
        var withSlack = memory.Last<ushort>(count + ListCount.SlackIds);
        ids.CopyTo(withSlack);
        withSlack[count..].Fill(0xFFFF);
        SampleRow[] entries = [new(0, (ushort)count, RowKind.List), new(count, 0, RowKind.List), new(0, (ushort)count, RowKind.List)];
        var list = new ListRows { Rows = [1, 2], Entries = entries, Ids = withSlack, FirstRow = 1 };
        Span<int> counts = stackalloc int[2];
        ListKernel[] kernels = Avx512BW.IsSupported && mask.SampleCount <= SampleMask.RegisterSamples
            ? [ListCount.Scalar, ListCount.ByteMask, ListCount.Rows, ListCount.Register512]
            : [ListCount.Scalar, ListCount.ByteMask, ListCount.Rows];
        foreach (var kernel in kernels)
        {
            counts.Fill(-1);
            kernel(list, mask, counts);
            if (counts is not [0, var actual] || actual != expected)
                Assert.Fail($"{kernel.Method.Name}: {counts[0]}, {counts[1]} instead of 0, {expected}; {mask.SampleCount} samples, {count} ids, seed {Seed}");
        }
    }

    private static void CheckPlanes(Random random, GuardedMemory memory, SampleMask mask, double density)
    {
        var wordCount = mask.Words.Length;
        var plane = RandomSets.Plane(random, mask.SampleCount, density);
        var planes = memory.Last<ulong>(wordCount * 2);
        planes.Clear();
        plane.CopyTo(planes[wordCount..]);
        var expected = 0;
        for (var i = 0; i < plane.Length; i++) expected += BitOperations.PopCount(plane[i] & mask.Words[i]);
        SampleRow[] entries = [new(1, 0, RowKind.Plane), new(0, 0, RowKind.Plane)];
        foreach (var (name, kernel) in PlaneKernels)
        {
            Span<int> counts = [-1, -1];
            kernel(new PlaneRows { Rows = [0, 1], Entries = entries, Planes = planes, FirstRow = 0 }, mask, counts);
            Assert.True(counts is [var actual, 0] && actual == expected, $"{name}: {counts[0]} instead of {expected}; {mask.SampleCount} samples, density {density}, seed {Seed}");
        }
    }

    private static Dictionary<string, TKernel> Supported<TKernel>(params (string Name, bool IsSupported, TKernel Kernel)[] kernels) =>
        kernels.Where(kernel => kernel.IsSupported).ToDictionary(kernel => kernel.Name, kernel => kernel.Kernel);
}
