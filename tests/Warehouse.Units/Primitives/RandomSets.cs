namespace Warehouse.Units.Primitives;

/// <summary>Seeded random planes and masks for the tests of this folder.</summary>
internal static class RandomSets
{
    /// <summary>Sample counts around every boundary of the kernels, and every small one.</summary>
    public static IEnumerable<int> SampleCounts =>
        Enumerable.Range(0, 257).Concat([511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 2504, 4095, 4096, 4097, 8191, 8192, 8193, 32767, 32768]);

    /// <summary>A plane of ceil(sampleCount / 64) words in which each sample is set with the given chance.</summary>
    public static ulong[] Plane(Random random, int sampleCount, double density)
    {
        var bits = new ulong[(sampleCount + 63) / 64];
        for (var sample = 0; sample < sampleCount; sample++)
            if (random.NextDouble() < density) bits[sample >> 6] |= 1UL << (sample & 63);
        return bits;
    }

    /// <summary>A plane of exactly <paramref name="count"/> samples.</summary>
    public static ulong[] PlaneOf(Random random, int sampleCount, int count)
    {
        var bits = new ulong[(sampleCount + 63) / 64];
        var inverted = count > sampleCount / 2;
        for (var left = inverted ? sampleCount - count : count; left > 0;)
        {
            var sample = random.Next(sampleCount);
            if ((bits[sample >> 6] >> (sample & 63) & 1) != 0) continue;
            bits[sample >> 6] |= 1UL << (sample & 63);
            left--;
        }
        for (var sample = 0; inverted && sample < sampleCount; sample++) bits[sample >> 6] ^= 1UL << (sample & 63);
        return bits;
    }

    /// <summary>The numbers of the set bits, the dull way.</summary>
    public static ushort[] Ids(ulong[] bits)
    {
        var ids = new List<ushort>();
        for (var sample = 0; sample < bits.Length * 64; sample++)
            if ((bits[sample / 64] >> (sample % 64) & 1) != 0) ids.Add((ushort)sample);
        return [.. ids];
    }
}
