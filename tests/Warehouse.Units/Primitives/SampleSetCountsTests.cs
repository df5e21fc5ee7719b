using System.Buffers;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Units.Primitives;

/// <summary>Counts read from the lengths of an encoded column against those of the decoded one.</summary>
public sealed class SampleSetCountsTests
{
    [Fact]
    public void Counts_are_those_of_the_decoded_column()
    {
        var random = new Random(7601);
        foreach (var samples in RandomSets.SampleCounts.Where(n => n < 70 || n % 13 == 0))
        {
            var builder = new SampleSetsBuilder(samples);
            for (var row = random.Next(0, 60); row > 0; row--) builder.AddBits(RandomSets.Plane(random, samples, random.Next(4) switch { 0 => 0, 1 => 1, 2 => 0.5, _ => random.NextDouble() * 0.1 }));
            var encoded = Encoded(builder.Build());
            var sets = SampleSets.Decode(encoded);
            var counts = new ushort[sets.RowCount];
            SampleSets.DecodeCounts(encoded, samples, counts);
            for (var row = 0; row < counts.Length; row++) Assert.True(counts[row] == sets.Count(row), $"seed 7601, {samples} samples, row {row}: {counts[row]} members, {sets.Count(row)} expected");
            Assert.Throws<InvalidDataException>(() => SampleSets.DecodeCounts(encoded, samples, new ushort[sets.RowCount + 1]));
        }
    }

    [Fact]
    public void Lengths_that_no_column_has_are_refused()
    {
        var random = new Random(7602);
        var builder = new SampleSetsBuilder(40);
        for (var row = 0; row < 30; row++) builder.AddBits(RandomSets.Plane(random, 40, random.NextDouble()));
        var encoded = Encoded(builder.Build());
        var refused = 0;
        for (var at = 64; at < 64 + 90; at++)
        {
            var damaged = encoded.ToArray();
            damaged[at] ^= (byte)(1 << random.Next(8));
            try
            {
                var counts = new ushort[30];
                SampleSets.DecodeCounts(damaged, 40, counts);
                Assert.All(counts, c => Assert.InRange(c, 0, 40));
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.True(refused > 45, $"only {refused} changes of 90 were refused");
    }

    private static byte[] Encoded(SampleSets sets)
    {
        var to = new ArrayBufferWriter<byte>();
        sets.Encode(to);
        return to.WrittenSpan.ToArray();
    }
}
