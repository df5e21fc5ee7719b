namespace Warehouse.Primitives;

/// <summary>
/// A cohort: a set of sample ids 0..SampleCount-1 in the form that the counting kernels read. Prepare it once, use it for many
/// columns. Any number of threads may read it; changing it through the indexer needs that nobody else uses it.
/// </summary>
public sealed class SampleMask
{
    /// <summary>Up to this many samples the whole mask fits eight 512-bit registers.</summary>
    internal const int RegisterSamples = 4096;

    private readonly WordBlock _words;
    private byte[]? _bytes;

    /// <summary>An empty mask.</summary>
    /// <param name="sampleCount">0 to 32,768.</param>
    /// <exception cref="ArgumentOutOfRangeException">The sample count is outside.</exception>
    public SampleMask(int sampleCount)
    {
        SampleCount = SampleWords.Checked(sampleCount);
        _words = new WordBlock(Math.Max(RegisterSamples / 64, SampleWords.Padded(sampleCount)));
    }

    private SampleMask(SampleMask source)
        : this(source.SampleCount)
    {
        source._words.Words.CopyTo(_words.Words);
        Count = source.Count;
    }

    /// <summary>Number of samples of the panel.</summary>
    public int SampleCount { get; }

    /// <summary>Number of samples in the mask.</summary>
    public int Count { get; private set; }

    /// <summary>The mask as a plane, padded with zeros to a multiple of 8 words; bit s of word s / 64 is sample s.</summary>
    public ReadOnlySpan<ulong> Words => _words.Words[..SampleWords.Padded(SampleCount)];

    /// <summary>The plane padded to 4,096 bits; for masks of at most that many samples.</summary>
    internal ReadOnlySpan<ulong> RegisterWords => _words.Words[..(RegisterSamples / 64)];

    /// <summary>One byte per sample, 0 or 1; made at the first use. Two threads may both make it, equal.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes ??= ToBytes();

    /// <summary>Whether a sample (0-based) is in the mask.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sample is outside the panel.</exception>
    public bool this[int sample]
    {
        get => (_words.Words[CheckedSample(sample) >> 6] >> (sample & 63) & 1) != 0;
        set
        {
            if (this[sample] == value) return;
            _words.Words[sample >> 6] ^= 1UL << (sample & 63);
            Count += value ? 1 : -1;
            _bytes = null;
        }
    }

    /// <summary>A mask of every sample.</summary>
    public static SampleMask All(int sampleCount) => new SampleMask(sampleCount).Complement();

    /// <summary>A mask from a plane of at least ceil(sampleCount / 64) words.</summary>
    /// <exception cref="ArgumentException">The plane is too short or has bits behind the last sample.</exception>
    public static SampleMask FromBits(int sampleCount, ReadOnlySpan<ulong> bits)
    {
        var mask = new SampleMask(sampleCount);
        if (!SampleWords.AreValid(bits, sampleCount)) throw new ArgumentException("too few words, or bits behind the last sample", nameof(bits));
        bits[..SampleWords.Needed(sampleCount)].CopyTo(mask._words.Words);
        mask.Count = SampleWords.PopCount(mask.Words);
        return mask;
    }

    /// <summary>A new mask: samples in both.</summary>
    /// <exception cref="ArgumentException">The masks are of different panels.</exception>
    public SampleMask And(SampleMask other) => Combined(other, static (a, b) => a & b);

    /// <summary>A new mask: samples in either.</summary>
    /// <exception cref="ArgumentException">The masks are of different panels.</exception>
    public SampleMask Or(SampleMask other) => Combined(other, static (a, b) => a | b);

    /// <summary>A new mask: samples here and not in the other.</summary>
    /// <exception cref="ArgumentException">The masks are of different panels.</exception>
    public SampleMask AndNot(SampleMask other) => Combined(other, static (a, b) => a & ~b);

    /// <summary>A new mask: samples not here.</summary>
    public SampleMask Complement()
    {
        var all = new SampleMask(SampleCount);
        SampleWords.SetAll(all._words.Words, SampleCount);
        return all.AndNot(this);
    }

    private SampleMask Combined(SampleMask other, Func<ulong, ulong, ulong> combine)
    {
        if (other.SampleCount != SampleCount) throw new ArgumentException("masks of different panels", nameof(other));
        var result = new SampleMask(this);
        var words = result._words.Words;
        for (var i = 0; i < words.Length; i++) words[i] = combine(words[i], other._words.Words[i]);
        result.Count = SampleWords.PopCount(words);
        return result;
    }

    private byte[] ToBytes()
    {
        var bytes = new byte[SampleCount];
        for (var sample = 0; sample < bytes.Length; sample++) bytes[sample] = this[sample] ? (byte)1 : (byte)0;
        return bytes;
    }

    private int CheckedSample(int sample)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sample);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sample, SampleCount);
        return sample;
    }
}
