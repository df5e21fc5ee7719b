using System.Buffers.Binary;
using System.Numerics;
using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Release;

/// <summary>
/// A set of people of a release epoch, as a bitmap over the epoch's numbers of samples. Equal sets have equal digests, however they were
/// asked for. Immutable, any thread.
/// </summary>
public sealed class CohortSet
{
    private readonly ulong[] _words;

    /// <summary>Takes a copy of a bitmap.</summary>
    /// <param name="samples">All samples of the epoch.</param>
    /// <param name="words">Bit i % 64 of word i / 64 is sample i; bits behind the last sample are zero.</param>
    /// <exception cref="ArgumentException">The bitmap is not as long as the samples need, or names one that is not there.</exception>
    public CohortSet(int samples, ReadOnlySpan<ulong> words)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(samples);
        if (words.Length != WordsOf(samples)) throw new ArgumentException("the bitmap has not the length that the samples need", nameof(words));
        if (samples % 64 != 0 && words[^1] >> (samples % 64) != 0) throw new ArgumentException("the bitmap names samples that are not there", nameof(words));
        (Samples, _words) = (samples, words.ToArray());
        foreach (var word in _words) People += BitOperations.PopCount(word);
        var bytes = new byte[4 + (_words.Length * 8)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, samples);
        for (var i = 0; i < _words.Length; i++) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(4 + (i * 8)), _words[i]);
        Digest = Digest.Of(bytes);
    }

    /// <summary>All samples of the epoch.</summary>
    public int Samples { get; }

    /// <summary>Samples of the set.</summary>
    public int People { get; }

    /// <summary>Digest of the epoch's number of samples and the members.</summary>
    public Digest Digest { get; }

    /// <summary>The bitmap.</summary>
    public ReadOnlySpan<ulong> Words => _words;

    /// <summary>From the numbers of its members, in any order.</summary>
    public static CohortSet Of(int samples, IEnumerable<int> members)
    {
        var words = new ulong[WordsOf(samples)];
        foreach (var member in members)
        {
            if (member < 0 || member >= samples) throw new ArgumentException("a member is no sample of the epoch", nameof(members));
            words[member / 64] |= 1UL << (member % 64);
        }
        return new CohortSet(samples, words);
    }

    /// <summary>Whether a sample is in it.</summary>
    public bool Has(int sample) => (_words[sample / 64] >> (sample % 64) & 1) != 0;

    /// <summary>Whether the two have members in common.</summary>
    public bool Meets(CohortSet other) => CountBoth(other) > 0;

    /// <summary>Members that are in the other as well.</summary>
    public int CountBoth(CohortSet other)
    {
        Check(other);
        var both = 0;
        for (var i = 0; i < _words.Length; i++) both += BitOperations.PopCount(_words[i] & other._words[i]);
        return both;
    }

    /// <summary>The members that are in none of some sets.</summary>
    public CohortSet Without(IReadOnlyList<CohortSet> others)
    {
        var words = (ulong[])_words.Clone();
        foreach (var other in others)
        {
            Check(other);
            for (var i = 0; i < words.Length; i++) words[i] &= ~other._words[i];
        }
        return new CohortSet(Samples, words);
    }

    internal static int WordsOf(int samples) => (samples + 63) / 64;

    private void Check(CohortSet other)
    {
        if (other.Samples != Samples) throw new ArgumentException("the sets are of different epochs", nameof(other));
    }
}
