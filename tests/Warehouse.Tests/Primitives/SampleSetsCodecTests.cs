using System.Buffers;
using System.Buffers.Binary;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Primitives;

public sealed class SampleSetsCodecTests
{
    private const int Seed = 90210;

    [Fact]
    public void A_decoded_column_equals_the_encoded_one_and_encodes_to_the_same_bytes()
    {
        var random = new Random(Seed);
        foreach (var sampleCount in RandomSets.SampleCounts)
        {
            var planes = SampleSetsTests.Planes(random, sampleCount, random.Next(40));
            var column = SampleSetsTests.Column(sampleCount, planes, byIds: false);
            var encoded = Encoded(column);
            var decoded = SampleSets.Decode(encoded);
            Assert.True(Same(column, decoded), $"{sampleCount} samples, seed {Seed}");
            Assert.Equal(column.HotBytes, decoded.HotBytes);
            Assert.Equal(encoded, Encoded(decoded));
        }
    }

    [Fact]
    public void Many_rows_of_every_density_survive_and_shrink()
    {
        var random = new Random(Seed);
        var planes = Enumerable.Range(0, 3000).Select(_ => RandomSets.Plane(random, 1000, Math.Pow(random.NextDouble(), 6))).ToArray();
        var column = SampleSetsTests.Column(1000, planes, byIds: true);
        var encoded = Encoded(column);
        Assert.True(Same(column, SampleSets.Decode(encoded)), $"seed {Seed}");
        Assert.True(encoded.Length < column.HotBytes * 0.9, $"{encoded.Length} bytes of {column.HotBytes}");
    }

    [Fact]
    public void Every_changed_byte_is_refused_or_gives_a_sound_column()
    {
        var random = new Random(Seed);
        foreach (var rowCount in new[] { 6, 300 })
        {
            var column = SampleSetsTests.Column(130, SampleSetsTests.Planes(random, 130, rowCount), byIds: false);
            var encoded = Encoded(column);
            var step = rowCount == 6 ? 1 : 7;
            for (var at = 0; at < encoded.Length; at++)
                for (var change = 1; change < 256; change += step)
                    CheckDamaged(encoded, at, (byte)change, column);
        }
    }

    [Fact]
    public void Every_truncation_and_every_extension_is_refused()
    {
        var encoded = Encoded(SampleSetsTests.Column(600, SampleSetsTests.Planes(new Random(Seed), 600, 200), byIds: false));
        for (var length = 0; length < encoded.Length; length++)
            Assert.Throws<InvalidDataException>(() => SampleSets.Decode(encoded.AsSpan(0, length)));
        Assert.Throws<InvalidDataException>(() => SampleSets.Decode([.. encoded, 0]));
    }

    [Fact]
    public void Huge_claims_are_refused_before_memory_is_taken()
    {
        var encoded = Encoded(SampleSetsTests.Column(64, SampleSetsTests.Planes(new Random(Seed), 64, 10), byIds: false));
        foreach (var offset in Enumerable.Range(2, 14).Select(field => field * 4))
        {
            foreach (var claim in new[] { int.MaxValue, int.MinValue, -1, 1 << 24, 1 << 30 })
            {
                var damaged = encoded.ToArray();
                BinaryPrimitives.WriteInt32LittleEndian(damaged.AsSpan(offset), claim);
                var before = GC.GetAllocatedBytesForCurrentThread();
                Assert.Throws<InvalidDataException>(() => SampleSets.Decode(damaged));
                Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000, $"field at {offset}, claim {claim}");
            }
        }
    }

    [Theory]
    [InlineData(64, 3, "kind or length")]
    [InlineData(64, 2, "wrong kind")]
    [InlineData(66, 101, "kind or length")]
    [InlineData(66, 33, "wrong kind")]
    [InlineData(66, 1, "more ids")]
    [InlineData(67, 0, "do not fit")]
    [InlineData(68, 1, "kind or length")]
    [InlineData(70, 100, "outside the panel")]
    [InlineData(71, 1, "outside the panel")]
    public void A_stored_value_out_of_place_is_refused(int offset, byte value, string reason)
    {
        var builder = new SampleSetsBuilder(100);
        builder.AddEmpty();
        builder.AddIds([98]);
        var encoded = Encoded(builder.Build());
        // 64: kinds of two rows, 66: low lengths, 68: high lengths, 70: low distance, 71: high distance.
        Assert.Equal([0, 0, 0, 1, 0, 0, 98, 0], encoded[64..]);
        encoded[offset] = value;
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => SampleSets.Decode(encoded)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bits_behind_the_last_sample_and_a_wrong_member_count_of_a_plane_are_refused()
    {
        var builder = new SampleSetsBuilder(100);
        builder.AddBits(RandomSets.PlaneOf(new Random(Seed), 100, 50));
        var encoded = Encoded(builder.Build());
        Assert.Equal(64 + 3 + 13, encoded.Length);
        var tail = encoded.ToArray();
        tail[^1] |= 0x10;
        Assert.Contains("behind the last", Assert.Throws<InvalidDataException>(() => SampleSets.Decode(tail)).Message, StringComparison.Ordinal);
        var members = encoded.ToArray();
        members[65]++;
        Assert.Contains("as many members", Assert.Throws<InvalidDataException>(() => SampleSets.Decode(members)).Message, StringComparison.Ordinal);
    }

    private static void CheckDamaged(byte[] encoded, int at, byte change, SampleSets column)
    {
        encoded[at] ^= change;
        try
        {
            var decoded = SampleSets.Decode(encoded);
            // A changed sample count can still fit: whoever reads a column compares it with the panel's.
            Assert.Equal(column.RowCount, decoded.RowCount);
            var all = SampleMask.All(decoded.SampleCount);
            var counts = new int[decoded.RowCount];
            decoded.CountMasked(0, all, counts);
            for (var row = 0; row < counts.Length; row++)
                if (counts[row] != decoded.Count(row)) Assert.Fail($"byte {at} changed by {change}: row {row} counts {counts[row]}, says {decoded.Count(row)}; seed {Seed}");
        }
        catch (InvalidDataException)
        {
            // Refused: the other allowed outcome.
        }
        finally
        {
            encoded[at] ^= change;
        }
    }

    private static byte[] Encoded(SampleSets column)
    {
        var to = new ArrayBufferWriter<byte>();
        column.Encode(to);
        return to.WrittenSpan.ToArray();
    }

    internal static bool Same(SampleSets a, SampleSets b)
    {
        if ((a.SampleCount, a.RowCount) != (b.SampleCount, b.RowCount)) return false;
        ulong[] ofA = new ulong[a.WordCount], ofB = new ulong[b.WordCount];
        for (var row = 0; row < a.RowCount; row++)
        {
            a.CopyBits(row, ofA);
            b.CopyBits(row, ofB);
            if (a.Count(row) != b.Count(row) || !ofA.AsSpan().SequenceEqual(ofB)) return false;
        }
        return true;
    }
}
