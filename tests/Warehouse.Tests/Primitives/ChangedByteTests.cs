using Xunit;

namespace Warehouse.Tests.Primitives;

/// <summary>What the tests of the codecs try in steps, in full: every byte of an encoded column changed to (nearly) every other value.</summary>
public sealed class ChangedByteTests
{
    [Fact]
    public void Every_changed_byte_of_a_set_column_is_refused_or_gives_a_sound_column() => SampleSetsCodecTests.CheckChangedBytes((6, 1), (300, 7));

    [Fact]
    public void Every_changed_byte_of_haplotypes_is_refused_or_gives_sound_columns() => HaplotypeColumnsTests.CheckChangedBytes((70, 12, 1), (600, 150, 37));

    [Fact]
    public void Every_changed_byte_of_gaps_is_refused_or_gives_a_sound_column() => SampleGapsTests.CheckChangedBytes(step: 3);
}
