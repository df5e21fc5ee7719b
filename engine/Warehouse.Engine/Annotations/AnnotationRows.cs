using System.Runtime.InteropServices;

namespace Warehouse.Engine.Annotations;

/// <summary>
/// Rows of a release on their way to its file, in columns: a row is begun, its cells are set, those not set are missing. Texts are kept once
/// each. One thread.
/// </summary>
internal sealed class AnnotationRows
{
    /// <summary>Rows after which it is full: few enough to stay near the processor.</summary>
    public const int MaxRows = 1 << 16;

    /// <summary>Bytes of alleles and distinct texts after which it is full.</summary>
    private const int MaxBytes = 96 << 20;

    private readonly Cells[] _cells;
    private readonly int _maxRows;
    private readonly List<Row> _rows = [];
    private byte[] _alleles = new byte[1 << 16];
    private int _used;

    public AnnotationRows(IReadOnlyList<AnnotationField> fields, int maxRows) => (_maxRows, _cells) = (maxRows, [.. fields.Select(f => new Cells(f.Type))]);

    public int Count => _rows.Count;

    /// <summary>Whether it is to be written before more comes. Its bytes are added up now and then: a line is far shorter than what they may be.</summary>
    public bool IsFull => Count >= _maxRows || ((Count & 0xff) == 0 && _used + _cells.Sum(c => (long)c.Texts.Bytes) > MaxBytes);

    public ReadOnlySpan<Row> Rows => CollectionsMarshal.AsSpan(_rows);

    public ReadOnlySpan<byte> RefOf(in Row row) => row.AltLength < 0 ? [] : _alleles.AsSpan(row.At, row.RefLength);

    public ReadOnlySpan<byte> AltOf(in Row row) => row.AltLength < 0 ? [] : _alleles.AsSpan(row.At + row.RefLength, row.AltLength);

    public Cells Column(int field) => _cells[field];

    /// <summary>Begins a row of an allele, normalised.</summary>
    public void Add(int contig, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, long line)
    {
        var bytes = reference.Length + alternate.Length;
        if (_alleles.Length - _used < bytes) Array.Resize(ref _alleles, Math.Max(checked(_used + bytes), 2 * _alleles.Length));
        reference.CopyTo(_alleles.AsSpan(_used));
        alternate.CopyTo(_alleles.AsSpan(_used + reference.Length));
        Add(new Row(contig, start, _used, reference.Length, alternate.Length, line));
        _used += bytes;
    }

    /// <summary>Begins a row of an interval.</summary>
    public void Add(int contig, int start, int length, long line) => Add(new Row(contig, start, 0, length, -1, line));

    private void Add(Row row)
    {
        _rows.Add(row);
        foreach (var cells in _cells) cells.Add();
    }

    /// <summary>Takes a row of another over.</summary>
    public void Add(AnnotationRows from, int row)
    {
        ref readonly var other = ref from.Rows[row];
        if (other.AltLength < 0) Add(other.Contig, other.Start, other.RefLength, other.Line);
        else Add(other.Contig, other.Start, from.RefOf(other), from.AltOf(other), other.Line);
        for (var i = 0; i < _cells.Length; i++)
        {
            var cells = from._cells[i];
            if (cells.Type == AnnotationType.Text)
            {
                if (cells.Codes[row] > 0) _cells[i].Set(cells.Texts[cells.Codes[row] - 1]);
            }
            else if (cells.Type == AnnotationType.Real) _cells[i].Set(cells.Reals[row]);
            else _cells[i].Set(cells.Integers[row]);
        }
    }

    /// <summary>Takes a row of a block over.</summary>
    public void Add(AnnotationBlock from, int contig, int row)
    {
        if (from.IsIntervals) Add(contig, from.Starts[row], from.EndOf(row) - from.Starts[row], from.Lines[row]);
        else Add(contig, from.Starts[row], from.RefOf(row), from.AltOf(row), from.Lines[row]);
        for (var i = 0; i < _cells.Length; i++)
        {
            var column = from.Column(i);
            if (column.Field.Type == AnnotationType.Text)
            {
                if (column.Codes[row] > 0) _cells[i].Set(column.TextOf(column.Codes[row]));
            }
            else if (column.Field.Type == AnnotationType.Real) _cells[i].Set(column.Reals[row]);
            else _cells[i].Set(column.Integers[row]);
        }
    }

    public void Clear()
    {
        _rows.Clear();
        _used = 0;
        foreach (var cells in _cells) cells.Clear();
    }

    /// <summary>Order of rows: rank of the contig, start, end of an interval, REF, ALT, line.</summary>
    public int[] Order(ReadOnlySpan<int> rankOfContig)
    {
        var rows = Rows;
        var order = new int[Count];
        var keys = new long[rows.Length];
        var sorted = true;
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
            keys[i] = ((long)rankOfContig[rows[i].Contig] << 32) + rows[i].Start + 1L;
            sorted &= i == 0 || keys[i - 1] < keys[i] || (keys[i - 1] == keys[i] && Compare(i - 1, i) <= 0);
        }
        if (sorted) return order;
        Array.Sort(keys, order);
        for (int from = 0, to; from < order.Length; from = to)
        {
            for (to = from + 1; to < order.Length && keys[to] == keys[from];) to++;
            if (to - from > 1) order.AsSpan(from, to - from).Sort(Compare);
        }
        return order;
    }

    private int Compare(int x, int y)
    {
        var (a, b) = (_rows[x], _rows[y]);
        var by = RefOf(a).SequenceCompareTo(RefOf(b));
        if (a.AltLength < 0) by = a.RefLength.CompareTo(b.RefLength);
        if (by == 0) by = AltOf(a).SequenceCompareTo(AltOf(b));
        return by != 0 ? by : a.Line.CompareTo(b.Line);
    }

    /// <summary>A row without its cells; of an interval <see cref="AltLength"/> is -1 and <see cref="RefLength"/> its length.</summary>
    public readonly record struct Row(int Contig, int Start, int At, int RefLength, int AltLength, long Line);

    /// <summary>The cells of a field; the last row's are set, once or never.</summary>
    public sealed class Cells(AnnotationType type)
    {
        private readonly List<int> _codes = [];
        private readonly List<long> _integers = [];
        private readonly List<double> _reals = [];
        private int _last = -1;

        public AnnotationType Type => type;

        public TextPool Texts { get; } = new();

        public ReadOnlySpan<int> Codes => CollectionsMarshal.AsSpan(_codes);

        public ReadOnlySpan<long> Integers => CollectionsMarshal.AsSpan(_integers);

        public ReadOnlySpan<double> Reals => CollectionsMarshal.AsSpan(_reals);

        public void Add()
        {
            if (type == AnnotationType.Text) _codes.Add(0);
            else if (type == AnnotationType.Real) _reals.Add(double.NaN);
            else _integers.Add(AnnotationField.MissingInteger);
        }

        /// <summary>Neighbours often say the same: then nothing is looked up.</summary>
        public void Set(ReadOnlySpan<byte> text)
        {
            if (_last < 0 || !Texts[_last].SequenceEqual(text)) _last = Texts.Of(text);
            _codes[^1] = _last + 1;
        }

        public void Set(long value) => _integers[^1] = value;

        public void Set(double value) => _reals[^1] = value;

        public void Clear()
        {
            Texts.Clear();
            _last = -1;
            _codes.Clear();
            _integers.Clear();
            _reals.Clear();
        }
    }
}
