namespace Warehouse.Primitives;

/// <summary>
/// Disjoint groups of the samples 0..SampleCount-1 of a panel, in the form that <see cref="SampleSets.AddGroups"/> reads; a
/// sample may be in no group. Prepare it once, use it for many columns. Immutable; any number of threads may read it.
/// </summary>
public sealed class GroupMap
{
    /// <summary>Stands for a group where a sample is in none.</summary>
    public const byte None = 255;

    /// <summary>Most groups: every byte but <see cref="None"/>.</summary>
    public const int MaxGroups = 255;

    /// <summary>Up to this many groups a row's counts fit one 128-bit register of bytes.</summary>
    internal const int FewGroups = 16;

    /// <summary>Up to this many groups a short row's counts fit one 64-bit number, <see cref="FieldBits"/> each.</summary>
    internal const int FieldGroups = 10;

    /// <summary>Bits of a count in such a number: rows of up to 63 ids.</summary>
    internal const int FieldBits = 6;

    private readonly byte[] _groupOf;
    private readonly ulong[] _fields;
    private readonly byte[] _slots;
    private readonly int[] _sizes;
    private readonly WordBlock _planes;
    private readonly WordBlock _window;

    /// <summary>Groups from one byte per sample.</summary>
    /// <param name="groupOf">The group of each sample, below <paramref name="groupCount"/>, or <see cref="None"/>; at most 32,768 samples. Copied.</param>
    /// <param name="groupCount">1 to <see cref="MaxGroups"/>; a group may be empty.</param>
    /// <exception cref="ArgumentException">Too many samples or groups, no group, or a sample of a group that is not there.</exception>
    public GroupMap(ReadOnlySpan<byte> groupOf, int groupCount)
    {
        SampleCount = SampleWords.Checked(groupOf.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(groupCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(groupCount, MaxGroups);
        GroupCount = groupCount;
        WordCount = SampleWords.Padded(SampleCount);
        _groupOf = groupOf.ToArray();
        _sizes = new int[groupCount];
        _planes = new WordBlock(groupCount * WordCount);
        foreach (var group in groupOf)
        {
            if (group != None && group >= groupCount) throw new ArgumentException("a sample of a group that is not there", nameof(groupOf));
            if (group != None) _sizes[group]++;
        }
        for (var group = 0; group < groupCount; group++) ByteMatch.ToBits(groupOf, (byte)group, _planes.Words.Slice(group * WordCount, WordCount));
        // One byte of 1 in 64 of 0: 16 bytes loaded from 16 - g on carry their 1 in place g, from 17 on none. Aligned, so that no load leaves the cache line.
        _window = new WordBlock(8);
        _window.Words[2] = 1;
        _slots = new byte[SampleCount];
        for (var sample = 0; sample < SampleCount; sample++) _slots[sample] = (byte)(_groupOf[sample] < FewGroups ? FewGroups - _groupOf[sample] : FewGroups + 1);
        // 32 KiB stay in the first-level cache; more samples would not.
        _fields = groupCount <= FieldGroups && SampleCount <= 4096 ? new ulong[SampleCount] : [];
        for (var sample = 0; sample < _fields.Length; sample++) _fields[sample] = _groupOf[sample] == None ? 0 : 1UL << (FieldBits * _groupOf[sample]);
    }

    /// <summary>Number of samples of the panel.</summary>
    public int SampleCount { get; }

    /// <summary>Number of groups, 1 to <see cref="MaxGroups"/>.</summary>
    public int GroupCount { get; }

    /// <summary>Number of samples of each group.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    /// <summary>Numbers that a row of sums takes: the groups, rounded up to a multiple of 16. What lies behind the groups is padding.</summary>
    public int Stride => (GroupCount + FewGroups - 1) / FewGroups * FewGroups;

    /// <summary>counts[i * GroupCount + g] = sums[i * Stride + g]: sums of <see cref="SampleSets.AddGroups"/> as whole numbers, without padding.</summary>
    /// <exception cref="ArgumentException">The sums are no whole number of rows, or the counts are not as many.</exception>
    public void Widen(ReadOnlySpan<ushort> sums, Span<int> counts)
    {
        if (sums.Length % Stride != 0 || counts.Length != sums.Length / Stride * GroupCount) throw new ArgumentException("sums and counts are of another shape", nameof(counts));
        Warehouse.Primitives.GroupCount.Widen(sums, this, counts);
    }

    /// <summary>Words of one group's plane: a multiple of 8.</summary>
    internal int WordCount { get; }

    /// <summary>The group of each sample, or <see cref="None"/>.</summary>
    internal ReadOnlySpan<byte> GroupOf => _groupOf;

    /// <summary>Where to load 16 bytes of <see cref="Window"/> so that they count one sample; for at most <see cref="FewGroups"/> groups.</summary>
    internal ReadOnlySpan<byte> Slots => _slots;

    /// <summary>What a sample adds to a number of fields: a 1 in the field of its group. Empty where there are too many groups or samples.</summary>
    internal ReadOnlySpan<ulong> Fields => _fields;

    /// <summary>See <see cref="Slots"/>.</summary>
    internal ReadOnlySpan<ulong> Window => _window.Words;

    /// <summary>The groups as planes of <see cref="WordCount"/> words, group after group.</summary>
    internal ReadOnlySpan<ulong> Planes => _planes.Words;
}
