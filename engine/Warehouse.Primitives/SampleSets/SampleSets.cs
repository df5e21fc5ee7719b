using System.Buffers;
using System.Diagnostics;

namespace Warehouse.Primitives;

/// <summary>
/// A column of rows, each row a set of sample ids 0..SampleCount-1 (for example the heterozygous carriers of each allele).
/// Immutable; any number of threads may read it. Hot form: per row the shortest of an ascending 16-bit id list, the list of the
/// samples that are not members, and a bit plane, together in two big arrays; rows are counted kind by kind, so that no branch
/// per row remains. Row and sample numbers are 0-based; a row outside the column throws <see cref="IndexOutOfRangeException"/>.
/// </summary>
public sealed partial class SampleSets
{
    // Each may be longer than what is in it: a column can be read into the memory of another.
    private readonly SampleRow[] _rows;
    private readonly ushort[] _ids;
    private readonly WordBlock _planes;
    private readonly int[] _byKind;
    private readonly int _idCount;
    private readonly (int Lists, int Complements, int Planes) _kinds;

    /// <summary>Takes over the arrays.</summary>
    /// <param name="sampleCount">Samples of the panel.</param>
    /// <param name="rows">The rows, and anything behind them.</param>
    /// <param name="ids">The ids, <see cref="ListCount.SlackIds"/> of anything, and more.</param>
    /// <param name="planes">The planes.</param>
    /// <param name="byKind">Memory for the rows in the order of their kinds; null = new.</param>
    internal SampleSets(int sampleCount, (SampleRow[] Array, int Count) rows, (ushort[] Array, int Count) ids, WordBlock planes, int[]? byKind = null)
    {
        SampleCount = sampleCount;
        WordCount = SampleWords.Padded(sampleCount);
        (_rows, RowCount, _ids, _idCount, _planes) = (rows.Array, rows.Count, ids.Array, ids.Count, planes);
        (_byKind, _kinds) = Index(Entries, byKind);
        Debug.Assert(planes.Words.Length == _kinds.Planes * WordCount);
    }

    /// <summary>Number of samples of the panel, at most 32,768.</summary>
    public int SampleCount { get; }

    /// <summary>Number of rows.</summary>
    public int RowCount { get; }

    /// <summary>Words of a plane, padding included: a multiple of 8.</summary>
    public int WordCount { get; }

    /// <summary>True when no row has a member.</summary>
    public bool AllEmpty => _kinds == default;

    /// <summary>Bytes of memory that the rows take.</summary>
    public long HotBytes =>
        RowCount * 8L + (_idCount + ListCount.SlackIds) * 2L + _planes.Words.Length * 8L + (_kinds.Lists + _kinds.Complements + _kinds.Planes) * 4L;

    private ReadOnlySpan<SampleRow> Entries => _rows.AsSpan(0, RowCount);

    private ReadOnlySpan<int> Listed => _byKind.AsSpan(0, _kinds.Lists);

    private ReadOnlySpan<int> Complemented => _byKind.AsSpan(_kinds.Lists, _kinds.Complements);

    private ReadOnlySpan<int> Dense => _byKind.AsSpan(_kinds.Lists + _kinds.Complements, _kinds.Planes);

    /// <summary>Number of members of a row.</summary>
    public int Count(int row) => Entries[row].Members(SampleCount);

    /// <summary>Whether a row has no member.</summary>
    public bool IsEmpty(int row) => Entries[row] is { Kind: RowKind.List, Length: 0 };

    /// <summary>Number of members of a row that are in the mask.</summary>
    /// <exception cref="ArgumentException">The mask is of another panel.</exception>
    public int CountMasked(int row, SampleMask mask)
    {
        CheckMask(mask);
        var kind = Entries[row].Kind;
        var count = 0;
        if (kind == RowKind.Plane) PlaneCount.Rows(Planes(new(ref row), row), mask, new(ref count));
        else ListCount.Rows(Lists(new(ref row), row), mask, new(ref count));
        return kind == RowKind.Complement ? mask.Count - count : count;
    }

    /// <summary>
    /// counts[i] = number of members of row firstRow + i that are in the mask, for as many rows as <paramref name="counts"/> is
    /// long. The fast way: prefer one call for many rows.
    /// </summary>
    /// <exception cref="ArgumentException">The mask is of another panel, or the rows leave the column.</exception>
    public void CountMasked(int firstRow, SampleMask mask, Span<int> counts)
    {
        CheckMask(mask);
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(counts.Length, RowCount - firstRow, nameof(counts));
        counts.Clear();
        var endRow = firstRow + counts.Length;
        ListCount.Rows(Lists(Between(Listed, firstRow, endRow), firstRow), mask, counts);
        PlaneCount.Rows(Planes(Between(Dense, firstRow, endRow), firstRow), mask, counts);
        var complements = Between(Complemented, firstRow, endRow);
        ListCount.Rows(Lists(complements, firstRow), mask, counts);
        foreach (var row in complements) counts[row - firstRow] = mask.Count - counts[row - firstRow];
    }

    /// <summary>
    /// sums[i * groups.Stride + g] grows by the number of members of row firstRow + i that are in group g, for as many rows as
    /// <paramref name="sums"/> has room for. One pass over the rows for all groups. Sums wrap around at 65,536: the caller adds
    /// no more columns than have so many samples together.
    /// </summary>
    /// <exception cref="ArgumentException">The groups are of another panel, the room is for no whole number of rows, or the rows leave the column.</exception>
    public void AddGroups(int firstRow, GroupMap groups, Span<ushort> sums)
    {
        if (groups.SampleCount != SampleCount) throw new ArgumentException("groups of another panel", nameof(groups));
        var (rowCount, partOfRow) = Math.DivRem(sums.Length, groups.Stride);
        if (partOfRow != 0) throw new ArgumentException("room for no whole number of rows", nameof(sums));
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, RowCount - firstRow, nameof(sums));
        var endRow = firstRow + rowCount;
        GroupCount.Lists(Lists(Between(Listed, firstRow, endRow), firstRow), groups, sums);
        GroupCount.Planes(Planes(Between(Dense, firstRow, endRow), firstRow), groups, sums);
        Span<ushort> others = stackalloc ushort[GroupMap.MaxGroups + 1];
        others = others[..groups.Stride];
        foreach (var row in Between(Complemented, firstRow, endRow))
        {
            others.Clear();
            GroupCount.Lists(Lists(new(in row), row), groups, others);
            var ofRow = sums.Slice((row - firstRow) * groups.Stride, groups.GroupCount);
            for (var group = 0; group < ofRow.Length; group++) ofRow[group] += (ushort)(groups.Sizes[group] - others[group]);
        }
    }

    /// <summary>counts[i] = number of members of row firstRow + i, for as many rows as <paramref name="counts"/> is long. No id and no plane is read.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The rows leave the column.</exception>
    public void CountAll(int firstRow, Span<int> counts)
    {
        var rows = Entries.Slice(firstRow, counts.Length);
        for (var i = 0; i < rows.Length; i++) counts[i] = rows[i].Kind == RowKind.Complement ? SampleCount - rows[i].Length : rows[i].Length;
    }

    /// <summary>Overwrites the first <see cref="WordCount"/> words with the row as a plane: bit s of word s / 64 is sample s.</summary>
    /// <exception cref="ArgumentException"><paramref name="bits"/> is shorter than <see cref="WordCount"/>.</exception>
    public void CopyBits(int row, Span<ulong> bits)
    {
        if (bits.Length < WordCount) throw new ArgumentException("shorter than WordCount", nameof(bits));
        bits = bits[..WordCount];
        switch (Entries[row].Kind)
        {
            case RowKind.Plane:
                Plane(row).CopyTo(bits);
                break;
            case RowKind.List:
                bits.Clear();
                foreach (var id in Ids(row)) bits[id >> 6] |= 1UL << (id & 63);
                break;
            default:
                SampleWords.SetAll(bits, SampleCount);
                foreach (var id in Ids(row)) bits[id >> 6] &= ~(1UL << (id & 63));
                break;
        }
    }

    /// <summary>Whether a sample is a member of a row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sample is outside the panel.</exception>
    public bool Contains(int row, int sample)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sample);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(sample, SampleCount);
        return Entries[row].Kind switch
        {
            RowKind.Plane => (Plane(row)[sample >> 6] >> (sample & 63) & 1) != 0,
            RowKind.List => Ids(row).BinarySearch((ushort)sample) >= 0,
            _ => Ids(row).BinarySearch((ushort)sample) < 0,
        };
    }

    /// <summary>Writes the members of a row, ascending, and returns how many; what lies behind them may be overwritten.</summary>
    /// <exception cref="ArgumentException"><paramref name="ids"/> is shorter than the row's count.</exception>
    public int CopyIds(int row, Span<ushort> ids)
    {
        var count = Count(row);
        if (ids.Length < count) throw new ArgumentException("shorter than the row's count", nameof(ids));
        switch (Entries[row].Kind)
        {
            case RowKind.Plane:
                return BitsToIds.Write(Plane(row), count, ids);
            case RowKind.List:
                Ids(row).CopyTo(ids);
                return count;
            default:
                Span<ulong> bits = stackalloc ulong[WordCount];
                CopyBits(row, bits);
                return BitsToIds.Write(bits, count, ids);
        }
    }

    private static ReadOnlySpan<int> Between(ReadOnlySpan<int> ascendingRows, int firstRow, int endRow)
    {
        var from = LowerBound(ascendingRows, firstRow);
        return ascendingRows[from..LowerBound(ascendingRows, endRow)];
    }

    private static int LowerBound(ReadOnlySpan<int> ascending, int value)
    {
        var at = ascending.BinarySearch(value);
        return at < 0 ? ~at : at;
    }

    /// <summary>The rows of lists, of complements and of planes, each ascending. Empty rows are in none: the counts are cleared anyway.</summary>
    private static (int[] ByKind, (int Lists, int Complements, int Planes) Counts) Index(ReadOnlySpan<SampleRow> rows, int[]? byKind)
    {
        var rented = ArrayPool<int>.Shared.Rent(rows.Length * 3 + 3);
        Span<int> listed = rented.AsSpan(0, rows.Length + 1), complemented = rented.AsSpan(rows.Length + 1, rows.Length + 1), dense = rented.AsSpan(2 * rows.Length + 2, rows.Length + 1);
        int listCount = 0, complementCount = 0, planeCount = 0;
        // Written always and counted when it holds: no branch to mispredict.
        for (var row = 0; row < rows.Length; row++)
        {
            var kind = rows[row].Kind;
            listed[listCount] = complemented[complementCount] = dense[planeCount] = row;
            listCount += kind == RowKind.List & rows[row].Length > 0 ? 1 : 0;
            complementCount += kind == RowKind.Complement ? 1 : 0;
            planeCount += kind == RowKind.Plane ? 1 : 0;
        }
        var count = listCount + complementCount + planeCount;
        if (byKind is null || byKind.Length < count) byKind = GC.AllocateUninitializedArray<int>(byKind is null ? count : WithRoom(count));
        listed[..listCount].CopyTo(byKind);
        complemented[..complementCount].CopyTo(byKind.AsSpan(listCount));
        dense[..planeCount].CopyTo(byKind.AsSpan(listCount + complementCount));
        ArrayPool<int>.Shared.Return(rented);
        return (byKind, (listCount, complementCount, planeCount));
    }

    private ReadOnlySpan<ushort> Ids(int row) => _ids.AsSpan(Entries[row].Start, Entries[row].Length);

    private ReadOnlySpan<ulong> Plane(int row) => _planes.Words.Slice(Entries[row].Start * WordCount, WordCount);

    private ListRows Lists(ReadOnlySpan<int> rows, int firstRow) => new() { Rows = rows, Entries = Entries, Ids = _ids, FirstRow = firstRow };

    private PlaneRows Planes(ReadOnlySpan<int> rows, int firstRow) => new() { Rows = rows, Entries = Entries, Planes = _planes.Words, FirstRow = firstRow };

    private void CheckMask(SampleMask mask)
    {
        if (mask.SampleCount != SampleCount) throw new ArgumentException("a mask of another panel", nameof(mask));
    }
}
