using System.Text;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Primitives;

namespace Warehouse.Engine.Query;

/// <summary>
/// The listed variants of one contig with their figures, batch by batch. Stretches whose blocks are the panels of one file are counted by
/// whole columns (<see cref="ColumnCounter"/>), and records in them that are not plain are judged again one by one; all other stretches
/// go row by row through <see cref="ContigScan"/>, which is the definition. One thread.
/// </summary>
internal sealed class FrequencyScan
{
    /// <summary>Figures of a batch, rows x groups: a block of a few groups, and columns that stay in the second-level cache.</summary>
    private const int MostFigures = 1 << 14;

    private readonly StoreView _view;
    private readonly int _contig;
    private readonly Selection _selection;
    private readonly CountRules _rules;
    private readonly FrequencyBatch _batch;
    private readonly ColumnCounter _counter;
    private readonly ContigPlan _plan;
    private readonly Care? _care;
    private readonly bool _bySex;
    private readonly Place _place;
    private readonly CountFigures[] _figures;
    private ContigScan? _scan;
    private Segment[]? _outsideOf;
    private CountFigures[]? _outside;

    public FrequencyScan(StoreView view, int contig, Selection selection, (CountRules Rules, ContigPlan Plan, Care? Care) how, (FrequencyBatch Batch, ColumnCounter Counter) tools)
    {
        (_view, _contig, _selection, _rules, _plan, _care, _batch, _counter) = (view, contig, selection, how.Rules, how.Plan, how.Care, tools.Batch, tools.Counter);
        _place = Place.At(view.Assembly, view.Catalog.Contigs[contig].Canonical, !_rules.PloidyAsCalled, new ScanRow());
        _bySex = _place.BySex;
        _figures = new CountFigures[selection.GroupSizes.Length];
    }

    /// <summary>Bytes of genotype columns read so far: by columns what the kernels read, row by row, where totals are not to be used, whole blocks.</summary>
    public long BytesRead { get; private set; }

    private int RowsOfBatch => Math.Max(1, MostFigures / _figures.Length);

    private ContigScan Scan => _scan ??= ContigScan.Listing(_view, _contig, _selection, _rules, (false, _care));

    /// <summary>The batches of a region; earlier regions lay before it. The batch is reused.</summary>
    /// <param name="region">0-based half-open, by start.</param>
    /// <param name="symbolic">Lists symbolic alleles too; null = base alleles alone.</param>
    public IEnumerable<FrequencyBatch> List((int Start, int End) region, SymbolicScan? symbolic)
    {
        if (symbolic is not null)
        {
            if (_rules.NoPrecomputed)
                for (var i = _plan.FirstBehind(region.Start); i < _plan.Stretches.Length && _plan.Stretches[i].Span.Start < region.End; i++) BytesRead += GenotypeBytes(_plan.Stretches[i]);
            foreach (var batch in ByRow(region, symbolic)) yield return batch;
            yield break;
        }
        var general = (Start: 0, End: 0);
        for (var i = _plan.FirstBehind(region.Start); i < _plan.Stretches.Length && _plan.Stretches[i].Span.Start < region.End; i++)
        {
            var stretch = _plan.Stretches[i];
            var part = (Start: Math.Max(region.Start, stretch.Span.Start), End: Math.Min(region.End, stretch.Span.End));
            if (TryColumns(stretch, part) is { } columns)
            {
                if (general.End > general.Start)
                    foreach (var batch in ByRow(general, null)) yield return batch;
                general = default;
                var at = 0;
                if (TryBegin(columns, part, ref at) is { } any)
                {
                    for (; any; any = Next(columns, ref at)) yield return _batch;
                    continue;
                }
            }
            if (_rules.NoPrecomputed) BytesRead += GenotypeBytes(stretch);
            general = (general.End > general.Start ? general.Start : part.Start, part.End);
        }
        if (general.End > general.Start)
            foreach (var batch in ByRow(general, null)) yield return batch;
    }

    /// <summary><see cref="Columns"/>; null also where something is damaged: then the rows are judged one by one, which finds what damage lets be answered.</summary>
    private ColumnWork? TryColumns(Stretch stretch, (int Start, int End) part)
    {
        if (_care is null) return Columns(stretch, part);
        try
        {
            return _care.Around.Count > 0 && _care.Around.Touch(_contig, part.Start, part.End) ? null : Columns(stretch, part);
        }
        catch (Exception met) when (Damage.TextOf(met) is not null)
        {
            return null;
        }
    }

    /// <summary>
    /// Counts the first batch of a stretch; whether there is one, or null where something is damaged. All columns of the stretch are read for
    /// the first batch, and what the rows judged one by one ask beside is opened before it: no later one meets damage.
    /// </summary>
    private bool? TryBegin(ColumnWork work, (int Start, int End) part, ref int at)
    {
        if (_care is null) return Next(work, ref at);
        try
        {
            if ((work.Odd is not null || !ListsAll(work)) && !Scan.CanAnswer(part.Start, part.End)) return null;
            return Next(work, ref at);
        }
        catch (Exception met) when (Damage.TextOf(met) is not null)
        {
            at = 0;
            return null;
        }
    }

    /// <summary>Bytes of genotypes of a stretch that rows are judged one by one in; none of what is damaged.</summary>
    private long GenotypeBytes(Stretch stretch)
    {
        try
        {
            return stretch.GenotypeBytes();
        }
        catch (Exception met) when (_care is not null && Damage.TextOf(met) is not null)
        {
            return 0;
        }
    }

    /// <summary>A stretch to be counted by columns.</summary>
    /// <param name="Panels">Its blocks, and whom to count in each.</param>
    /// <param name="Rows">Rows of the table in order.</param>
    /// <param name="Odd">Records to be judged one by one; null = none.</param>
    private readonly record struct ColumnWork((Block Block, SegmentSamples Samples)[] Panels, ReadOnlyMemory<int> Rows, bool[]? Odd);

    private ColumnWork? Columns(Stretch stretch, (int Start, int End) part)
    {
        if (_bySex || _figures.Length > GroupMap.MaxGroups || !FindOutside(stretch) || stretch.Columns() is not { } blocks) return null;
        var table = blocks[0].Sites;
        var rows = table.SortedRows.AsMemory(table.LowerBound(part.Start)..Math.Max(table.LowerBound(part.Start), table.LowerBound(part.End)));
        var odd = OddRecords(stretch, blocks);
        if (odd is not null)
        {
            var count = 0;
            foreach (var row in rows.Span) count += odd[table.RowRecord[row]] ? 1 : 0;
            if (count > rows.Length / 4) return null;
        }
        var panels = new (Block, SegmentSamples)[blocks.Length];
        for (var i = 0; i < blocks.Length; i++) panels[i] = (blocks[i], _selection.SamplesOf(stretch.Segments[i]));
        return new ColumnWork(panels, rows, odd);
    }

    /// <summary>Finds the figures of the samples without data in a stretch; false when they depend on the place, or when a sample has data in two of its blocks.</summary>
    private bool FindOutside(Stretch stretch)
    {
        if (ReferenceEquals(_outsideOf, stretch.Segments)) return _outside is not null;
        (_outsideOf, _outside) = (stretch.Segments, null);
        if (_selection.CountOutside(stretch.Segments) is not { } counts) return false;
        var outside = new CountFigures[_figures.Length];
        var fallback = new Fallback(_view.Catalog, _contig, _selection, _rules, Assembly.ClassOf(_view.Catalog.Contigs[_contig].Canonical));
        for (var i = 0; i < counts.Length; i++)
        {
            if (counts[i] == 0) continue;
            var (group, sex, assumed, callables) = _selection.Classes[i];
            if (Array.Exists(callables, c => _view.Catalog.Callables[c].Intervals.ContainsKey(_contig))) return false;
            fallback.WithoutRecord(_place, sex, assumed, []).AddTo(ref outside[group], counts[i]);
        }
        _outside = outside;
        return true;
    }

    /// <summary>The odd records of a stretch and those that a filter in force fails for somebody.</summary>
    private bool[]? OddRecords(Stretch stretch, Block[] blocks)
    {
        if (!_rules.Adj && !_rules.PassOnly) return stretch.Odd;
        var odd = stretch.Odd is { } known ? (bool[])known.Clone() : new bool[blocks[0].Info.RecordCount];
        foreach (var block in blocks)
            for (var record = 0; record < odd.Length; record++)
                odd[record] |= (_rules.PassOnly && (block.Sites.Flags[record] & RecordFlags.Passes) == 0) || (_rules.Adj && block.AdjFail is { } fails && !fails.IsEmpty(record));
        return odd;
    }

    /// <summary>Fills the batch with the next rows of a stretch from a position on; false at its end.</summary>
    private bool Next(ColumnWork work, ref int at)
    {
        while (at < work.Rows.Length)
        {
            var some = work.Rows.Slice(at, Math.Min(RowsOfBatch, work.Rows.Length - at));
            at += some.Length;
            var rows = Listed(work, some);
            if (rows.Length == 0) continue;
            _batch.Begin(work.Panels[0].Block.Sites, rows);
            BytesRead += _counter.Count(_batch, rows.Span, work.Panels, _outside, (_rules.NoPrecomputed, Keep: work.Odd is not null));
            if (work.Odd is not null) Judge(work.Odd, work.Panels[0].Block.Sites, rows.Span);
            return true;
        }
        return false;
    }

    /// <summary>Counts the rows of odd records again, one by one. The blocks of a stretch have the same rows, so none is let go before its last.</summary>
    private void Judge(bool[] odd, SiteTable table, ReadOnlySpan<int> rows)
    {
        for (var i = 0; i < rows.Length; i++)
        {
            if (!odd[table.RowRecord[rows[i]]]) continue;
            Scan.Count(Find(table, rows[i]), _figures);
            _batch.Put(i, _figures);
        }
    }

    private ScanRow Find(SiteTable table, int row) => Scan.Find(table.RowStart[row], table.RowRefText(row).ToArray(), table.RowAltText(row).ToArray());

    /// <summary>The rows that are listed: all for the owner, when a panel has no withdrawn sample and lost no carrier; else those with a visible carrier, and others by the rule.</summary>
    private ReadOnlyMemory<int> Listed(ColumnWork work, ReadOnlyMemory<int> rows)
    {
        if (ListsAll(work)) return rows;
        var table = work.Panels[0].Block.Sites;
        var (carriers, one) = (new int[table.RowCount], new int[table.RowCount]);
        foreach (var (block, samples) in work.Panels)
            foreach (var sets in (ReadOnlySpan<SampleSets?>)[block.Het, block.Hom])
            {
                sets?.CountMasked(0, samples.Visible, one);
                for (var row = 0; sets is not null && row < one.Length; row++) carriers[row] += one[row];
            }
        var listed = new List<int>(rows.Length);
        // A carrier is in these columns or among the exceptions; a caller's list has nothing else.
        var carried = !_selection.HidesNothing && !Array.Exists(work.Panels, p => p.Block.Info.Streams.ContainsKey(BlockStream.Exceptions));
        foreach (var row in rows.Span)
        {
            if (carriers[row] == 0)
            {
                if (carried) continue;
                Find(table, row);
                if (!Scan.IsListed()) continue;
            }
            listed.Add(row);
        }
        return listed.ToArray();
    }

    private static bool ListsAll(ColumnWork work)
    {
        foreach (var (block, samples) in work.Panels)
            if (samples.SeesAll && !block.Info.Streams.ContainsKey(BlockStream.Lost)) return true;
        return false;
    }

    /// <summary>The general path.</summary>
    private IEnumerable<FrequencyBatch> ByRow((int Start, int End) region, SymbolicScan? symbolic)
    {
        var most = Math.Min(RowsOfBatch, 1024);
        _batch.Begin(most);
        foreach (var row in Rows(region, symbolic))
        {
            _batch.Add(row, _figures);
            if (_batch.Count < most) continue;
            yield return _batch;
            _batch.Begin(most);
        }
        if (_batch.Count > 0) yield return _batch;
    }

    /// <summary>Base alleles and, when asked for, symbolic ones in one order: start, REF, ALT, end; each with its figures counted.</summary>
    private IEnumerable<(int Start, int End, byte[] Ref, byte[] Alt)> Rows((int Start, int End) region, SymbolicScan? symbolic)
    {
        using var plain = Scan.List(region.Start, region.End).GetEnumerator();
        using var described = (symbolic?.List(region.Start, region.End) ?? []).GetEnumerator();
        var (hasPlain, hasDescribed) = (plain.MoveNext(), described.MoveNext());
        while (hasPlain || hasDescribed)
        {
            if (hasPlain && (!hasDescribed || IsBefore(plain.Current, described.Current)))
            {
                if (Scan.CanAnswer(plain.Current))
                {
                    Scan.Count(plain.Current, _figures);
                    yield return (plain.Current.Start, -1, plain.Current.Ref, plain.Current.Alt);
                }
                hasPlain = plain.MoveNext();
                continue;
            }
            var (entry, allele) = (described.Current, described.Current.Allele);
            if (_care is null || !_care.Around.Touch(_contig, allele.Start, Math.Max(allele.End, allele.Start + 1)))
            {
                symbolic!.Count((allele.Start, allele.End), entry.Rows, _figures);
                yield return (allele.Start, allele.End, Encoding.UTF8.GetBytes(entry.Ref), Encoding.UTF8.GetBytes(allele.Type));
            }
            hasDescribed = described.MoveNext();
        }
    }

    private static bool IsBefore(ScanRow row, SymbolicEntry entry)
    {
        var order = row.Start.CompareTo(entry.Allele.Start);
        if (order == 0) order = row.Ref.AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(entry.Ref));
        if (order == 0) order = row.Alt.AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(entry.Allele.Type));
        return order <= 0;
    }
}
