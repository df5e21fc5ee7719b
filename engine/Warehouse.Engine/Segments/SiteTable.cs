using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>What the store keeps of a record besides its genotypes.</summary>
[Flags]
internal enum RecordFlags : byte
{
    None = 0,

    /// <summary>FILTER is PASS or <c>.</c>.</summary>
    Passes = 1,

    /// <summary>Has a base or <c>*</c> allele, so it speaks for its whole REF span (COUNTS.md, rules 2 to 4).</summary>
    Speaks = 2,

    /// <summary>Every diploid call is written with <c>|</c>.</summary>
    AllPhased = 4,

    /// <summary>Some diploid calls are written with <c>|</c>, some with <c>/</c>: the phase column tells which.</summary>
    MixedPhase = 8,

    /// <summary>The record has no GT.</summary>
    NoGenotypes = 16,
}

/// <summary>
/// The records and allele rows of one block, decoded. A record is a line of a file as written (REF and ALTs upper-cased);
/// a row is one ALT of a record with its normalised form. Rows lie record by record in ALT order; <see cref="SortedRows"/>
/// gives the countable base alleles in the order start, REF, ALT (bytewise). Coordinates are 0-based half-open. Immutable, any thread.
/// </summary>
internal sealed class SiteTable
{
    internal SiteTable(int recordCount, int rowCount)
    {
        // Whoever makes a table writes every entry, but for the rows that are collapsed and the first of FirstRow.
        RecordStart = GC.AllocateUninitializedArray<int>(recordCount);
        RecordEnd = GC.AllocateUninitializedArray<int>(recordCount);
        Flags = GC.AllocateUninitializedArray<RecordFlags>(recordCount);
        Filter = GC.AllocateUninitializedArray<ushort>(recordCount);
        RefAt = GC.AllocateUninitializedArray<int>(recordCount);
        FirstRow = GC.AllocateUninitializedArray<int>(recordCount + 1);
        FirstRow[0] = 0;
        RowRecord = GC.AllocateUninitializedArray<int>(rowCount);
        RowKind = GC.AllocateUninitializedArray<AlleleKind>(rowCount);
        RowCollapsed = new bool[rowCount];
        RowStart = GC.AllocateUninitializedArray<int>(rowCount);
        WrittenAlt = GC.AllocateUninitializedArray<(int, int)>(rowCount);
        RowRef = GC.AllocateUninitializedArray<(int, int)>(rowCount);
        RowAlt = GC.AllocateUninitializedArray<(int, int)>(rowCount);
    }

    // Largest end of the REF spans of SortedRows 0..i; made on first use, twice when two threads ask at once.
    private int[]? _largestRowEnd;

    // Of the speaking records 0..i, made likewise.
    private int[]? _largestEnd;

    /// <summary>Bytes of memory that the columns take, about: 22 a record, 54 a row, and the text.</summary>
    public long MemoryBytes => (22L * RecordCount) + (54L * RowCount) + Text.Length + (96L * Extents.Count);

    public int RecordCount => RecordStart.Length;

    public int RowCount => RowRecord.Length;

    public int[] RecordStart { get; }

    /// <summary>End of the REF span as written.</summary>
    public int[] RecordEnd { get; }

    public RecordFlags[] Flags { get; }

    /// <summary>Index into <see cref="FilterTexts"/>.</summary>
    public ushort[] Filter { get; }

    public string[] FilterTexts { get; internal set; } = [];

    public int[] RefAt { get; }

    /// <summary>First row of each record; one more entry than records.</summary>
    public int[] FirstRow { get; }

    public int[] RowRecord { get; }

    public AlleleKind[] RowKind { get; }

    /// <summary>True for a row that repeats another row's allele with the same genotypes: counted once, through the other.</summary>
    public bool[] RowCollapsed { get; }

    public int[] RowStart { get; }

    public (int At, int Length)[] WrittenAlt { get; }

    public (int At, int Length)[] RowRef { get; }

    public (int At, int Length)[] RowAlt { get; }

    public byte[] Text { get; internal set; } = [];

    /// <summary>Extents of symbolic and breakend rows, by row.</summary>
    public Dictionary<int, StructuralExtent> Extents { get; } = [];

    /// <summary>Countable base rows by start, REF, ALT.</summary>
    public int[] SortedRows { get; private set; } = [];

    /// <summary>Largest end of a speaking record among records 0..i.</summary>
    public int[] LargestEnd => _largestEnd ??= LargestEnds();

    public ReadOnlySpan<byte> RowRefText(int row) => Text.AsSpan(RowRef[row].At, RowRef[row].Length);

    public ReadOnlySpan<byte> RowAltText(int row) => Text.AsSpan(RowAlt[row].At, RowAlt[row].Length);

    public ReadOnlySpan<byte> RecordRefText(int record) => Text.AsSpan(RefAt[record], RecordEnd[record] - RecordStart[record]);

    public ReadOnlySpan<byte> WrittenAltText(int row) => Text.AsSpan(WrittenAlt[row].At, WrittenAlt[row].Length);

    /// <summary>1-based ALT index of a row within its record.</summary>
    public int AltIndex(int row) => row - FirstRow[RowRecord[row]] + 1;

    /// <summary>Whether another table has the same records and rows with the same FILTER verdicts; phase may differ.</summary>
    public bool HasSameRows(SiteTable other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (!RecordStart.AsSpan().SequenceEqual(other.RecordStart) || !SortedRows.AsSpan().SequenceEqual(other.SortedRows) || !RowRecord.AsSpan().SequenceEqual(other.RowRecord)
            || !RowStart.AsSpan().SequenceEqual(other.RowStart)) return false;
        for (var record = 0; record < RecordCount; record++)
            if (((Flags[record] ^ other.Flags[record]) & RecordFlags.Passes) != 0) return false;
        foreach (var row in SortedRows)
            if (!RowRefText(row).SequenceEqual(other.RowRefText(row)) || !RowAltText(row).SequenceEqual(other.RowAltText(row))) return false;
        return true;
    }

    /// <summary>Whether two countable rows are the same allele.</summary>
    public bool RepeatsAlleles()
    {
        for (var i = 1; i < SortedRows.Length; i++)
            if (RowStart[SortedRows[i - 1]] == RowStart[SortedRows[i]] && CompareRows(SortedRows[i - 1], SortedRows[i]) == 0) return true;
        return false;
    }

    /// <summary>Orders two base rows by start, REF, ALT.</summary>
    public int CompareRows(int a, int b)
    {
        var byStart = RowStart[a].CompareTo(RowStart[b]);
        if (byStart != 0) return byStart;
        var byRef = RowRefText(a).SequenceCompareTo(RowRefText(b));
        return byRef != 0 ? byRef : RowAltText(a).SequenceCompareTo(RowAltText(b));
    }

    /// <summary>Ranks two records that both speak for a place: the shorter, then by REF and ALTs as text (COUNTS.md, after rule 2).</summary>
    public int CompareText(int a, int b)
    {
        var byRef = RecordRefText(a).SequenceCompareTo(RecordRefText(b));
        return byRef != 0 ? byRef : JoinedAlts(a).AsSpan().SequenceCompareTo(JoinedAlts(b));
    }

    /// <summary>ALT column of a record as written, upper-cased.</summary>
    public byte[] JoinedAlts(int record)
    {
        var joined = new List<byte>();
        for (var row = FirstRow[record]; row < FirstRow[record + 1]; row++)
        {
            if (joined.Count > 0) joined.Add((byte)',');
            joined.AddRange(WrittenAltText(row));
        }
        return [.. joined];
    }

    /// <summary>
    /// Adds the countable rows of an allele to a list, ascending. In a merged segment there can be several: one allele spelled differently
    /// by different files.
    /// </summary>
    public void FindRows(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, List<int> rows)
    {
        for (var i = LowerBound(start); i < SortedRows.Length && RowStart[SortedRows[i]] == start; i++)
        {
            var row = SortedRows[i];
            if (RowRefText(row).SequenceEqual(reference) && RowAltText(row).SequenceEqual(alternate)) rows.Add(row);
        }
    }

    /// <summary>First position in <see cref="SortedRows"/> whose start is not below <paramref name="start"/>.</summary>
    public int LowerBound(int start) => LowerBound(SortedRows, start);

    /// <summary>The same among some of the sorted rows.</summary>
    public int LowerBound(ReadOnlySpan<int> rows, int start)
    {
        var (low, high) = (0, rows.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (RowStart[rows[middle]] < start) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Adds the countable base rows whose REF span overlaps [start, end) to a list, in order.</summary>
    public void OverlappingRows(int start, int end, List<int> rows)
    {
        var largestEnd = _largestRowEnd ??= LargestRowEnds();
        for (var i = LowerBound(end) - 1; i >= 0 && largestEnd[i] > start; i--)
            if (RowStart[SortedRows[i]] + RowRef[SortedRows[i]].Length > start) rows.Add(SortedRows[i]);
        rows.Reverse();
    }

    private int[] LargestRowEnds()
    {
        var (ends, largest) = (new int[SortedRows.Length], int.MinValue);
        for (var i = 0; i < ends.Length; i++) ends[i] = largest = Math.Max(largest, RowStart[SortedRows[i]] + RowRef[SortedRows[i]].Length);
        return ends;
    }

    private int[] LargestEnds()
    {
        var (ends, largest) = (new int[RecordCount], int.MinValue);
        for (var i = 0; i < ends.Length; i++)
        {
            if ((Flags[i] & RecordFlags.Speaks) != 0) largest = Math.Max(largest, RecordEnd[i]);
            ends[i] = largest;
        }
        return ends;
    }

    /// <summary>Adds the speaking records that overlap [start, end) to a list, in record order.</summary>
    public void Touching(int start, int end, List<int> records)
    {
        var after = LowerBoundRecord(end);
        for (var i = after - 1; i >= 0 && LargestEnd[i] > start; i--)
            if (RecordEnd[i] > start && (Flags[i] & RecordFlags.Speaks) != 0) records.Add(i);
        records.Reverse();
    }

    /// <summary>True when a speaking record overlaps [start, end).</summary>
    public bool Touches(int start, int end)
    {
        for (var i = LowerBoundRecord(end) - 1; i >= 0 && LargestEnd[i] > start; i--)
            if (RecordEnd[i] > start && (Flags[i] & RecordFlags.Speaks) != 0) return true;
        return false;
    }

    private int LowerBoundRecord(int start)
    {
        var (low, high) = (0, RecordCount);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (RecordStart[middle] < start) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Computes the derived columns once all rows are in.</summary>
    internal void Index()
    {
        (_largestEnd, _largestRowEnd) = (null, null);
        var sorted = GC.AllocateUninitializedArray<int>(RowCount);
        var (kinds, starts, count, ordered, before) = (RowKind, RowStart, 0, true, int.MinValue);
        for (var row = 0; row < sorted.Length; row++)
        {
            if (kinds[row] != AlleleKind.Bases || RowCollapsed[row]) continue;
            var start = starts[row];
            if (start <= before && count > 0 && (start < before || CompareRows(sorted[count - 1], row) > 0)) ordered = false;
            before = start;
            sorted[count++] = row;
        }
        Array.Resize(ref sorted, count);
        if (!ordered) Array.Sort(sorted, (a, b) => CompareRows(a, b) is not 0 and var order ? order : a.CompareTo(b));
        SortedRows = sorted;
    }
}

/// <summary>Where a symbolic allele or breakend lies.</summary>
/// <param name="End">End, exclusive; for an insertion or breakend that of REF.</param>
/// <param name="LengthBases">Length of the event, 0 when unknown.</param>
/// <param name="CiPos">CIPOS.</param>
/// <param name="CiEnd">CIEND.</param>
internal readonly record struct StructuralExtent(int End, int LengthBases, (int Low, int High) CiPos, (int Low, int High) CiEnd)
{
    internal void Write(ByteWriter to)
    {
        to.Signed(End);
        to.Signed(LengthBases);
        to.Signed(CiPos.Low);
        to.Signed(CiPos.High);
        to.Signed(CiEnd.Low);
        to.Signed(CiEnd.High);
    }

    internal static StructuralExtent Read(ref ByteReader from) => new(
        from.SignedInt32(), from.SignedInt32(),
        (from.SignedInt32(), from.SignedInt32()), (from.SignedInt32(), from.SignedInt32()));
}
