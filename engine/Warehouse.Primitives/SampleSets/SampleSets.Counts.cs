using System.Runtime.Intrinsics;

namespace Warehouse.Primitives;

public sealed partial class SampleSets
{
    /// <summary>
    /// Reads only the number of members of each row, as <see cref="Count"/> gives it, from the lengths of the rows: neither ids nor planes
    /// are touched. The rows are checked as in <see cref="Decode(ReadOnlySpan{byte})"/>; whether ids and planes fit them is not.
    /// </summary>
    /// <param name="encoded">The disk form of a column.</param>
    /// <param name="sampleCount">The number of samples that the column must have.</param>
    /// <param name="counts">One number per row, at most 4,096; overwritten whole.</param>
    /// <exception cref="InvalidDataException">Any inconsistency, another number of samples, or of rows; the counts mean nothing.</exception>
    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    public static void DecodeCounts(ReadOnlySpan<byte> encoded, int sampleCount, Span<ushort> counts)
    {
        var streams = new EncodedStreams(encoded);
        Require(streams.SampleCount == sampleCount && streams.RowCount == counts.Length, "it has the wrong shape");
        using RawStream kinds = streams.Open(0), low = streams.Open(1), high = streams.Open(2);
        Widen(low.Bytes, counts);
        if (high.Bytes.ContainsAnyExcept((byte)0))
            for (var row = 0; row < counts.Length; row++) counts[row] |= (ushort)(high.Bytes[row] << 8);
        // A list is never longer than this, a plane always, so the planes alone may account for what is longer.
        var longest = Math.Min(SampleRow.MaxListLength(streams.SampleCount), streams.SampleCount / 2);
        var longer = CountAbove(counts, longest);
        for (var row = 0; kinds.Bytes[row..].IndexOfAnyExcept((byte)RowKind.List) is >= 0 and var next; row++)
        {
            row += next;
            var (kind, length) = ((RowKind)kinds.Bytes[row], counts[row]);
            Require(kind <= RowKind.Plane && length <= streams.SampleCount, "a row's kind or length is out of range");
            counts[row] = kind == RowKind.Complement ? (ushort)(streams.SampleCount - length) : length;
            Require(SampleRow.KindOf(counts[row], streams.SampleCount) == kind, "a row has the wrong kind for its length");
            if (length > longest) longer--;
        }
        Require(longer == 0, "a row has the wrong kind for its length");
    }

    private static void Widen(ReadOnlySpan<byte> bytes, Span<ushort> values)
    {
        var i = 0;
        for (; i <= values.Length - Vector128<byte>.Count; i += Vector128<byte>.Count)
        {
            var (lower, upper) = Vector128.Widen(Vector128.Create(bytes.Slice(i, Vector128<byte>.Count)));
            lower.CopyTo(values[i..]);
            upper.CopyTo(values[(i + Vector128<ushort>.Count)..]);
        }
        for (; i < values.Length; i++) values[i] = bytes[i];
    }

    private static int CountAbove(ReadOnlySpan<ushort> values, int limit)
    {
        var (above, i) = (0, 0);
        var bound = Vector128.Create((ushort)limit);
        for (; i <= values.Length - Vector128<ushort>.Count; i += Vector128<ushort>.Count)
            above += System.Numerics.BitOperations.PopCount(Vector128.GreaterThan(Vector128.Create(values.Slice(i, Vector128<ushort>.Count)), bound).ExtractMostSignificantBits());
        for (; i < values.Length; i++) above += values[i] > limit ? 1 : 0;
        return above;
    }
}
