using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// Takes rows in any order and leaves one sorted file. Rows are sorted run by run; those near the last place wait for the next run, since a
/// left shift puts an allele behind others that were written before. When runs lie among each other all the same, they are merged into a
/// second file, and the first stays unnamed. Memory: a few runs. One thread.
/// </summary>
internal sealed class AnnotationSink(Commit commit, AnnotationShape shape) : IDisposable
{
    /// <summary>Bases that a left shift usually stays within: more costs a merge, nothing else.</summary>
    public const int Slack = 10_000;

    private AnnotationWriter _writer = new(commit.CreateFile(AnnotationFile.FileKind), shape);
    private AnnotationRows _rows = new(shape.Fields, shape.Sizes.Run);
    private AnnotationRows? _next; // of a second run on

    /// <summary>The rows to add to; at least one more fits.</summary>
    public AnnotationRows Rows => _rows;

    public int ContigOf(string canonical) => _writer.ContigOf(canonical);

    /// <summary>To be called after each row, when its cells are set.</summary>
    public void EndRow()
    {
        if (_rows.IsFull) Flush();
    }

    /// <summary>Writes what is left and names the file in the commit.</summary>
    public (FileEntry File, long Rows) Complete(CancellationToken stop)
    {
        if (_rows.Count > 0) _writer.Add(_rows, _rows.Order(_writer.Ranks()));
        _rows.Clear();
        if (!_writer.IsInOrder) Merge(stop);
        var (file, rows) = (_writer.Complete(), _writer.Rows);
        commit.Add(file);
        return (file, rows);
    }

    public void Dispose() => _writer.Dispose();

    private void Flush()
    {
        var order = _rows.Order(_writer.Ranks());
        var last = _rows.Rows[^1];
        var (written, waiting) = (new List<int>(order.Length), new List<int>());
        foreach (var row in order) (_rows.Rows[row].Contig == last.Contig && _rows.Rows[row].Start >= last.Start - shape.Sizes.Slack ? waiting : written).Add(row);
        if (written.Count < waiting.Count)
        {
            _writer.Add(_rows, order);
            _rows.Clear();
            return;
        }
        _writer.Add(_rows, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(written));
        _next ??= new AnnotationRows(shape.Fields, shape.Sizes.Run);
        foreach (var row in waiting) _next.Add(_rows, row);
        _rows.Clear();
        (_rows, _next) = (_next, _rows);
    }

    private void Merge(CancellationToken stop)
    {
        using var runs = _writer.Reopen(commit);
        var from = _writer;
        _writer = new AnnotationWriter(commit.CreateFile(AnnotationFile.FileKind), shape);
        foreach (var contig in from.Contigs) _writer.ContigOf(contig);
        var queue = new PriorityQueue<Cursor, Cursor>(Comparer<Cursor>.Create(Cursor.Compare));
        foreach (var blocks in runs.Blocks.Select((b, i) => (Block: b, Run: from.RunOfBlock[i])).GroupBy(b => b.Run, b => b.Block))
        {
            var cursor = new Cursor(runs, [.. blocks], from.Ranks());
            queue.Enqueue(cursor, cursor);
        }
        var (contig0, start0) = (-1, -1);
        while (queue.TryDequeue(out var next, out _))
        {
            var (contig, start) = (next.Block.Info.Contig, next.Start);
            if (_rows.IsFull && (contig != contig0 || start != start0)) WriteMerged(stop);
            (contig0, start0) = (contig, start);
            _rows.Add(next.Block, contig, next.Row);
            if (next.MoveNext()) queue.Enqueue(next, next);
        }
        WriteMerged(stop);
        from.Dispose();
    }

    private void WriteMerged(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (_rows.Count > 0) _writer.Add(_rows, _rows.Order(_writer.Ranks()));
        _rows.Clear();
    }

    /// <summary>A place in a run.</summary>
    private sealed class Cursor
    {
        private readonly AnnotationFile _file;
        private readonly AnnotationBlockInfo[] _blocks;
        private readonly int[] _ranks;
        private int _at;

        public Cursor(AnnotationFile file, AnnotationBlockInfo[] blocks, int[] ranks)
        {
            (_file, _blocks, _ranks) = (file, blocks, ranks);
            Block = file.Read(blocks[0]);
        }

        public AnnotationBlock Block { get; private set; }

        public int Row { get; private set; }

        public int Start => Block.Starts[Row];

        public bool MoveNext()
        {
            if (++Row < Block.Count) return true;
            if (++_at == _blocks.Length) return false;
            Block = _file.Read(_blocks[_at]);
            Row = 0;
            return true;
        }

        public static int Compare(Cursor? a, Cursor? b)
        {
            var by = a!._ranks[a.Block.Info.Contig].CompareTo(b!._ranks[b.Block.Info.Contig]);
            if (by == 0) by = a.Start.CompareTo(b.Start);
            if (by == 0) by = a.Block.IsIntervals ? a.Block.EndOf(a.Row).CompareTo(b.Block.EndOf(b.Row)) : a.Block.RefOf(a.Row).SequenceCompareTo(b.Block.RefOf(b.Row));
            if (by == 0) by = a.Block.AltOf(a.Row).SequenceCompareTo(b.Block.AltOf(b.Row));
            return by != 0 ? by : a.Block.Lines[a.Row].CompareTo(b.Block.Lines[b.Row]);
        }
    }
}
