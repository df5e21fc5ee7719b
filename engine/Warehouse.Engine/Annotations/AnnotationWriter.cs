using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Annotations;

/// <summary>What the rows of a file are.</summary>
/// <param name="IsIntervals">Intervals, not alleles.</param>
/// <param name="TrimmedOnly">Alleles were only trimmed: there was no reference.</param>
/// <param name="Fields">Their fields.</param>
internal sealed record AnnotationShape(bool IsIntervals, bool TrimmedOnly, IReadOnlyList<AnnotationField> Fields)
{
    /// <summary>Rows of a run and of a block, and how near to the last place rows wait: small in tests alone.</summary>
    public (int Run, int Block, int Slack) Sizes { get; init; } = (AnnotationRows.MaxRows, AnnotationWriter.BlockRows, AnnotationSink.Slack);
}

/// <summary>
/// Writes a file of annotations (<see cref="AnnotationFile"/>) run by run: each run is sorted and becomes blocks. Where the blocks of
/// several runs lie among each other, the file is only half of the way: <see cref="IsInOrder"/> says so. Disposed without
/// <see cref="Complete"/> it leaves nothing that a manifest names. One thread.
/// </summary>
internal sealed class AnnotationWriter(SealedWriter file, AnnotationShape shape) : IDisposable
{
    /// <summary>Rows of a block, and more where many have the same start.</summary>
    public const int BlockRows = 8192;

    private readonly List<string> _contigs = [];
    private readonly List<AnnotationBlockInfo> _blocks = [];
    private readonly ByteWriter _stream = new(1 << 16);
    private readonly TermIndexBuilder _terms = new();
    private readonly bool _hasTerms = shape.Fields.Any(f => f.Terms != AnnotationTerms.None);
    private int[] _codeOf = [], _codes = [], _used = [], _lengths = [];
    private long[] _integers = [];
    private double[] _reals = [];
    private byte[] _packed = [];

    public AnnotationShape Shape => shape;

    /// <summary>Contigs by the index that rows name them by.</summary>
    public List<string> Contigs => _contigs;

    public long Rows { get; private set; }

    /// <summary>Index of a contig, which is taken in if it is new.</summary>
    public int ContigOf(string canonical)
    {
        var index = _contigs.IndexOf(canonical);
        if (index >= 0) return index;
        _contigs.Add(canonical);
        return _contigs.Count - 1;
    }

    /// <summary>Whether no block lies among others once they are sorted by contig and start.</summary>
    public bool IsInOrder
    {
        get
        {
            var sorted = Sorted();
            for (var i = 1; i < sorted.Count; i++)
                if (sorted[i].Contig == sorted[i - 1].Contig && sorted[i].FirstStart <= sorted[i - 1].LastStart) return false;
            return true;
        }
    }

    /// <summary>Number of the run that follows.</summary>
    public int Run { get; private set; }

    /// <summary>Run of each block, in the order of writing.</summary>
    public List<int> RunOfBlock { get; } = [];

    /// <summary>Writes rows as blocks: those of <paramref name="order"/>, all of them or the first ones.</summary>
    public void Add(AnnotationRows rows, ReadOnlySpan<int> order)
    {
        while (order.Length > 0)
        {
            var (first, count) = (rows.Rows[order[0]], 1);
            for (var start = first.Start; count < order.Length; count++)
            {
                ref readonly var row = ref rows.Rows[order[count]];
                if (row.Contig != first.Contig || (count >= shape.Sizes.Block && row.Start != start)) break;
                start = row.Start;
            }
            AddBlock(rows, order[..count]);
            order = order[count..];
        }
        Run++;
    }

    /// <summary>Ranks of the contigs, by index.</summary>
    public int[] Ranks()
    {
        var order = Enumerable.Range(0, _contigs.Count).Order(Comparer<int>.Create((a, b) => ContigOrder.Instance.Compare(_contigs[a], _contigs[b]))).ToArray();
        var ranks = new int[order.Length];
        for (var i = 0; i < order.Length; i++) ranks[order[i]] = i;
        return ranks;
    }

    /// <summary>Writes terms and directory and seals the file. Blocks must be in order.</summary>
    public FileEntry Complete()
    {
        System.Diagnostics.Debug.Assert(IsInOrder, "blocks of a release do not lie among each other");
        var (ranks, sorted) = (Ranks(), Sorted());
        var termBytes = WriteTerms(sorted);
        var to = new ByteWriter(1 << 16);
        to.Byte(AnnotationFile.Version);
        to.Bool(shape.IsIntervals);
        to.Var(Normalizer.Version);
        to.Bool(shape.TrimmedOnly);
        to.Var(_contigs.Count);
        foreach (var contig in _contigs.Order(ContigOrder.Instance)) to.Text(contig);
        AnnotationFile.WriteFields(to, shape.Fields);
        to.Var((ulong)Rows);
        to.Var((ulong)termBytes);
        to.Var(_blocks.Count);
        foreach (var block in sorted)
        {
            to.Var(ranks[block.Contig]);
            to.Var(block.Rows);
            to.Var(block.FirstStart);
            to.Var(block.LastStart - block.FirstStart);
            to.Var(block.MaxEnd - block.LastStart);
            to.Var((ulong)block.Offset);
            foreach (var length in block.Lengths) to.Var(length);
        }
        var (offset, size) = (file.PositionBytes, to.Length);
        to.Int64(offset);
        to.Int32(size);
        to.Int32(AnnotationFile.Magic);
        file.Write(to.Written);
        return file.Complete();
    }

    /// <summary>Seals the file without a directory and reads its blocks, as they were written.</summary>
    public AnnotationFile Reopen(Manifests.Commit commit) => new(commit.OpenFile(file.Complete().Id), shape, _contigs, [.. _blocks]);

    public void Dispose() => file.Dispose();

    /// <summary>Rows are numbered by their place; terms were noted in the order of writing.</summary>
    private long WriteTerms(List<AnnotationBlockInfo> sorted)
    {
        if (!_hasTerms) return 0;
        var places = new (long Written, long Place)[sorted.Count];
        var place = 0L;
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = (sorted[i].FirstRow, place);
            place += sorted[i].Rows;
        }
        Array.Sort(places);
        return _terms.Write(file, places);
    }

    private List<AnnotationBlockInfo> Sorted()
    {
        var ranks = Ranks();
        return [.. _blocks.OrderBy(b => ranks[b.Contig]).ThenBy(b => b.FirstStart)];
    }

    private void AddBlock(AnnotationRows rows, ReadOnlySpan<int> order)
    {
        var lengths = new int[shape.Fields.Count + 1];
        var offset = file.PositionBytes;
        _stream.Clear();
        AnnotationBlock.EncodeSites(_stream, rows, order);
        lengths[0] = WriteStream();
        for (var i = 0; i < shape.Fields.Count; i++)
        {
            _stream.Clear();
            Encode(rows.Column(i), shape.Fields[i].Terms, order);
            lengths[i + 1] = WriteStream();
        }
        var (first, last) = (rows.Rows[order[0]], rows.Rows[order[^1]].Start);
        var end = last;
        foreach (var i in order) end = Math.Max(end, rows.Rows[i].Start + rows.Rows[i].RefLength);
        _blocks.Add(new AnnotationBlockInfo(first.Contig, order.Length, first.Start, last, end, Rows, offset, lengths));
        RunOfBlock.Add(Run);
        Rows += order.Length;
    }

    private void Encode(AnnotationRows.Cells cells, AnnotationTerms terms, ReadOnlySpan<int> order)
    {
        switch (cells.Type)
        {
            case AnnotationType.Text:
                EncodeTexts(cells, terms, order);
                break;
            case AnnotationType.Real:
                if (_reals.Length < order.Length) _reals = new double[order.Length];
                for (var i = 0; i < order.Length; i++) _reals[i] = cells.Reals[order[i]];
                AnnotationColumn.Encode(_stream, _reals.AsSpan(0, order.Length));
                break;
            default:
                if (_integers.Length < order.Length) _integers = new long[order.Length];
                for (var i = 0; i < order.Length; i++) _integers[i] = cells.Integers[order[i]];
                AnnotationColumn.Encode(_stream, _integers.AsSpan(0, order.Length));
                break;
        }
    }

    /// <summary>The texts of the block get codes of their own, in the order in which they come.</summary>
    private void EncodeTexts(AnnotationRows.Cells cells, AnnotationTerms terms, ReadOnlySpan<int> order)
    {
        if (_codeOf.Length <= cells.Texts.Count) _codeOf = new int[cells.Texts.Count + 1];
        if (_codes.Length < order.Length) (_codes, _used) = (new int[order.Length], new int[order.Length]);
        var count = 0;
        var codes = cells.Codes;
        for (var i = 0; i < order.Length; i++)
        {
            var code = codes[order[i]];
            if (code > 0 && _codeOf[code] == 0)
            {
                _used[count] = code;
                _codeOf[code] = ++count;
            }
            _codes[i] = code == 0 ? 0 : _codeOf[code];
        }
        _stream.Var(count);
        if (_lengths.Length < count) _lengths = new int[order.Length];
        for (var i = 0; i < count; i++) _lengths[i] = cells.Texts[_used[i] - 1].Length;
        _stream.Vars(_lengths.AsSpan(0, count));
        foreach (var code in _used.AsSpan(0, count))
        {
            _stream.Raw(cells.Texts[code - 1]);
            _codeOf[code] = 0;
        }
        _stream.Vars(_codes.AsSpan(0, order.Length));
        if (terms == AnnotationTerms.None) return;
        var texts = new ulong[count][];
        for (var i = 0; i < count; i++) texts[i] = SearchTerm.HashesOf(terms, cells.Texts[_used[i] - 1]);
        for (var i = 0; i < order.Length; i++)
            if (_codes[i] > 0)
                foreach (var hash in texts[_codes[i] - 1]) _terms.Add(hash, Rows + i);
    }

    private int WriteStream()
    {
        var packed = PackedStream.Pack(_stream.Written, ref _packed);
        file.Write(packed);
        return packed.Length;
    }
}
