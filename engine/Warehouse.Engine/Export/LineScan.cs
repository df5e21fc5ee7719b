using Warehouse.Engine.Query;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Export;

/// <summary>
/// Walks one contig over every segment and joins records that are written alike into lines, ascending by written start. Memory: the
/// blocks that can matter to the lines of one start. One thread.
/// <para>
/// A normalised allele may start before the line that wrote it, and a source lets go of what lies behind the place it was last asked
/// about. So sources are never asked from the line but from <see cref="_floor"/>, the smallest normalised start still to come, which
/// cannot step back.
/// </para>
/// </summary>
internal sealed class LineScan
{
    private readonly List<(int Start, int End)> _regions;
    private readonly (Source Source, BlockInfo Info)[] _pending;
    private readonly int[] _pendingLowest;
    private readonly List<Cursor> _cursors = [];
    private readonly DamagedRanges? _around;
    private readonly int _contig;
    private int _next;
    private int _floor = int.MinValue;

    /// <summary>Starts before the first line.</summary>
    /// <param name="view">The store.</param>
    /// <param name="contig">Ordinal of the contig.</param>
    /// <param name="selection">Samples of the export.</param>
    /// <param name="regions">Sorted, disjoint.</param>
    /// <param name="care">For going on around damage: each line is to be asked <see cref="CanAnswer"/>.</param>
    public LineScan(StoreView view, int contig, Selection selection, List<(int Start, int End)> regions, Care? care)
    {
        (_regions, _around, _contig) = (regions, care?.Around, contig);
        Sources = ContigScan.OpenSources(view, contig, selection, how: (care, null));
        _pending = [.. Sources.Where(s => s.SlotCount > 0).SelectMany(s => s.Segment.Blocks.Where(b => b.Contig == contig && b.RowCount > 0 && Concerns(b)).Select(b => (s, b)))
            .OrderBy(b => b.b.Records.Start)];
        _pendingLowest = new int[_pending.Length + 1];
        _pendingLowest[^1] = int.MaxValue;
        for (var i = _pending.Length - 1; i >= 0; i--) _pendingLowest[i] = Math.Min(_pendingLowest[i + 1], _pending[i].Info.Rows.Start);
    }

    /// <summary>Every segment with data here.</summary>
    public Source[] Sources { get; }

    /// <summary>Makes sure that every block is open that can matter to a place at or behind the current lines.</summary>
    public void OpenUntil(int end)
    {
        foreach (var source in Sources) source.Advance(_floor, Math.Max(end, _floor + 1));
    }

    /// <summary>Whether nothing damaged touches a line: neither its REF as written nor that of any of its alleles normalised.</summary>
    public bool CanAnswer(Line line)
    {
        if (_around is null) return true;
        var (start, end) = SpanOf(line.First.Block.Sites, line.First.Record);
        OpenUntil(end);
        return _around.Count == 0 || !_around.Touch(_contig, start, end);
    }

    /// <summary>From the first base to the last of a record as written and of its alleles normalised.</summary>
    public static (int Start, int End) SpanOf(SiteTable sites, int record)
    {
        var (start, end) = (sites.RecordStart[record], Math.Max(sites.RecordEnd[record], sites.RecordStart[record] + 1));
        for (var row = sites.FirstRow[record]; row < sites.FirstRow[record + 1]; row++)
            (start, end) = (Math.Min(start, sites.RowStart[row]), Math.Max(end, sites.RowStart[row] + sites.RowRefText(row).Length));
        return (start, end);
    }

    /// <summary>The lines, by start, then by REF, ALTs and FILTER bytewise.</summary>
    public IEnumerable<Line> Lines()
    {
        var lines = new List<Line>();
        while (OpenNext() is { } start)
        {
            lines.Clear();
            _floor = Lowest();
            foreach (var cursor in _cursors)
                for (; cursor.Start == start; cursor.Record++) Take(cursor, lines);
            _cursors.RemoveAll(c => c.IsAtEnd);
            lines.Sort((a, b) => a.Key.AsSpan().SequenceCompareTo(b.Key));
            foreach (var line in lines) yield return line;
        }
    }

    /// <summary>Opens the blocks that hold the next record; returns its start, or null at the end.</summary>
    private int? OpenNext()
    {
        while (true)
        {
            var start = int.MaxValue;
            foreach (var cursor in _cursors) start = Math.Min(start, cursor.Start);
            if (_next == _pending.Length || (_cursors.Count > 0 && _pending[_next].Info.Records.Start > start)) return _cursors.Count > 0 ? start : null;
            var (source, info) = _pending[_next];
            _floor = Lowest();
            source.Advance(_floor, Math.Max(info.Records.Start, _floor) + 1);
            _next++;
            if (source.Open.FirstOrDefault(b => b.Block.Info == info) is { } open) _cursors.Add(new Cursor(source, open)); // else it is damaged, and noted
        }
    }

    /// <summary>The smallest normalised start of a record that is still to come.</summary>
    private int Lowest()
    {
        var lowest = _pendingLowest[_next];
        foreach (var cursor in _cursors) lowest = Math.Min(lowest, cursor.Lowest);
        return lowest;
    }

    private void Take(Cursor cursor, List<Line> lines)
    {
        if (Shown(cursor) is not { } record) return;
        var key = Line.KeyOf(record);
        foreach (var line in lines)
        {
            // A file that has the same record twice gets two lines back; a merged segment may have it once per file.
            if (!line.Key.AsSpan().SequenceEqual(key) || line.Records.Exists(record.SharesSampleWith)) continue;
            line.Records.Add(record);
            return;
        }
        lines.Add(new Line(cursor.Start, key, record));
    }

    /// <summary>The record of a cursor, or null when it is outside the regions, skipped at ingest, or of hidden samples alone.</summary>
    private LineRecord? Shown(Cursor cursor)
    {
        var (source, open, record) = (cursor.Source, cursor.Block, cursor.Record);
        var sites = open.Sites;
        var rows = Enumerable.Range(sites.FirstRow[record], sites.FirstRow[record + 1] - sites.FirstRow[record]).ToArray();
        if (!Array.Exists(rows, r => InRegions(sites.RowStart[r])) || WasSkipped(sites, record, rows) || !HasChosen(source, open, record)) return null;
        if (source.Visible.Count < source.SlotOf.Length || open.Block.Info.Streams.ContainsKey(BlockStream.Lost)) rows = [.. rows.Where(r => Visibility.Lists(source, open, r))];
        return rows.Length > 0 ? new LineRecord(source, open, record, rows) : null;
    }

    /// <summary>Whether ingest left the record out of every count: it repeats alleles with other genotypes.</summary>
    private static bool WasSkipped(SiteTable sites, int record, int[] rows) =>
        (sites.Flags[record] & RecordFlags.Speaks) == 0 && Array.Exists(rows, r => sites.RowCollapsed[r])
        && Array.TrueForAll(rows, r => sites.RowKind[r] != AlleleKind.Bases || sites.RowCollapsed[r]);

    private static bool HasChosen(Source source, OpenBlock open, int record)
    {
        if (open.Block.IsWhole(record)) return true;
        for (var local = 0; local < source.SlotOf.Length; local++)
            if (source.SlotOf[local] >= 0 && !open.Block.Absent!.Contains(record, local)) return true;
        return false;
    }

    private bool Concerns(BlockInfo block)
    {
        foreach (var (start, end) in _regions)
            if (BlockInfo.Overlaps(block.Rows, start, end)) return true;
        return false;
    }

    private bool InRegions(int start)
    {
        foreach (var region in _regions)
            if (region.Start <= start && start < region.End) return true;
        return false;
    }

    /// <summary>A place in a block that is being listed.</summary>
    private sealed class Cursor
    {
        private readonly int[] _lowest;

        public Cursor(Source source, OpenBlock block)
        {
            (Source, Block) = (source, block);
            var sites = block.Sites;
            _lowest = new int[sites.RecordCount + 1];
            _lowest[^1] = int.MaxValue;
            for (var record = sites.RecordCount - 1; record >= 0; record--)
            {
                var lowest = _lowest[record + 1];
                for (var row = sites.FirstRow[record]; row < sites.FirstRow[record + 1]; row++) lowest = Math.Min(lowest, sites.RowStart[row]);
                _lowest[record] = lowest;
            }
        }

        public Source Source { get; }

        public OpenBlock Block { get; }

        public int Record { get; set; }

        public bool IsAtEnd => Record == Block.Sites.RecordCount;

        /// <summary>Written start of the record; int.MaxValue behind the last.</summary>
        public int Start => IsAtEnd ? int.MaxValue : Block.Sites.RecordStart[Record];

        /// <summary>Smallest normalised start of this record and those after it.</summary>
        public int Lowest => _lowest[Record];
    }
}
