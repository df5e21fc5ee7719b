namespace Warehouse.Primitives;

/// <summary>Where a row's samples lie. An empty row is a list of none, a full row the complement of none. The values are also the disk form.</summary>
internal enum RowKind : byte
{
    /// <summary>The members, ascending.</summary>
    List = 0,

    /// <summary>The samples that are not members, ascending.</summary>
    Complement = 1,

    /// <summary>A bit plane.</summary>
    Plane = 2,
}

/// <summary>One row of a column, 8 bytes.</summary>
/// <param name="Start">List and complement: index of the first id. Plane: number of the plane.</param>
/// <param name="Length">List and complement: number of ids. Plane: number of members.</param>
/// <param name="Kind">What the row is.</param>
internal readonly record struct SampleRow(int Start, ushort Length, RowKind Kind)
{
    /// <summary>
    /// Longest list: 4 ids per padded word, where list and plane take the same bytes (1/16 of the samples, rounded up to what
    /// padding makes of it). Below 513 samples that is 32 ids, one step of the vector kernel.
    /// </summary>
    public static int MaxListLength(int sampleCount) => 4 * SampleWords.Padded(sampleCount);

    /// <summary>Number of members of the row.</summary>
    public int Members(int sampleCount) => Kind == RowKind.Complement ? sampleCount - Length : Length;

    /// <summary>The one kind that a row of <paramref name="count"/> members has: equal sets have equal forms.</summary>
    public static RowKind KindOf(int count, int sampleCount)
    {
        var others = sampleCount - count;
        if (Math.Min(count, others) > MaxListLength(sampleCount)) return RowKind.Plane;
        return count <= others ? RowKind.List : RowKind.Complement;
    }
}
