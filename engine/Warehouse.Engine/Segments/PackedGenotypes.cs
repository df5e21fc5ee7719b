using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>Puts the smaller forms of a block's genotypes in the place of the plain ones.</summary>
internal static class PackedGenotypes
{
    /// <summary>The plain streams that each packed one stands for.</summary>
    private static readonly Dictionary<BlockStream, BlockStream[]> PlainOf = new()
    {
        [BlockStream.Haplotypes] = [BlockStream.Het, BlockStream.Hom, BlockStream.Swapped],
        [BlockStream.MissingGaps] = [BlockStream.Missing],
    };

    /// <summary>Whether a block has packed streams only in a packed segment, and nothing in two forms.</summary>
    public static bool AreSound(IEnumerable<BlockStream> streams, bool isPacked)
    {
        var all = streams.ToHashSet();
        return !PlainOf.Any(p => all.Contains(p.Key) && (!isPacked || p.Value.Any(all.Contains)));
    }

    /// <summary>Replaces the plain streams of a block, each where the other form is smaller and holds what it holds.</summary>
    /// <param name="streams">The encoded streams of the block.</param>
    /// <param name="firstRow">First row of each record, and last the number of rows.</param>
    /// <param name="samples">Samples of the block.</param>
    /// <param name="columns">What het, hom and swapped hold.</param>
    /// <param name="masks">The missing and the absent samples of each record.</param>
    public static void ReplaceIfSmaller(Dictionary<BlockStream, byte[]> streams, ReadOnlySpan<int> firstRow, int samples, HaplotypeColumns columns, (SampleSets Missing, SampleSets Absent) masks)
    {
        var haplotypes = BytesOf(streams, BlockStream.Haplotypes) > 0 ? columns.Encode(samples, firstRow, masks.Missing, masks.Absent) : null;
        var gaps = BytesOf(streams, BlockStream.MissingGaps) > 0 ? SampleGaps.Encode(masks.Missing) : null;
        Replace(streams, BlockStream.Haplotypes, haplotypes);
        Replace(streams, BlockStream.MissingGaps, gaps);
    }

    private static long BytesOf(Dictionary<BlockStream, byte[]> streams, BlockStream packed) =>
        PlainOf[packed].Sum(s => streams.TryGetValue(s, out var bytes) ? (long)bytes.Length : 0);

    private static void Replace(Dictionary<BlockStream, byte[]> streams, BlockStream packed, byte[]? encoded)
    {
        if (encoded is null || encoded.Length >= BytesOf(streams, packed)) return;
        foreach (var plain in PlainOf[packed]) streams.Remove(plain);
        streams[packed] = encoded;
    }
}
