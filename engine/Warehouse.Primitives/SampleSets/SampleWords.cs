using System.Numerics;

namespace Warehouse.Primitives;

/// <summary>Arithmetic of bit planes: bit s of word s / 64 is sample s; planes are padded with zeros to 64 bytes.</summary>
internal static class SampleWords
{
    /// <summary>Hard cap of samples of one column: an id and a count fit 16 bits with room to spare.</summary>
    public const int MaxSamples = 32768;

    /// <summary>Words that carry samples.</summary>
    public static int Needed(int sampleCount) => (sampleCount + 63) >> 6;

    /// <summary>Words of a padded plane: a multiple of 8, so that 64-byte vectors need no tail.</summary>
    public static int Padded(int sampleCount) => (sampleCount + 511) >> 9 << 3;

    /// <summary>The bits of the last carrying word that are samples; all ones when the samples fill it.</summary>
    public static ulong TailMask(int sampleCount) => ulong.MaxValue >> (-sampleCount & 63);

    /// <summary>True when <paramref name="bits"/> covers every sample and holds nothing behind the last one.</summary>
    public static bool AreValid(ReadOnlySpan<ulong> bits, int sampleCount)
    {
        var needed = Needed(sampleCount);
        if (bits.Length < needed || bits[needed..].ContainsAnyExcept(0UL)) return false;
        return needed == 0 || (bits[needed - 1] & ~TailMask(sampleCount)) == 0;
    }

    /// <summary>Overwrites <paramref name="bits"/>: every sample set, everything behind zero.</summary>
    public static void SetAll(Span<ulong> bits, int sampleCount)
    {
        var needed = Needed(sampleCount);
        bits[..needed].Fill(ulong.MaxValue);
        bits[needed..].Clear();
        if (needed > 0) bits[needed - 1] = TailMask(sampleCount);
    }

    /// <summary>Number of set bits.</summary>
    public static int PopCount(ReadOnlySpan<ulong> bits)
    {
        var count = 0;
        foreach (var word in bits) count += BitOperations.PopCount(word);
        return count;
    }

    /// <summary>Refuses sample counts outside 0..<see cref="MaxSamples"/>.</summary>
    public static int Checked(int sampleCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sampleCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sampleCount, MaxSamples);
        return sampleCount;
    }
}
