using System.Numerics;
using Warehouse.Engine.Segments;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>
/// Counts rows of blocks that share a site table by whole columns: het, hom-alt and missing of each panel by the set kernels, summed over
/// the panels. Holds for records of plain diploid calls that every sample has; equal to <see cref="RowCounter"/> there. Buffers are reused.
/// One thread.
/// </summary>
/// <param name="onePass">The columns of a block are let go behind it: they are read into the memory of those before, and not kept for another question.</param>
internal sealed class ColumnCounter(bool onePass)
{
    /// <summary>Samples whose sums by group fit 16 bits.</summary>
#if PLANTED_SUMS_OVERFLOW
    private const int MostSummed = 2 * ushort.MaxValue;
#else
    private const int MostSummed = ushort.MaxValue;
#endif

    private static readonly BlockStream[] Streams = [BlockStream.Het, BlockStream.Hom, BlockStream.Missing];

    /// <summary>The columns of one pass: the first three for blocks that are counted whole, then three a panel.</summary>
    private (Block? Block, SampleSets? Sets, SampleSets? Own)[] _passing = [];

    private int[] _het = [], _hom = [], _missing = [], _one = [];
    private ushort[] _hetSums = [], _homSums = [], _missingSums = [];

    private bool _fromGenotypes;
    private bool _keep;
    private long _bytesRead;

    /// <summary>Writes the figures of the rows of a batch.</summary>
    /// <param name="batch">Begun with these rows.</param>
    /// <param name="rows">Rows of the table, in the order of the batch.</param>
    /// <param name="panels">The blocks, and whom to count in each.</param>
    /// <param name="outside">Figures of the samples in none of the blocks, per group; the same at every row.</param>
    /// <param name="how">Whether to read ids and planes even where the lengths of rows tell; whether somebody asks for the columns of these blocks again.</param>
    /// <returns>Bytes of ids and planes read.</returns>
    public long Count(FrequencyBatch batch, ReadOnlySpan<int> rows, ReadOnlySpan<(Block Block, SegmentSamples Samples)> panels, ReadOnlySpan<CountFigures> outside, (bool FromGenotypes, bool Keep) how)
    {
        (_fromGenotypes, _keep, _bytesRead) = (how.FromGenotypes, how.Keep || !onePass, 0);
        var (table, groups) = (panels[0].Block.Sites, outside.Length);
        var (first, last) = (0, table.RowCount - 1);
        if (rows.Length < table.SortedRows.Length)
        {
            (first, last) = (last, first);
            foreach (var row in rows) (first, last) = (Math.Min(first, row), Math.Max(last, row));
        }
        var (firstRecord, lastRecord) = (table.RowRecord[first], table.RowRecord[last]);
        var places = new Places(rows, table.RowRecord, (first, last - first + 1), (firstRecord, lastRecord - firstRecord + 1));
        for (var group = 0; group < groups; group++)
        {
            batch.SetConstant(FrequencyBatch.NotAssessedColumn, group, outside[group].NNotAssessed);
            batch.SetConstant(FrequencyBatch.AssumedColumn, group, outside[group].AnAssumed);
        }
        if (groups == 1) CountOne(batch, places, panels, checked((int)outside[0].An));
        else CountGroups(batch, places, panels, outside);
        return _bytesRead;
    }

    private void CountOne(FrequencyBatch batch, Places places, ReadOnlySpan<(Block Block, SegmentSamples Samples)> panels, int alleles)
    {
        var het = Sum(ref _het, 0, places.RowRange, panels);
        var hom = Sum(ref _hom, 1, places.RowRange, panels);
        var missing = Sum(ref _missing, 2, places.RecordRange, panels);
        foreach (var (_, samples) in panels) alleles += 2 * samples.Counted.Count;
        WriteOne(batch, places, new Counts(het, hom, missing), alleles);
    }

    private Span<int> Sum(ref int[] buffer, int column, (int First, int Count) range, ReadOnlySpan<(Block Block, SegmentSamples Samples)> panels)
    {
        var total = Room(ref buffer, range.Count);
        var any = false;
        for (var panel = 0; panel < panels.Length; panel++)
        {
            var (block, samples) = panels[panel];
            if (samples.Counted.Count == 0 || ColumnOf(block, column, (panel, range.Count)) is not { AllEmpty: false } sets) continue;
            var counts = any ? Room(ref _one, total.Length) : total;
            var isWhole = !_fromGenotypes && samples.Counted.Count == sets.SampleCount;
            if (isWhole) sets.CountAll(range.First, counts);
            else sets.CountMasked(range.First, samples.Counted, counts);
            if (!isWhole) _bytesRead += sets.HotBytes * range.Count / sets.RowCount;
            if (any) Add(total, counts);
            any = true;
        }
        if (!any) total.Clear();
        return total;
    }

    private void CountGroups(FrequencyBatch batch, Places places, ReadOnlySpan<(Block Block, SegmentSamples Samples)> panels, ReadOnlySpan<CountFigures> outside)
    {
        Span<int> alleles = new int[outside.Length];
        for (var group = 0; group < alleles.Length; group++)
        {
            alleles[group] = checked((int)outside[group].An);
            foreach (var (_, samples) in panels) alleles[group] += 2 * samples.GroupMap.Sizes[group];
        }
        var het = batch.Write(FrequencyBatch.HetColumn);
        var hom = batch.Write(FrequencyBatch.HomColumn);
        var noCall = batch.Write(FrequencyBatch.NoCallColumn);
        for (int from = 0, end; from < panels.Length; from = end)
        {
            end = from;
            for (var summed = 0; end < panels.Length && (summed += panels[end].Block.SampleCount) <= MostSummed;) end++;
            var some = panels[..end];
            var groups = some[from].Samples.GroupMap;
            var sums = new Sums(SumGroups(ref _hetSums, 0, places.RowRange, some, from), SumGroups(ref _homSums, 1, places.RowRange, some, from), SumGroups(ref _missingSums, 2, places.RecordRange, some, from));
            for (int i = 0, run; i < places.Rows.Length; i += run)
            {
                run = RunOf(places, i);
                var (row, record) = (places.Rows[i] - places.RowRange.First, places.RowRecord[places.Rows[i]] - places.RecordRange.First);
                Put(sums.Het, groups, (row, i, run), het, isFirst: from == 0);
                Put(sums.Hom, groups, (row, i, run), hom, isFirst: from == 0);
                Put(sums.Missing, groups, (record, i, run), noCall, isFirst: from == 0);
            }
        }
        // One vector's length of rows is a whole number of vectors, whatever the number of groups.
        Span<int> constants = new int[alleles.Length * Vector<int>.Count];
        for (var at = 0; at < constants.Length; at += alleles.Length) alleles.CopyTo(constants[at..]);
        AddTwice(het, hom, batch.Write(FrequencyBatch.AcColumn));
        TakeTwice(constants, noCall, batch.Write(FrequencyBatch.AnColumn));
    }

    /// <summary>Writes the sums of rows as the figures of variants, or adds them to what is there.</summary>
    private static void Put(ReadOnlySpan<ushort> sums, GroupMap groups, (int Row, int Variant, int Count) at, Span<int> column, bool isFirst)
    {
        var from = sums.Slice(at.Row * groups.Stride, at.Count * groups.Stride);
        var to = column.Slice(at.Variant * groups.GroupCount, at.Count * groups.GroupCount);
        if (isFirst)
        {
            groups.Widen(from, to);
            return;
        }
        var more = new int[to.Length];
        groups.Widen(from, more);
        Add(to, more);
    }

    /// <summary>Members of each row in each group, summed over the panels from one on: rows x <see cref="GroupMap.Stride"/>.</summary>
    private Span<ushort> SumGroups(ref ushort[] buffer, int column, (int First, int Count) range, ReadOnlySpan<(Block Block, SegmentSamples Samples)> panels, int from)
    {
        var length = range.Count * panels[0].Samples.GroupMap.Stride;
        if (buffer.Length < length) buffer = GC.AllocateUninitializedArray<ushort>(length);
        var sums = buffer.AsSpan(0, length);
        sums.Clear();
        for (var panel = from; panel < panels.Length; panel++)
        {
            var (block, samples) = panels[panel];
            if (samples.Counted.Count == 0 || ColumnOf(block, column, (panel, range.Count)) is not { AllEmpty: false } sets) continue;
            sets.AddGroups(range.First, samples.GroupMap, sums);
            _bytesRead += sets.HotBytes * range.Count / sets.RowCount;
        }
        return sums;
    }

    private SampleSets? ColumnOf(Block block, int column, (int Panel, int Rows) of)
    {
        if (_keep) return column switch { 0 => block.Het, 1 => block.Hom, _ => block.Missing };
        // What is counted whole is not met again. Of others the next batch counts more rows, so the columns of all panels stay until then.
        var isWhole = of.Rows == (column == 2 ? block.Info.RecordCount : block.Info.RowCount);
        var place = isWhole ? column : ((of.Panel + 1) * Streams.Length) + column;
        if (place >= _passing.Length) Array.Resize(ref _passing, place + 1);
        ref var passing = ref _passing[place];
        if (passing.Block == block) return passing.Sets;
        passing = (null, null, passing.Own);
        passing.Sets = block.Pass(Streams[column], ref passing.Own);
        passing.Block = block;
        return passing.Sets;
    }

    private static Span<int> Room(ref int[] buffer, int length)
    {
        if (buffer.Length < length) buffer = GC.AllocateUninitializedArray<int>(length);
        return buffer.AsSpan(0, length);
    }

    private static void Add(Span<int> total, ReadOnlySpan<int> more)
    {
        var i = 0;
        for (; i <= total.Length - Vector<int>.Count; i += Vector<int>.Count) (new Vector<int>(total[i..]) + new Vector<int>(more[i..])).CopyTo(total[i..]);
        for (; i < total.Length; i++) total[i] += more[i];
    }

    private static void WriteOne(FrequencyBatch batch, Places places, Counts counts, int alleles)
    {
        var ac = batch.Write(FrequencyBatch.AcColumn);
        var an = batch.Write(FrequencyBatch.AnColumn);
        var het = batch.Write(FrequencyBatch.HetColumn);
        var hom = batch.Write(FrequencyBatch.HomColumn);
        var noCall = batch.Write(FrequencyBatch.NoCallColumn);
        for (var i = 0; i < places.Rows.Length; i++)
        {
            var row = places.Rows[i];
            het[i] = counts.Het[row - places.RowRange.First];
            hom[i] = counts.Hom[row - places.RowRange.First];
            noCall[i] = counts.Missing[places.RowRecord[row] - places.RecordRange.First];
        }
        AddTwice(het, hom, ac);
        Span<int> constant = stackalloc int[Vector<int>.Count];
        constant.Fill(alleles);
        TakeTwice(constant, noCall, an);
    }

    /// <summary>to[i] = a[i] + 2 b[i].</summary>
    private static void AddTwice(ReadOnlySpan<int> a, ReadOnlySpan<int> b, Span<int> to)
    {
        var i = 0;
        for (; i <= to.Length - Vector<int>.Count; i += Vector<int>.Count)
        {
            var twice = new Vector<int>(b[i..]);
            (new Vector<int>(a[i..]) + twice + twice).CopyTo(to[i..]);
        }
        for (; i < to.Length; i++) to[i] = a[i] + (2 * b[i]);
    }

    /// <summary>to[i] = a[i modulo its length] - 2 b[i]; the length of a is a multiple of the vector's.</summary>
    private static void TakeTwice(ReadOnlySpan<int> a, ReadOnlySpan<int> b, Span<int> to)
    {
        var (i, from) = (0, 0);
        for (; i <= to.Length - Vector<int>.Count; i += Vector<int>.Count)
        {
            var twice = new Vector<int>(b[i..]);
            (new Vector<int>(a[from..]) - twice - twice).CopyTo(to[i..]);
            from += Vector<int>.Count;
            if (from == a.Length) from = 0;
        }
        for (; i < to.Length; i++, from++) to[i] = a[from] - (2 * b[i]);
    }

    /// <summary>How many rows from a position on are neighbours, each of the next record.</summary>
    private static int RunOf(Places places, int position)
    {
        var (row, record, run) = (places.Rows[position], places.RowRecord[places.Rows[position]], 1);
        while (position + run < places.Rows.Length && places.Rows[position + run] == row + run && places.RowRecord[row + run] == record + run) run++;
        return run;
    }

    private readonly ref struct Sums(ReadOnlySpan<ushort> het, ReadOnlySpan<ushort> hom, ReadOnlySpan<ushort> missing)
    {
        public readonly ReadOnlySpan<ushort> Het = het;

        public readonly ReadOnlySpan<ushort> Hom = hom;

        public readonly ReadOnlySpan<ushort> Missing = missing;
    }

    /// <summary>Rows of a table in the order of a batch, the record of each row of the table, and the ranges that they lie in.</summary>
    private readonly ref struct Places(ReadOnlySpan<int> rows, ReadOnlySpan<int> rowRecord, (int First, int Count) rowRange, (int First, int Count) recordRange)
    {
        public readonly ReadOnlySpan<int> Rows = rows;

        public readonly ReadOnlySpan<int> RowRecord = rowRecord;

        public readonly (int First, int Count) RowRange = rowRange;

        public readonly (int First, int Count) RecordRange = recordRange;
    }

    private readonly ref struct Counts(ReadOnlySpan<int> het, ReadOnlySpan<int> hom, ReadOnlySpan<int> missing)
    {
        public readonly ReadOnlySpan<int> Het = het;

        public readonly ReadOnlySpan<int> Hom = hom;

        public readonly ReadOnlySpan<int> Missing = missing;
    }
}
