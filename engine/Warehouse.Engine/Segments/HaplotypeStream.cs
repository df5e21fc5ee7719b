using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>Puts the haplotype form of a block's genotypes in the place of the plain one.</summary>
internal static class HaplotypeStream
{
    /// <summary>The streams that <see cref="BlockStream.Haplotypes"/> stands for.</summary>
    public static readonly IReadOnlyList<BlockStream> Replaced = [BlockStream.Het, BlockStream.Hom, BlockStream.Swapped];

    /// <summary>Replaces the plain streams of a block by the haplotype form if that is smaller and holds them.</summary>
    /// <param name="streams">The encoded streams of the block.</param>
    /// <param name="firstRow">First row of each record, and last the number of rows.</param>
    /// <param name="samples">Samples of the block.</param>
    /// <param name="columns">What the plain streams hold.</param>
    /// <param name="masks">The missing and the absent samples of each record.</param>
    public static void ReplaceIfSmaller(Dictionary<BlockStream, byte[]> streams, ReadOnlySpan<int> firstRow, int samples, HaplotypeColumns columns, (SampleSets Missing, SampleSets Absent) masks)
    {
        var plainBytes = Replaced.Sum(s => streams.TryGetValue(s, out var bytes) ? (long)bytes.Length : 0);
        if (plainBytes == 0 || columns.Encode(samples, firstRow, masks.Missing, masks.Absent) is not { } encoded || encoded.Length >= plainBytes) return;
        foreach (var stream in Replaced) streams.Remove(stream);
        streams[BlockStream.Haplotypes] = encoded;
    }
}
