using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Compact;

/// <summary>
/// Merges segments into one, contig by contig in ascending order of start. Records become one only when everything but their
/// genotypes is equal: place, REF, ALTs, FILTER, how each allele was normalised, extents, and whether it was collapsed. What the samples'
/// files say is kept call for call; records of one file that tie in place and alleles stay in their order, because the order decides
/// (COUNTS.md, after rule 2). Memory: one block per input and the block being built. One thread.
/// </summary>
internal sealed class SegmentMerge
{
    private readonly MergeInput[] _inputs;
    private readonly MergedBlock _block;
    private readonly Action<long> _report;
    private readonly List<Candidate> _here = [];
    private readonly CancellationToken _stop;

    /// <summary>A record that starts where the merge stands.</summary>
    /// <param name="Record">The record.</param>
    /// <param name="Repeat">How many records of the same input, place, REF and ALTs came before it.</param>
    private readonly record struct Candidate(MergeRecord Record, int Repeat);

    /// <param name="inputs">The segments, disjoint in samples.</param>
    /// <param name="output">Where to write; its samples are the kept ones.</param>
    /// <param name="report">Gets the number of records read.</param>
    /// <param name="stop">Cancels.</param>
    public SegmentMerge(MergeInput[] inputs, SegmentWriter output, Action<long> report, CancellationToken stop)
    {
        (_inputs, _report, _stop) = (inputs, report, stop);
        _block = new MergedBlock(output);
    }

    public void Run()
    {
        foreach (var contig in _inputs.SelectMany(i => i.Contigs).Distinct().Order()) MergeContig(contig);
    }

    private void MergeContig(int contig)
    {
        var records = _inputs.Select(i => new Cursor<MergeRecord>(i.Records(contig), r => r.Start)).ToArray();
        var evidence = _inputs.Select(i => new Cursor<(int Start, int End, byte Kind, int Sample)>(i.Evidence(contig), e => e.Start)).ToArray();
        while (true)
        {
            _stop.ThrowIfCancellationRequested();
            var start = Cursor.Smallest(records, evidence);
            if (start is not { } at) break;
            if (_block.IsFull(at)) _block.Write(contig);
            TakeRecords(records, at);
            foreach (var cursor in evidence)
                for (; cursor.Start == at; cursor.Advance()) _block.AddEvidence(cursor.Current.Sample, at, cursor.Current.End, cursor.Current.Kind);
        }
        _block.Write(contig);
    }

    private void TakeRecords(Cursor<MergeRecord>[] records, int start)
    {
        _here.Clear();
        foreach (var cursor in records)
        {
            var first = _here.Count;
            for (; cursor.Start == start; cursor.Advance())
            {
                var repeat = 0;
                for (var i = first; i < _here.Count; i++)
                    if (CompareAlleles(_here[i].Record, cursor.Current) == 0) repeat++;
                _here.Add(new Candidate(cursor.Current, repeat));
            }
        }
        if (_here.Count == 0) return;
        _report(_here.Count);
        _here.Sort(Compare);
        var parts = _here.Select(c => c.Record).ToArray();
        for (var (from, to) = (0, 1); from < parts.Length; from = to++)
        {
            while (to < parts.Length && CompareAll(_here[from], _here[to]) == 0) to++;
            _block.Add(parts.AsSpan(from, to - from));
        }
    }

    private static int Compare(Candidate a, Candidate b) => CompareAll(a, b) is not 0 and var order ? order : a.Record.Block.Input.Index.CompareTo(b.Record.Block.Input.Index);

    /// <summary>Zero when two records of different inputs are one.</summary>
    private static int CompareAll(Candidate a, Candidate b)
    {
        var byAlleles = CompareAlleles(a.Record, b.Record);
        if (byAlleles != 0) return byAlleles;
        var byRepeat = a.Repeat.CompareTo(b.Repeat);
        return byRepeat != 0 ? byRepeat : CompareRest(a.Record, b.Record);
    }

    private static int CompareAlleles(MergeRecord a, MergeRecord b)
    {
        var (x, y) = (a.Sites, b.Sites);
        var byRef = x.RecordRefText(a.Record).SequenceCompareTo(y.RecordRefText(b.Record));
        if (byRef != 0) return byRef;
        var (rowA, rowB) = (x.FirstRow[a.Record], y.FirstRow[b.Record]);
        var count = x.FirstRow[a.Record + 1] - rowA;
        var byCount = count.CompareTo(y.FirstRow[b.Record + 1] - rowB);
        for (var i = 0; byCount == 0 && i < count; i++) byCount = x.WrittenAltText(rowA + i).SequenceCompareTo(y.WrittenAltText(rowB + i));
        return byCount;
    }

    private static int CompareRest(MergeRecord a, MergeRecord b)
    {
        const RecordFlags Own = RecordFlags.Passes | RecordFlags.Speaks | RecordFlags.NoGenotypes;
        var (x, y) = (a.Sites, b.Sites);
        var order = string.CompareOrdinal(x.FilterTexts[x.Filter[a.Record]], y.FilterTexts[y.Filter[b.Record]]);
        if (order == 0) order = ((int)(x.Flags[a.Record] & Own)).CompareTo((int)(y.Flags[b.Record] & Own));
        var (rowA, rowB) = (x.FirstRow[a.Record], y.FirstRow[b.Record]);
        for (var i = 0; order == 0 && rowA + i < x.FirstRow[a.Record + 1]; i++) order = CompareRow(x, rowA + i, y, rowB + i);
        return order;
    }

    private static int CompareRow(SiteTable x, int a, SiteTable y, int b)
    {
        var order = (x.RowKind[a], x.RowCollapsed[a], x.RowStart[a]).CompareTo((y.RowKind[b], y.RowCollapsed[b], y.RowStart[b]));
        if (order == 0) order = x.RowRefText(a).SequenceCompareTo(y.RowRefText(b));
        if (order == 0) order = x.RowAltText(a).SequenceCompareTo(y.RowAltText(b));
        return order != 0 ? order : CompareExtent(x.Extents.GetValueOrDefault(a), y.Extents.GetValueOrDefault(b));
    }

    private static int CompareExtent(StructuralExtent a, StructuralExtent b) =>
        (a.End, a.LengthBases, a.CiPos, a.CiEnd).CompareTo((b.End, b.LengthBases, b.CiPos, b.CiEnd));
}

/// <summary>Stands on one item of an ascending sequence. One thread.</summary>
internal sealed class Cursor<T>
{
    private readonly IEnumerator<T> _items;
    private readonly Func<T, int> _startOf;

    public Cursor(IEnumerable<T> items, Func<T, int> startOf)
    {
        (_items, _startOf) = (items.GetEnumerator(), startOf);
        Advance();
    }

    /// <summary>Start of the current item; null behind the last.</summary>
    public int? Start { get; private set; }

    public T Current => _items.Current;

    /// <exception cref="InvalidDataException">The sequence does not ascend.</exception>
    public void Advance()
    {
        var before = Start;
        Start = _items.MoveNext() ? _startOf(_items.Current) : null;
        if (Start < before) throw new InvalidDataException("the blocks of a segment are not in order");
    }
}

/// <summary>What several cursors say together.</summary>
internal static class Cursor
{
    /// <summary>The smallest start of all, or null when all are at their end.</summary>
    public static int? Smallest<TFirst, TSecond>(Cursor<TFirst>[] first, Cursor<TSecond>[] second)
    {
        int? smallest = null;
        foreach (var cursor in first)
            if (smallest is null || cursor.Start < smallest) smallest = cursor.Start;
        foreach (var cursor in second)
            if (smallest is null || cursor.Start < smallest) smallest = cursor.Start;
        return smallest;
    }
}
