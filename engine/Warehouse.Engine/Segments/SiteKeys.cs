using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>
/// A sorted key (<see cref="AlleleCode"/>) per countable base row of a block, for blocks that are asked often and in any order. Filled anew
/// by each <see cref="Load"/>. One thread while it loads, then any.
/// </summary>
internal sealed class SiteKeys
{
    /// <summary>Places that a row is moved forward as it comes.</summary>
    private const int MostSteps = 16;

    private ulong[] _keys = [];
    private uint[] _places = [];

    /// <summary>The rows whose keys are hashes; those of another block when they are given another place.</summary>
    public HashedAlleles Hashed { get; set; } = new();

    /// <summary>Countable base rows.</summary>
    public int Count { get; private set; }

    /// <summary>Keys, ascending.</summary>
    public ReadOnlySpan<ulong> Keys => _keys.AsSpan(0, Count);

    /// <summary>Row of a position.</summary>
    public int RowAt(int position) => (int)(_places[position] >> 16);

    /// <summary>Record of a position.</summary>
    public int RecordAt(int position) => (int)(_places[position] & 0xFFFF);

    /// <summary>Makes the keys of a block; at most <see cref="SiteColumns.MaxRows"/> rows and records.</summary>
    public void Load(SiteColumns columns)
    {
        Count = 0;
        Hashed.Clear();
        if (_keys.Length < columns.RowCount) (_keys, _places) = (new ulong[columns.RowCount], new uint[columns.RowCount]);
        var records = columns.Records;
        ReadOnlySpan<int> refLengths = columns.RefLengths, altCounts = columns.AltCounts, altLengths = columns.AltLengths;
        ReadOnlySpan<byte> rowFlags = columns.RowFlags, text = columns.Text;
        var moved = columns.Moved;
        var (row, at, ordered) = (0, 0, true);
        for (var record = 0; record < records.Length; record++)
        {
            var (start, alts) = (records[record].Start, altCounts[record]);
            if (alts == 1 && refLengths[record] == 1 && altLengths[row] == 1 && rowFlags[row] == (byte)AlleleKind.Bases && AlleleCode.OfBases(text[at], text[at + 1]) is not 0 and var code)
            {
                Add(((ulong)(uint)(start + 1) << 32) | code, row++, record, ref ordered);
                at += 2;
                continue;
            }
            var asWritten = true;
            var reference = text.Slice(at, refLengths[record]);
            at += reference.Length;
            for (var last = row + alts; row < last; at += altLengths[row++])
            {
                asWritten &= SiteColumns.IsAsWritten(rowFlags[row]);
                if (SiteColumns.IsCountable(rowFlags[row]) && SiteColumns.IsAsWritten(rowFlags[row])) Add(start, reference, text.Slice(at, altLengths[row]), (row, record), ref ordered);
                else if (!moved.IsEmpty && moved[0].Row == row)
                {
                    Add(moved[0].Start, text.Slice(moved[0].Ref.At, moved[0].Ref.Length), text.Slice(moved[0].Alt.At, moved[0].Alt.Length), (row, record), ref ordered);
                    moved = moved[1..];
                }
            }
            if (!asWritten && record + 1 < records.Length) at = columns.TextOf(record + 1).Text;
        }
        if (!ordered) Array.Sort(_keys, _places, 0, Count);
    }

    private void Add(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, (int Row, int Record) of, ref bool ordered)
    {
        var key = AlleleCode.KeyOf(start, reference, alternate);
        if ((key & AlleleCode.Hashed) != 0) Hashed.Add(of.Row, reference, alternate);
        Add(key, of.Row, of.Record, ref ordered);
    }

    /// <summary>Rows are nearly in order: those of one start change places. What is farther off is left to a sort at the end.</summary>
    private void Add(ulong key, int row, int record, ref bool ordered)
    {
        var (keys, at) = (_keys, Count++);
        var least = ordered ? Math.Max(0, at - MostSteps) : at;
        for (; at > least && keys[at - 1] > key; at--) (keys[at], _places[at]) = (keys[at - 1], _places[at - 1]);
        if (ordered && at > 0 && keys[at - 1] > key) ordered = false;
        keys[at] = key;
        _places[at] = ((uint)row << 16) | (uint)record;
    }
}

/// <summary>Bases of the rows of a block whose keys are hashes. One thread while it is filled, then any.</summary>
internal sealed class HashedAlleles
{
    private readonly List<(int Row, int At, int RefLength, int AltLength)> _rows = [];
    private byte[] _text = [];
    private int _textLength;

    /// <summary>Bytes of memory held.</summary>
    public long MemoryBytes => (_rows.Capacity * 16L) + _text.Length;

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _rows.Clear();
        _textLength = 0;
    }

    /// <summary>Adds a row, greater than those before.</summary>
    public void Add(int row, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        _rows.Add((row, _textLength, reference.Length, alternate.Length));
        var needed = _textLength + reference.Length + alternate.Length;
        if (_text.Length < needed) Array.Resize(ref _text, Math.Max(needed, Math.Max(256, 2 * _text.Length)));
        reference.CopyTo(_text.AsSpan(_textLength));
        alternate.CopyTo(_text.AsSpan(_textLength + reference.Length));
        _textLength = needed;
    }

    /// <summary>Whether a row that was added is this allele.</summary>
    public bool IsAllele(int row, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var (low, high) = (0, _rows.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_rows[middle].Row < row) low = middle + 1;
            else high = middle;
        }
        var (_, at, refLength, altLength) = _rows[low];
        return _text.AsSpan(at, refLength).SequenceEqual(reference) && _text.AsSpan(at + refLength, altLength).SequenceEqual(alternate);
    }
}
