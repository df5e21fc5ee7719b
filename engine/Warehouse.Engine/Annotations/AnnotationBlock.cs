using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Annotations;

/// <summary>Where a block lies and what it holds: an entry of the directory.</summary>
/// <param name="Contig">Index among the contigs of the release.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="FirstStart">Start of the first row.</param>
/// <param name="LastStart">Start of the last.</param>
/// <param name="MaxEnd">Largest end.</param>
/// <param name="FirstRow">Rows of the blocks before it.</param>
/// <param name="Offset">Of its first stream in the content.</param>
/// <param name="Lengths">Of its streams: sites, then one per field, nothing between.</param>
internal sealed record AnnotationBlockInfo(int Contig, int Rows, int FirstStart, int LastStart, int MaxEnd, long FirstRow, long Offset, int[] Lengths);

/// <summary>
/// Rows of one contig, ascending by start, REF and ALT (of intervals by start and end), decoded as they are asked for. All rows of a start are in one block. Several rows may
/// be of one allele: the source says so much of it. One thread.
/// </summary>
public sealed class AnnotationBlock
{
    /// <summary>Rows that a look-up walks before it searches.</summary>
    private const int NearRows = 16;

    private readonly AnnotationFile _file;
    private readonly AnnotationColumn?[] _columns;
    private readonly int[] _starts, _refLengths, _altLengths, _textEnds;
    private readonly byte[] _raw;
    private readonly int _linesAt, _textAt;
    private long[]? _lines;
    private int _near;
    private int _longest = -1;

    internal AnnotationBlock(AnnotationFile file, AnnotationBlockInfo info, byte[] raw)
    {
        (_file, Info, _raw) = (file, info, raw);
        _columns = new AnnotationColumn?[file.Fields.Count];
        // Each row has a byte in each of its numbers: what claims more takes no memory.
        if (info.Rows > raw.Length / (file.IsIntervals ? 3 : 4)) throw new InvalidDataException("a block of annotations claims more rows than it can hold");
        var from = new ByteReader(raw);
        (_starts, _refLengths, _altLengths) = (file.Numbers(info.Rows), file.Numbers(info.Rows), file.IsIntervals ? [] : file.Numbers(info.Rows));
        from.Counts(_starts, int.MaxValue);
        for (var (i, before) = (0, info.FirstStart); i < _starts.Length; i++) _starts[i] = before = i == 0 ? before : ByteReader.Sum(before, _starts[i]);
        from.Counts(_refLengths, int.MaxValue);
        from.Counts(_altLengths, raw.Length);
        _linesAt = from.Position;
        _textEnds = file.IsIntervals ? [] : file.Numbers(info.Rows);
        for (var (i, end) = (0, 0); i < _textEnds.Length; i++) _textEnds[i] = end = ByteReader.Sum(ByteReader.Sum(end, _refLengths[i]), _altLengths[i]);
        // The texts fill the end; what is left before them are the lines, which few ask for.
        _textAt = raw.Length - (_textEnds.Length == 0 ? 0 : _textEnds[^1]);
        if (_textAt - _linesAt < info.Rows) throw new InvalidDataException("a stored record ends too early");
        if (_starts.Length == 0 || _starts[^1] != info.LastStart) throw new InvalidDataException("a block of annotations is not what its directory says");
    }

    /// <summary>Canonical contig of all rows.</summary>
    public string Contig => _file.Contigs[Info.Contig];

    /// <summary>Number of rows.</summary>
    public int Count => _starts.Length;

    /// <summary>Number of the first row in the release, from 0.</summary>
    public long FirstRow => Info.FirstRow;

    /// <summary>True when rows are intervals, false when they are alleles.</summary>
    public bool IsIntervals => _file.IsIntervals;

    /// <summary>0-based start per row.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>1-based line of the source per row.</summary>
    /// <exception cref="InvalidDataException">The store is damaged.</exception>
    public ReadOnlySpan<long> Lines => _lines ??= ReadLines();

    internal AnnotationBlockInfo Info { get; }

    /// <summary>REF, normalised; empty for an interval.</summary>
    public ReadOnlySpan<byte> RefOf(int row) => IsIntervals ? [] : _raw.AsSpan(_textAt + (row == 0 ? 0 : _textEnds[row - 1]), _refLengths[row]);

    /// <summary>ALT, normalised; empty for an interval.</summary>
    public ReadOnlySpan<byte> AltOf(int row) => IsIntervals ? [] : _raw.AsSpan(_textAt + _textEnds[row] - _altLengths[row], _altLengths[row]);

    /// <summary>Whether a row has the start, REF and ALT of the row of another block; their contigs are not looked at.</summary>
    public bool HasAlleleOf(int row, AnnotationBlock other, int otherRow) =>
        _starts[row] == other._starts[otherRow] && _refLengths[row] == other._refLengths[otherRow] && AlleleText(row).SequenceEqual(other.AlleleText(otherRow));

    /// <summary>REF and ALT, which lie side by side.</summary>
    private ReadOnlySpan<byte> AlleleText(int row)
    {
        var from = row == 0 ? 0 : _textEnds[row - 1];
        return _raw.AsSpan(_textAt + from, _textEnds[row] - from);
    }

    /// <summary>Number of fields.</summary>
    public int FieldCount => _columns.Length;

    /// <summary>The allele of a row.</summary>
    public Variant VariantOf(int row) => Variant.FromNormalized(Contig, _starts[row], Bases(RefOf(row)), Bases(AltOf(row)));

    /// <summary>Most alleles are of single bases, which need no text of their own.</summary>
    private static string Bases(ReadOnlySpan<byte> bases) => bases switch
    {
        [(byte)'A'] => "A",
        [(byte)'C'] => "C",
        [(byte)'G'] => "G",
        [(byte)'T'] => "T",
        _ => System.Text.Encoding.ASCII.GetString(bases),
    };

    /// <summary>0-based end, exclusive, of the interval or of REF.</summary>
    public int EndOf(int row) => _starts[row] + _refLengths[row];

    /// <summary>A field's cells, by its place among the fields of the release.</summary>
    /// <exception cref="InvalidDataException">The store is damaged.</exception>
    public AnnotationColumn Column(int field) => _columns[field] ??= _file.ReadColumn(Info, field);

    /// <summary>Rows of an allele: first and how many, 0 when it has none.</summary>
    public (int First, int Count) Find(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        // Who asks in order finds the start a few rows behind the one before; who does not searches.
        var at = _near;
        for (var steps = 0; steps < NearRows && at < _starts.Length && _starts[at] < start; steps++) at++;
        if (at == _starts.Length || _starts[at] != start)
        {
            at = _starts.AsSpan().BinarySearch(start);
            if (at < 0) return (_near = Math.Min(~at, _starts.Length - 1), 0);
        }
        while (at > 0 && _starts[at - 1] == start) at--;
        _near = at;
        for (; at < _starts.Length && _starts[at] == start; at++)
        {
            if (_refLengths[at] != reference.Length || _altLengths[at] != alternate.Length || !RefOf(at).SequenceEqual(reference) || !AltOf(at).SequenceEqual(alternate)) continue;
            var first = at;
            while (at < _starts.Length && _starts[at] == start && RefOf(at).SequenceEqual(reference) && AltOf(at).SequenceEqual(alternate)) at++;
            return (first, at - first);
        }
        return (at, 0);
    }

    /// <summary>Gives its memory back for the blocks that follow: nobody may look at it, or at a column of it, any more.</summary>
    internal void Release()
    {
        foreach (var numbers in (ReadOnlySpan<int[]>)[_starts, _refLengths, _altLengths, _textEnds])
            if (numbers.Length > 0) _file.Spare(numbers);
        foreach (var column in _columns) column?.Release(_file);
    }

    private long[] ReadLines()
    {
        var from = new ByteReader(_raw.AsSpan(_linesAt, _textAt - _linesAt));
        var lines = new long[_starts.Length];
        for (var (i, line) = (0, 0L); i < lines.Length; i++) lines[i] = line += from.Signed();
        from.End();
        return lines;
    }

    /// <summary>First row of an interval that may reach behind a place: those before it are too far away for the longest.</summary>
    internal int FirstThatMayTouch(int start)
    {
        if (_longest < 0)
            foreach (var length in _refLengths) _longest = Math.Max(_longest, length);
        var (low, high) = (0, _starts.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_starts[middle] + (long)_longest <= start) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>
    /// Encodes rows of a run: starts as differences, the first 0; lengths of REF, or of intervals; lengths of ALT, unless intervals; lines, each as signed difference; then REF and ALT row by row.
    /// </summary>
    internal static void EncodeSites(ByteWriter to, AnnotationRows rows, ReadOnlySpan<int> order)
    {
        var all = rows.Rows;
        var numbers = new int[order.Length];
        for (var i = 0; i < numbers.Length; i++) numbers[i] = i == 0 ? 0 : all[order[i]].Start - all[order[i - 1]].Start;
        to.Vars(numbers);
        for (var i = 0; i < numbers.Length; i++) numbers[i] = all[order[i]].RefLength;
        to.Vars(numbers);
        if (all[order[0]].AltLength >= 0)
        {
            for (var i = 0; i < numbers.Length; i++) numbers[i] = all[order[i]].AltLength;
            to.Vars(numbers);
        }
        var line = 0L;
        foreach (var i in order)
        {
            to.Signed(all[i].Line - line);
            line = all[i].Line;
        }
        foreach (var i in order)
        {
            to.Raw(rows.RefOf(all[i]));
            to.Raw(rows.AltOf(all[i]));
        }
    }
}
