using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

public sealed class SampleGapsTests
{
    private const int Seed = 2718;

    [Fact]
    public void A_decoded_column_equals_the_encoded_one()
    {
        var random = new Random(Seed);
        foreach (var samples in RandomSets.SampleCounts)
        {
            var column = SampleSetsTests.Column(samples, SampleSetsTests.Planes(random, samples, random.Next(40)), byIds: false);
            var encoded = SampleGaps.Encode(column)!;
            var decoded = SampleGaps.Decode(encoded, samples, column.RowCount);
            Assert.True(SampleSetsCodecTests.Same(column, decoded) && column.HotBytes == decoded.HotBytes, $"{samples} samples, seed {Seed}");
            Assert.Equal(encoded, SampleGaps.Encode(decoded));
        }
    }

    [Fact]
    public void Members_without_a_pattern_take_hardly_more_than_they_must()
    {
        const int Samples = 2504, Rows = 4000;
        const double Rate = 0.005;
        var random = new Random(Seed);
        var rows = new SampleSetsBuilder(Samples);
        for (var row = 0; row < Rows; row++) rows.AddBits(RandomSets.Plane(random, Samples, Rate));
        var mustBytes = -((Rate * Math.Log2(Rate)) + ((1 - Rate) * Math.Log2(1 - Rate))) * Samples * Rows / 8;
        Assert.InRange(SampleGaps.Encode(rows.Build())!.Length, mustBytes * 0.97, mustBytes * 1.03);
    }

    [Fact]
    public void A_changed_byte_and_every_other_length_is_refused_or_gives_a_sound_column() => CheckChangedBytes(step: 40);

    /// <summary>Changes every byte of a column to every step-th other value.</summary>
    internal static void CheckChangedBytes(int step)
    {
        var column = SampleSetsTests.Column(130, SampleSetsTests.Planes(new Random(Seed), 130, 60), byIds: false);
        var encoded = SampleGaps.Encode(column)!;
        for (var length = 0; length < encoded.Length; length++)
            Assert.Throws<InvalidDataException>(() => SampleGaps.Decode(encoded.AsSpan(0, length), 130, 60));
        Assert.Throws<InvalidDataException>(() => SampleGaps.Decode([.. encoded, 0], 130, 60));
        foreach (var (samples, rows) in new[] { (129, 60), (131, 60), (130, 59), (130, 61), (40_000, 60), (-1, 60), (130, -1) })
            Assert.Throws<InvalidDataException>(() => SampleGaps.Decode(encoded, samples, rows));
        for (var at = 0; at < encoded.Length; at++)
            for (var change = 1; change < 256; change += step)
            {
                var damaged = encoded.ToArray();
                damaged[at] ^= (byte)change;
                try
                {
                    var decoded = SampleGaps.Decode(damaged, 130, 60);
                    Assert.True(SampleSetsCodecTests.Same(decoded, SampleGaps.Decode(SampleGaps.Encode(decoded)!, 130, 60)));
                }
                catch (InvalidDataException)
                {
                    // Refused, as it should be.
                }
            }
    }
}
