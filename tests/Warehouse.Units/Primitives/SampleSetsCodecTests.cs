using System.Buffers;
using System.Buffers.Binary;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

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
    public void A_changed_byte_is_refused_or_gives_a_sound_column() => CheckChangedBytes((6, 13), (300, 151));

    /// <summary>Changes every byte of columns of so many rows to every step-th other value.</summary>
    internal static void CheckChangedBytes(params (int RowCount, int Step)[] columns)
    {
        var random = new Random(Seed);
        foreach (var (rowCount, step) in columns)
        {
            var column = SampleSetsTests.Column(130, SampleSetsTests.Planes(random, 130, rowCount), byIds: false);
            var encoded = Encoded(column);
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

    [Fact]
    public void Noise_is_stored_and_few_values_are_packed()
    {
        var random = new Random(Seed);
        var builder = new SampleSetsBuilder(4096);
        for (var row = 0; row < 300; row++)
        {
            builder.AddBits(RandomSets.PlaneOf(random, 4096, 2048));
            for (var list = 0; list < 4; list++) builder.AddIds(RandomSets.Ids(RandomSets.PlaneOf(random, 4096, 40)));
        }
        var column = builder.Build();
        var encoded = Encoded(column);
        Assert.Equal([true, true, true, false, true, false], Enumerable.Range(0, 6).Select(stream => Table(encoded, stream).Packed < Table(encoded, stream).Raw));
        Assert.True(Same(column, SampleSets.Decode(encoded)), $"seed {Seed}");
    }

    [Theory]
    [InlineData(0, 280)]
    [InlineData(100, 500)]
    [InlineData(320, 600)]
    public void Planes_that_repeat_in_one_part_alone_are_packed(int firstRow, int endRow)
    {
        var random = new Random(Seed);
        var builder = new SampleSetsBuilder(4096);
        var same = RandomSets.PlaneOf(random, 4096, 2048);
        for (var row = 0; row < 600; row++) builder.AddBits(row >= firstRow && row < endRow ? same : RandomSets.PlaneOf(random, 4096, 2048));
        var encoded = Encoded(builder.Build());
        Assert.InRange(Table(encoded, 5).Packed, 1, Table(encoded, 5).Raw * 2 / 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(19)]
    public void A_column_is_read_whichever_streams_are_packed(int level)
    {
        var random = new Random(Seed);
        var column = SampleSetsTests.Column(1000, [.. Enumerable.Range(0, 400).Select(_ => RandomSets.Plane(random, 1000, Math.Pow(random.NextDouble(), 6)))], byIds: true);
        var encoded = Encoded(column);
        for (var packed = 0; packed < 64; packed++)
        {
            var mixed = encoded;
            for (var stream = 0; stream < 6; stream++)
                if ((packed >> stream & 1) != 0) mixed = With(mixed, stream, Packed(Raw(encoded, stream), level));
            Assert.True(Same(column, SampleSets.Decode(mixed)), $"streams {packed:b6}, seed {Seed}");
        }
    }

    [Fact]
    public void A_frame_that_is_damaged_cut_or_of_another_length_is_refused()
    {
        var random = new Random(Seed);
        var encoded = Encoded(SampleSetsTests.Column(1000, [.. Enumerable.Range(0, 400).Select(_ => RandomSets.Plane(random, 1000, Math.Pow(random.NextDouble(), 6)))], byIds: true));
        for (var stream = 0; stream < 6; stream++)
        {
            var raw = Raw(encoded, stream);
            var frame = Packed(raw, 1);
            Assert.True(frame.Length < raw.Length, $"stream {stream}");
            AssertRefused(With(encoded, stream, frame[..^1]));
            AssertRefused(With(encoded, stream, frame[..8]));
            AssertRefused(With(encoded, stream, [.. frame, 0]));
            AssertRefused(With(encoded, stream, [(byte)(frame[0] ^ 1), .. frame[1..]]));
            AssertRefused(With(encoded, stream, Packed(raw.AsSpan(1), 1)));
            AssertRefused(With(encoded, stream, Packed([.. raw, 0], 1)));
            AssertRefused(With(encoded, stream, new byte[raw.Length - 1]));
        }
    }

    private static void AssertRefused(byte[] encoded) =>
        Assert.Contains("zstd", Assert.Throws<InvalidDataException>(() => SampleSets.Decode(encoded)).Message, StringComparison.Ordinal);

    private static (int Packed, int Raw) Table(byte[] encoded, int stream) => (BitConverter.ToInt32(encoded, 16 + (stream * 8)), BitConverter.ToInt32(encoded, 20 + (stream * 8)));

    private static int StartOf(byte[] encoded, int stream) => 64 + Enumerable.Range(0, stream).Sum(before => Table(encoded, before).Packed);

    private static byte[] Raw(byte[] encoded, int stream)
    {
        var (packed, raw) = Table(encoded, stream);
        var bytes = encoded.AsSpan(StartOf(encoded, stream), packed).ToArray();
        if (packed == raw) return bytes;
        var unpacked = new byte[raw];
        Zstd.Decompress(bytes, unpacked);
        return unpacked;
    }

    private static byte[] Packed(ReadOnlySpan<byte> raw, int level)
    {
        var to = new byte[Zstd.MaxCompressedLength(raw.Length)];
        return to[..Zstd.Compress(raw, to, level)];
    }

    /// <summary>The column with other packed bytes for a stream; those that would not be fewer than the raw ones change nothing.</summary>
    private static byte[] With(byte[] encoded, int stream, byte[] packed)
    {
        if (packed.Length >= Table(encoded, stream).Raw) return encoded;
        var at = StartOf(encoded, stream);
        byte[] changed = [.. encoded[..at], .. packed, .. encoded[(at + Table(encoded, stream).Packed)..]];
        BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(16 + (stream * 8)), packed.Length);
        return changed;
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
