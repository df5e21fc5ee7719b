using System.Buffers;
using System.Buffers.Binary;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

public sealed class HaplotypeColumnsTests
{
    private const int Seed = 4711;

    [Fact]
    public void Columns_come_back_bit_for_bit_whatever_the_calls_are()
    {
        var random = new Random(Seed);
        foreach (var samples in RandomSets.SampleCounts.Where(n => n < 70 || n % 16 == 0 || n > 256))
        {
            var block = new RandomHaplotypes(random, samples, samples > 3000 ? 12 : 40, random.Next(3) * random.NextDouble() * 0.2, random.Next(3) > 0);
            AssertSame(block, $"{samples} samples, seed {Seed}");
        }
    }

    [Fact]
    public void The_dull_twin_of_the_decoder_reads_the_same()
    {
        var random = new Random(Seed);
        foreach (var samples in new[] { 1, 2, 31, 32, 33, 63, 64, 65, 127, 300, 1000, 2504, 4097 })
        {
            var block = new RandomHaplotypes(random, samples, 40, random.Next(3) * random.NextDouble() * 0.2, random.Next(3) > 0);
            var what = $"{samples} samples, seed {Seed}";
            var encoded = Encode(block)!;
            var (decoded, twin) = (Decode(encoded, block), HaplotypeTwin.Decode(encoded, block));
            AssertSame(twin.Het, decoded.Het, what);
            AssertSame(twin.Hom, decoded.Hom, what);
            for (var i = 0; i < twin.Swapped.Length; i++)
                Assert.True(twin.Swapped[i] == ((decoded.Swapped?[i / 64] >> (i % 64) & 1) == 1), what);
            Assert.Equal(twin.Swapped.Contains(true) ? (twin.Swapped.Length + 63) / 64 : 0, decoded.Swapped?.Length ?? 0);
        }
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.9)]
    public void A_block_of_missing_calls_comes_back(double masked) => AssertSame(new RandomHaplotypes(new Random(Seed), 300, 30, masked, true), "missing");

    [Fact]
    public void A_block_in_which_all_carry_all_comes_back_and_takes_next_to_nothing()
    {
        const int Samples = 1000, Rows = 5000;
        SampleSetsBuilder hom = new(Samples);
        for (var row = 0; row < Rows; row++) hom.AddFull();
        var columns = new HaplotypeColumns(null, hom.Build(), null);
        int[] firstRow = [.. Enumerable.Range(0, Rows + 1)];
        var encoded = columns.Encode(Samples, firstRow, null, null)!;
        var decoded = HaplotypeColumns.Decode(encoded, Samples, firstRow, null, null);
        Assert.True(SampleSetsCodecTests.Same(columns.Hom!, decoded.Hom!));
        Assert.Null(decoded.Het);
        Assert.Null(decoded.Swapped);
        Assert.True(encoded.Length < Rows * 4, $"{encoded.Length} bytes");
    }

    [Fact]
    public void A_call_of_three_alleles_comes_back_although_no_file_holds_one()
    {
        SampleSetsBuilder het = new(2);
        foreach (var ids in (ushort[][])[[0, 1], [0], [0, 1], [1]]) het.AddIds(ids);
        int[] firstRow = [0, 0, 3, 4, 4];
        foreach (var swapped in new ulong[]?[] { null, [1], [2], [3], [4], [7] })
        {
            var columns = new HaplotypeColumns(het.Build(), null, swapped);
            var decoded = HaplotypeColumns.Decode(columns.Encode(2, firstRow, null, null)!, 2, firstRow, null, null);
            Assert.True(SampleSetsCodecTests.Same(columns.Het!, decoded.Het!));
            Assert.Equal(swapped, decoded.Swapped);
        }
    }

    [Fact]
    public void Linked_alleles_take_less_than_half_of_the_plain_form()
    {
        var block = new RandomHaplotypes(new Random(Seed), 2504, 400, 0.005, true);
        var plain = Plain(block.Columns.Het!) + Plain(block.Columns.Hom!) + (block.Columns.Swapped!.Length * 8);
        var encoded = Encode(block)!.Length;
        Assert.True(encoded * 2 < plain, $"{encoded} bytes, plain {plain}");
    }

    [Fact]
    public void What_the_form_cannot_hold_is_declined()
    {
        SampleSetsBuilder het = new(3), hom = new(3), missing = new(3), other = new(3);
        het.AddIds([0, 1]);
        hom.AddIds([1]);
        missing.AddIds([0]);
        other.AddIds([2]);
        Assert.Null(new HaplotypeColumns(het.Build(), hom.Build(), null).Encode(3, [0, 1], null, null));
        Assert.Null(new HaplotypeColumns(het.Build(), null, null).Encode(3, [0, 1], missing.Build(), null));
        Assert.Null(new HaplotypeColumns(het.Build(), null, null).Encode(3, [0, 1], null, missing.Build()));
        Assert.NotNull(new HaplotypeColumns(het.Build(), other.Build(), [2]).Encode(3, [0, 1], null, null));
        foreach (var swapped in (ulong[][])[[], [0], [4], [1, 0]])
            Assert.Null(new HaplotypeColumns(het.Build(), null, swapped).Encode(3, [0, 1], null, null));
        Assert.Throws<ArgumentException>(() => new HaplotypeColumns(het.Build(), null, null).Encode(3, [0, 2], null, null));
        Assert.Throws<ArgumentException>(() => new HaplotypeColumns(het.Build(), null, null).Encode(4, [0, 1], null, null));
    }

    [Fact]
    public void A_changed_byte_is_refused_or_gives_sound_columns() => CheckChangedBytes((70, 12, 31));

    /// <summary>Changes every byte of blocks to every step-th other value.</summary>
    internal static void CheckChangedBytes(params (int Samples, int Records, int Step)[] blocks)
    {
        var random = new Random(Seed);
        foreach (var (samples, records, step) in blocks)
        {
            var block = new RandomHaplotypes(random, samples, records, 0.02, true);
            var encoded = Encode(block)!;
            for (var at = 0; at < encoded.Length; at++)
                for (var change = 1; change < 256; change += step)
                {
                    var damaged = encoded.ToArray();
                    damaged[at] ^= (byte)change;
                    CheckDamaged(damaged, block);
                }
        }
    }

    [Fact]
    public void Every_truncation_and_every_extension_is_refused()
    {
        var block = new RandomHaplotypes(new Random(Seed), 200, 60, 0.02, true);
        var encoded = Encode(block)!;
        for (var length = 0; length < encoded.Length; length++)
            Assert.Throws<InvalidDataException>(() => Decode(encoded[..length], block));
        Assert.Throws<InvalidDataException>(() => Decode([.. encoded, 0], block));
    }

    [Fact]
    public void Huge_claims_are_refused_before_memory_is_taken()
    {
        var block = new RandomHaplotypes(new Random(Seed), 64, 20, 0.02, true);
        var encoded = Encode(block)!;
        foreach (var offset in Enumerable.Range(2, 20).Select(field => field * 4))
            foreach (var claim in new[] { int.MaxValue, int.MinValue, -1, 1 << 24, 1 << 30 })
            {
                var damaged = encoded.ToArray();
                BinaryPrimitives.WriteInt32LittleEndian(damaged.AsSpan(offset), claim);
                var before = GC.GetAllocatedBytesForCurrentThread();
                Assert.Throws<InvalidDataException>(() => Decode(damaged, block));
                Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 200_000, $"field at {offset}, claim {claim}");
            }
    }

    private static void CheckDamaged(byte[] damaged, RandomHaplotypes block)
    {
        HaplotypeColumns decoded;
        try
        {
            decoded = Decode(damaged, block);
        }
        catch (InvalidDataException)
        {
            return;
        }
        // What is not refused must be columns like any others: they can be read, and written and read again.
        var encoded = decoded.Encode(block.SampleCount, block.FirstRow, block.Missing, block.Absent);
        if (encoded is null) return;
        var again = Decode(encoded, block);
        Assert.Equal(decoded.Swapped, again.Swapped);
        AssertSame(decoded.Het, again.Het, "damaged");
        AssertSame(decoded.Hom, again.Hom, "damaged");
    }

    private static byte[]? Encode(RandomHaplotypes block) => block.Columns.Encode(block.SampleCount, block.FirstRow, block.Missing, block.Absent);

    private static HaplotypeColumns Decode(byte[] encoded, RandomHaplotypes block) =>
        HaplotypeColumns.Decode(encoded, block.SampleCount, block.FirstRow, block.Missing, block.Absent);

    private static void AssertSame(RandomHaplotypes block, string what)
    {
        var encoded = Encode(block);
        Assert.True(encoded is not null, what);
        var decoded = Decode(encoded, block);
        AssertSame(block.Columns.Het, decoded.Het, what);
        AssertSame(block.Columns.Hom, decoded.Hom, what);
        Assert.Equal(block.Columns.Swapped, decoded.Swapped);
        Assert.Equal(encoded, decoded.Encode(block.SampleCount, block.FirstRow, block.Missing, block.Absent));
    }

    private static void AssertSame(SampleSets? expected, SampleSets? actual, string what)
    {
        if (expected is null || actual is null) Assert.True(expected?.AllEmpty is not false && actual is null, what);
        else Assert.True(SampleSetsCodecTests.Same(expected, actual) && expected.HotBytes == actual.HotBytes, what);
    }

    private static int Plain(SampleSets sets)
    {
        var to = new ArrayBufferWriter<byte>();
        sets.Encode(to);
        return to.WrittenCount;
    }
}
