using System.Buffers;
using System.Text;
using Warehouse.Engine.Segments;

namespace Warehouse.Engine.Query;

/// <summary>One figure over the variants and groups of a batch. Valid as long as the batch is.</summary>
public readonly ref struct CountColumn
{
    private readonly ReadOnlySpan<int> _values;
    private readonly int _stride;

    internal CountColumn(ReadOnlySpan<int> values, int stride)
    {
        _values = values;
        _stride = stride;
    }

    /// <summary>The figure of a variant (0-based in the batch) and group (0-based in the answer).</summary>
    public int this[int variant, int group] => _values[(variant * _stride) + group];

    /// <summary>Whether all variants have the same value, group by group; then <see cref="Values"/> holds one value a group.</summary>
    public bool IsConstant => _stride == 0;

    /// <summary>The values: variant by variant, in each group by group; see <see cref="IsConstant"/>.</summary>
    public ReadOnlySpan<int> Values => _values;
}

/// <summary>
/// Consecutive listed variants of one contig, ascending by start, REF, ALT, with their figures as columns: shape variants x groups. Lies in
/// pooled memory that the enumerator reuses: copy what you keep before you ask for the next batch. Figures are those of COUNTS.md, as in
/// <see cref="CountFigures"/>. One thread.
/// </summary>
public sealed class FrequencyBatch : IDisposable
{
    internal const int AcColumn = 0, AnColumn = 1, HetColumn = 2, HomColumn = 3, HemiColumn = 4, HalfColumn = 5, NoCallColumn = 6, NotAssessedColumn = 7, AssumedColumn = 8;
    private const int Columns = 9;

    private static readonly string[] Bases = [.. Enumerable.Range(0, 128).Select(b => ((char)b).ToString())];

    private readonly bool[] _constant = new bool[Columns];
    private readonly int[] _constants;
    private readonly List<(int Start, int End, byte[] Ref, byte[] Alt)> _own = [];
    private int[] _cells = [];
    private int _columnCells;
    private SiteTable? _table;
    private ReadOnlyMemory<int> _rows;

    internal FrequencyBatch(IReadOnlyList<string?> groups, IReadOnlyList<int> groupSizes)
    {
        (Groups, GroupSizes) = (groups, groupSizes);
        _constants = new int[Columns * GroupCount];
    }

    /// <summary>Contig as spelled in the reference, else as first loaded.</summary>
    public string Contig { get; internal set; } = "";

    /// <summary>Number of variants.</summary>
    public int Count { get; private set; }

    /// <summary>Names of the groups in order; one null name when the question has no grouping.</summary>
    public IReadOnlyList<string?> Groups { get; }

    /// <summary>Samples per group.</summary>
    public IReadOnlyList<int> GroupSizes { get; }

    /// <summary>Called alleles equal to the variant.</summary>
    public CountColumn Ac => Column(AcColumn);

    /// <summary>Called and reference alleles.</summary>
    public CountColumn An => Column(AnColumn);

    /// <summary>Heterozygous samples.</summary>
    public CountColumn NHet => Column(HetColumn);

    /// <summary>Homozygous samples.</summary>
    public CountColumn NHomAlt => Column(HomColumn);

    /// <summary>Hemizygous samples.</summary>
    public CountColumn NHemi => Column(HemiColumn);

    /// <summary>Carriers in a half-call.</summary>
    public CountColumn NHalf => Column(HalfColumn);

    /// <summary>Samples without a call.</summary>
    public CountColumn NNoCall => Column(NoCallColumn);

    /// <summary>Samples never assessed here.</summary>
    public CountColumn NNotAssessed => Column(NotAssessedColumn);

    /// <summary>The part of <see cref="An"/> that is reference by assumption.</summary>
    public CountColumn AnAssumed => Column(AssumedColumn);

    /// <summary>Number of groups.</summary>
    public int GroupCount => GroupSizes.Count;

    /// <summary>0-based start of the normalised variant.</summary>
    public int Start(int variant) => _table is null ? _own[variant].Start : _table.RowStart[_rows.Span[variant]];

    /// <summary>End (exclusive) of a symbolic allele; -1 for base alleles.</summary>
    public int End(int variant) => _table is null ? _own[variant].End : -1;

    /// <summary>REF in ASCII (for a symbolic allele the padding base).</summary>
    public ReadOnlySpan<byte> Ref(int variant) => _table is null ? _own[variant].Ref : _table.RowRefText(_rows.Span[variant]);

    /// <summary>ALT in UTF-8: upper case bases, or a symbolic allele as stored.</summary>
    public ReadOnlySpan<byte> Alt(int variant) => _table is null ? _own[variant].Alt : _table.RowAltText(_rows.Span[variant]);

    /// <summary>All figures of a variant in a group.</summary>
    public CountFigures Figures(int variant, int group) => new()
    {
        Ac = Ac[variant, group], An = An[variant, group], NHet = NHet[variant, group], NHomAlt = NHomAlt[variant, group], NHemi = NHemi[variant, group], NHalf = NHalf[variant, group],
        NNoCall = NNoCall[variant, group], NNotAssessed = NNotAssessed[variant, group], NSamples = GroupSizes[group], AnAssumed = AnAssumed[variant, group],
    };

    /// <summary>The batch row by row: variant by variant, in each group by group.</summary>
    /// <param name="row">What is given each time, filled anew.</param>
    public IEnumerable<FrequencyRow> Rows(FrequencyRow row)
    {
        row.Contig = Contig;
        for (var variant = 0; variant < Count; variant++)
        {
            (row.Start, row.End) = (Start(variant), End(variant));
            (row.Ref, row.Alt) = (Text(Ref(variant)), Text(Alt(variant)));
            for (var group = 0; group < GroupCount; group++)
            {
                (row.Group, row.Figures) = (Groups[group], Figures(variant, group));
                yield return row;
            }
        }
    }

    /// <summary>Gives the memory back; the enumerator does it.</summary>
    public void Dispose()
    {
        if (_cells.Length > 0) ArrayPool<int>.Shared.Return(_cells);
        (_cells, Count) = ([], 0);
    }

    private static string Text(ReadOnlySpan<byte> text) => text.Length == 1 ? Bases[text[0] & 127] : Encoding.UTF8.GetString(text);

    private CountColumn Column(int column) => _constant[column]
        ? new(_constants.AsSpan(column * GroupCount, GroupCount), 0)
        : new(_cells.AsSpan(column * _columnCells, Count * GroupCount), GroupCount);

    /// <summary>Begins a batch of rows of a site table, whose figures are written by column.</summary>
    internal void Begin(SiteTable table, ReadOnlyMemory<int> rows)
    {
        (_table, _rows, Count) = (table, rows, rows.Length);
        Reserve(rows.Length);
        _constant.AsSpan().Fill(true);
        _constants.AsSpan().Clear();
    }

    /// <summary>Begins a batch that rows are added to.</summary>
    internal void Begin(int mostRows)
    {
        (_table, _rows, Count) = (null, default, 0);
        _own.Clear();
        Reserve(mostRows);
        _constant.AsSpan().Clear();
    }

    /// <summary>The cells of a column, to be written: variants x groups.</summary>
    internal Span<int> Write(int column)
    {
        _constant[column] = false;
        return _cells.AsSpan(column * _columnCells, Count * GroupCount);
    }

    /// <summary>Sets a constant column of a group.</summary>
    internal void SetConstant(int column, int group, long value) => _constants[(column * GroupCount) + group] = checked((int)value);

    /// <summary>Adds a row; the arrays are kept.</summary>
    internal void Add((int Start, int End, byte[] Ref, byte[] Alt) row, ReadOnlySpan<CountFigures> figures)
    {
        _own.Add(row);
        Count++;
        Put(Count - 1, figures);
    }

    /// <summary>Overwrites the figures of a row.</summary>
    internal void Put(int variant, ReadOnlySpan<CountFigures> figures)
    {
        for (var group = 0; group < figures.Length; group++)
        {
            var f = figures[group];
            ReadOnlySpan<long> values = [f.Ac, f.An, f.NHet, f.NHomAlt, f.NHemi, f.NHalf, f.NNoCall, f.NNotAssessed, f.AnAssumed];
            for (var column = 0; column < Columns; column++)
            {
                if (_constant[column] && _constants[(column * GroupCount) + group] == values[column]) continue;
                if (_constant[column]) Spread(column);
                _cells[(column * _columnCells) + (variant * GroupCount) + group] = checked((int)values[column]);
            }
        }
    }

    /// <summary>Keeps the first so many variants.</summary>
    internal void KeepFirst(int count)
    {
        if (count >= Count) return;
        if (_table is not null) _rows = _rows[..count];
        Count = count;
    }

    /// <summary>Keeps the variants whose AC over all groups is at least this.</summary>
    internal void KeepFrom(long minAc)
    {
        var kept = new int[Count];
        var count = 0;
        for (var variant = 0; variant < Count; variant++)
        {
            var total = 0L;
            for (var group = 0; group < GroupCount; group++) total += Ac[variant, group];
            if (total >= minAc) kept[count++] = variant;
        }
        if (count == Count) return;
        for (var column = 0; column < Columns; column++)
        {
            if (_constant[column]) continue;
            var cells = _cells.AsSpan(column * _columnCells, Count * GroupCount);
            for (var to = 0; to < count; to++) cells.Slice(kept[to] * GroupCount, GroupCount).CopyTo(cells[(to * GroupCount)..]);
        }
        for (var to = 0; to < count; to++)
        {
            if (_table is null) _own[to] = _own[kept[to]];
            else kept[to] = _rows.Span[kept[to]];
        }
        _rows = kept.AsMemory(0, count);
        Count = count;
    }

    private void Spread(int column)
    {
        var cells = Write(column);
        var constants = _constants.AsSpan(column * GroupCount, GroupCount);
        for (var at = 0; at < cells.Length; at += GroupCount) constants.CopyTo(cells[at..]);
    }

    private void Reserve(int rows)
    {
        _columnCells = rows * GroupCount;
        if (_cells.Length >= _columnCells * Columns) return;
        Dispose();
        _cells = ArrayPool<int>.Shared.Rent(_columnCells * Columns);
        Count = _table is null ? 0 : rows;
    }
}
