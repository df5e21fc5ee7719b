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
    private static readonly BlockStream[] Streams = [BlockStream.Het, BlockStream.Hom, BlockStream.Missing];

    /// <summary>The columns of one pass: the first three for blocks that are counted whole, then three a panel.</summary>
    private (Block? Block, SampleSets? Sets, SampleSets? Own)[] _passing = [];

    private int[] _het = [], _hom = [], _missing = [], _one = [];

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
        var (rowRange, recordRange) = ((first, last - first + 1), (firstRecord, lastRecord - firstRecord + 1));
        var het = Sum(ref _het, 0, rowRange, panels, groups);
        var hom = Sum(ref _hom, 1, rowRange, panels, groups);
        var missing = Sum(ref _missing, 2, recordRange, panels, groups);
        Span<int> alleles = groups <= 256 ? stackalloc int[groups] : new int[groups];
        for (var group = 0; group < groups; group++)
        {
            alleles[group] = checked((int)outside[group].An);
            foreach (var (_, samples) in panels) alleles[group] += 2 * (groups == 1 ? samples.Counted.Count : samples.GroupMap.Sizes[group]);
            batch.SetConstant(FrequencyBatch.NotAssessedColumn, group, outside[group].NNotAssessed);
            batch.SetConstant(FrequencyBatch.AssumedColumn, group, outside[group].AnAssumed);
        }
        if (groups == 1) WriteOne(batch, new At(rows, table.RowRecord), new Counts(het, hom, missing), (first, firstRecord), alleles[0]);
        else WriteGroups(batch, new At(rows, table.RowRecord), new Counts(het, hom, missing), (first, firstRecord), alleles);
        return _bytesRead;
    }

    private Span<int> Sum(ref int[] buffer, int column, (int First, int Count) range, ReadOnlySpan<(Block Block, SegmentSamples Samples)> panels, int groups)
    {
        var total = Room(ref buffer, range.Count * groups);
        var any = false;
        for (var panel = 0; panel < panels.Length; panel++)
        {
            var (block, samples) = panels[panel];
            if (samples.Counted.Count == 0 || ColumnOf(block, column, (panel, range.Count)) is not { AllEmpty: false } sets) continue;
            var counts = any ? Room(ref _one, total.Length) : total;
            if (groups > 1) sets.CountGroups(range.First, samples.GroupMap, counts);
            else if (!_fromGenotypes && samples.Counted.Count == sets.SampleCount) sets.CountAll(range.First, counts);
            else sets.CountMasked(range.First, samples.Counted, counts);
            if (_fromGenotypes || groups > 1 || samples.Counted.Count != sets.SampleCount) _bytesRead += sets.HotBytes * range.Count / sets.RowCount;
            if (any) Add(total, counts);
            any = true;
        }
        if (!any) total.Clear();
        return total;
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

    private static void WriteOne(FrequencyBatch batch, At at, Counts counts, (int Row, int Record) first, int alleles)
    {
        var ac = batch.Write(FrequencyBatch.AcColumn);
        var an = batch.Write(FrequencyBatch.AnColumn);
        var het = batch.Write(FrequencyBatch.HetColumn);
        var hom = batch.Write(FrequencyBatch.HomColumn);
        var noCall = batch.Write(FrequencyBatch.NoCallColumn);
        for (var i = 0; i < at.Rows.Length; i++)
        {
            var row = at.Rows[i];
            het[i] = counts.Het[row - first.Row];
            hom[i] = counts.Hom[row - first.Row];
            noCall[i] = counts.Missing[at.RowRecord[row] - first.Record];
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

    private static void WriteGroups(FrequencyBatch batch, At at, Counts counts, (int Row, int Record) first, ReadOnlySpan<int> alleles)
    {
        var groups = alleles.Length;
        var ac = batch.Write(FrequencyBatch.AcColumn);
        var an = batch.Write(FrequencyBatch.AnColumn);
        var het = batch.Write(FrequencyBatch.HetColumn);
        var hom = batch.Write(FrequencyBatch.HomColumn);
        var noCall = batch.Write(FrequencyBatch.NoCallColumn);
        // One vector's length of rows is a whole number of vectors, whatever the number of groups.
        Span<int> constants = new int[groups * Vector<int>.Count];
        for (var at0 = 0; at0 < constants.Length; at0 += groups) alleles.CopyTo(constants[at0..]);
        for (int i = 0, run; i < at.Rows.Length; i += run)
        {
            var (row, record) = (at.Rows[i], at.RowRecord[at.Rows[i]]);
            run = RunOf(at, i);
            counts.Het.Slice((row - first.Row) * groups, run * groups).CopyTo(het[(i * groups)..]);
            counts.Hom.Slice((row - first.Row) * groups, run * groups).CopyTo(hom[(i * groups)..]);
            var missing = counts.Missing.Slice((record - first.Record) * groups, run * groups);
            missing.CopyTo(noCall[(i * groups)..]);
            TakeTwice(constants, missing, an.Slice(i * groups, run * groups));
        }
        AddTwice(het, hom, ac);
    }

    /// <summary>How many rows from a position on are neighbours, each of the next record.</summary>
    private static int RunOf(At at, int position)
    {
        var (row, record, run) = (at.Rows[position], at.RowRecord[at.Rows[position]], 1);
        while (position + run < at.Rows.Length && at.Rows[position + run] == row + run && at.RowRecord[row + run] == record + run) run++;
        return run;
    }

    private readonly ref struct At(ReadOnlySpan<int> rows, ReadOnlySpan<int> rowRecord)
    {
        public readonly ReadOnlySpan<int> Rows = rows;

        public readonly ReadOnlySpan<int> RowRecord = rowRecord;
    }

    private readonly ref struct Counts(ReadOnlySpan<int> het, ReadOnlySpan<int> hom, ReadOnlySpan<int> missing)
    {
        public readonly ReadOnlySpan<int> Het = het;

        public readonly ReadOnlySpan<int> Hom = hom;

        public readonly ReadOnlySpan<int> Missing = missing;
    }
}
