using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>
/// What a look-up needs of the sites of a block, read from the stream of <see cref="SiteTableCodec"/> without making the table: a sorted key
/// (<see cref="AlleleCode"/>) per countable base row, and the spans of the records. Filled anew by each <see cref="Load"/>; a failed one
/// leaves nothing to be asked. One thread while it loads, then any.
/// </summary>
internal sealed class SiteKeys
{
    /// <summary>Most records and rows of a block that is keyed.</summary>
    public const int MaxRows = ushort.MaxValue;

    /// <summary>Places that a row is moved forward as it comes.</summary>
    private const int MostSteps = 16;

    private ulong[] _keys = [];
    private uint[] _places = [];
    private int[] _starts = [], _ends = [], _largestEnds = [];
    private int[] _refLengths = [], _altCounts = [], _altLengths = [], _forms = [];

    /// <summary>The rows whose keys are hashes; those of another block when they are given another place.</summary>
    public HashedAlleles Hashed { get; set; } = new();

    /// <summary>Records of the block.</summary>
    public int RecordCount { get; private set; }

    /// <summary>Countable base rows.</summary>
    public int Count { get; private set; }

    /// <summary>Keys, ascending.</summary>
    public ReadOnlySpan<ulong> Keys => _keys.AsSpan(0, Count);

    /// <summary>Row of a position.</summary>
    public int RowAt(int position) => (int)(_places[position] >> 16);

    /// <summary>Record of a position.</summary>
    public int RecordAt(int position) => (int)(_places[position] & 0xFFFF);

    /// <summary>Start of a record as written.</summary>
    public int RecordStart(int record) => _starts[record];

    /// <summary>End of a record as written; int.MinValue when it does not speak for its span.</summary>
    public int RecordEnd(int record) => _ends[record];

    /// <summary>Largest end of a speaking record among records 0..record.</summary>
    public int LargestEnd(int record) => _largestEnds[record];

    /// <summary>Reads an unpacked sites stream.</summary>
    /// <exception cref="InvalidDataException">The bytes are not a sites stream, or not one of that many records and rows.</exception>
    public void Load(ReadOnlySpan<byte> raw, int recordCount, int rowCount)
    {
        Clear();
        var from = new ByteReader(raw);
        if (from.Byte() != SiteTableCodec.Version) throw new InvalidDataException("the sites stream has an unknown version");
        if (from.Count() != recordCount || from.Count() != rowCount) throw new InvalidDataException("a block and its sites disagree");
        var textBytes = from.Count(raw.Length);
        MakeRoom(recordCount, rowCount);
        Numbers(ref from, _starts.AsSpan(0, recordCount));
        Numbers(ref from, _refLengths.AsSpan(0, recordCount));
        Numbers(ref from, _altCounts.AsSpan(0, recordCount));
        var flags = from.Raw(recordCount);
        from.Raw(VarColumn.Skip(raw[from.Position..], recordCount));
        var rowFlags = from.Raw(rowCount);
        Numbers(ref from, _altLengths.AsSpan(0, rowCount));
        ReadForms(ref from, rowFlags);
        Place(new Columns { Flags = flags, RowFlags = rowFlags, Text = from.Raw(textBytes) }, recordCount);
        RecordCount = recordCount;
    }

    /// <summary>Forgets the block.</summary>
    public void Clear()
    {
        (RecordCount, Count) = (0, 0);
        Hashed.Clear();
    }

    private static void Numbers(ref ByteReader from, Span<int> values) => from.Raw(VarColumn.Read(from.Rest, values));

    private void MakeRoom(int records, int rows)
    {
        if (_starts.Length < records) (_starts, _ends, _largestEnds, _refLengths, _altCounts) = (new int[records], new int[records], new int[records], new int[records], new int[records]);
        if (_keys.Length < rows) (_keys, _places, _altLengths) = (new ulong[rows], new uint[rows], new int[rows]);
    }

    /// <summary>Three numbers per trimmed or moved row, in row order.</summary>
    private void ReadForms(ref ByteReader from, ReadOnlySpan<byte> rowFlags)
    {
        var count = 0;
        foreach (var flags in rowFlags)
        {
            if ((flags & (SiteTableCodec.Trimmed | SiteTableCodec.Moved)) == 0) continue;
            if (_forms.Length < count + 3) Array.Resize(ref _forms, Math.Max(64, 2 * _forms.Length));
            var moved = (flags & SiteTableCodec.Trimmed) == 0;
            _forms[count++] = moved ? Shift(from.Signed()) : from.Count();
            _forms[count++] = from.Count();
            _forms[count++] = moved ? from.Count() : 0;
        }
    }

    /// <summary>Walks the records with the text and makes keys and spans.</summary>
    private void Place(Columns columns, int recordCount)
    {
        var (start, row, form, largest, ordered) = (-1, 0, 0, int.MinValue, true);
        var at = 0;
        var (starts, ends, largestEnds) = (_starts, _ends, _largestEnds);
        for (var record = 0; record < recordCount; record++)
        {
            starts[record] = start = Sum(start, starts[record]);
            var (refLength, alts) = (_refLengths[record], _altCounts[record]);
            var end = (columns.Flags[record] & (byte)RecordFlags.Speaks) != 0 ? Sum(start, refLength) : int.MinValue;
            ends[record] = end;
            largestEnds[record] = largest = Math.Max(largest, end);
            if (alts > columns.RowFlags.Length - row) throw new InvalidDataException("the rows of a block do not add up");
            if (alts == 1 && refLength == 1 && _altLengths[row] == 1 && columns.RowFlags[row] == (byte)AlleleKind.Bases && at <= columns.Text.Length - 2
                && AlleleCode.OfBases(columns.Text[at], columns.Text[at + 1]) is not 0 and var code)
            {
                Add(((ulong)(uint)(start + 1) << 32) | code, row++, record, ref ordered);
                at += 2;
            }
            else PlaceRows(columns, (record, start, alts), ref row, ref form, ref at, ref ordered);
        }
        if (row != columns.RowFlags.Length) throw new InvalidDataException("the rows of a block do not add up");
        if (at != columns.Text.Length) throw new InvalidDataException("the text of a block does not add up");
        if (!ordered) Array.Sort(_keys, _places, 0, Count);
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

    /// <summary>The rows of any record: REF, its ALTs, then REF and ALT of its moved rows.</summary>
    private void PlaceRows(Columns columns, (int Record, int Start, int Alts) of, ref int row, ref int form, ref int at, ref bool ordered)
    {
        var reference = Take(columns.Text, ref at, _refLengths[of.Record]);
        var written = at;
        for (var alt = 0; alt < of.Alts; alt++) Take(columns.Text, ref at, _altLengths[row + alt]);
        for (var last = row + of.Alts; row < last; row++)
        {
            var flags = columns.RowFlags[row];
            var alternate = columns.Text.Slice(written, _altLengths[row]);
            written += alternate.Length;
            var start = of.Start;
            var rowRef = reference;
            if ((flags & SiteTableCodec.Moved) != 0 && (flags & SiteTableCodec.Trimmed) == 0)
            {
                start = Sum(start, _forms[form]);
                rowRef = Take(columns.Text, ref at, _forms[form + 1]);
                alternate = Take(columns.Text, ref at, _forms[form + 2]);
                form += 3;
            }
            else if ((flags & SiteTableCodec.Trimmed) != 0)
            {
                var (left, right) = (_forms[form], _forms[form + 1]);
                if ((long)left + right > Math.Min(rowRef.Length, alternate.Length)) throw new InvalidDataException("a row is trimmed to nothing");
                start += left;
                rowRef = rowRef[left..^right];
                alternate = alternate[left..^right];
                form += 3;
            }
            if ((flags & (SiteTableCodec.KindBits | SiteTableCodec.Collapsed)) != (byte)AlleleKind.Bases) continue;
            var key = AlleleCode.KeyOf(start, rowRef, alternate);
            if ((key & AlleleCode.Hashed) != 0) Hashed.Add(row, rowRef, alternate);
            Add(key, row, of.Record, ref ordered);
        }
    }

    private static int Sum(int start, int bases)
    {
        var sum = (long)start + bases;
        return sum is >= -1 and <= int.MaxValue ? (int)sum : throw new InvalidDataException("a place of a block is out of range");
    }

    private static int Shift(long bases) => bases == (int)bases ? (int)bases : throw new InvalidDataException("a place of a block is out of range");

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> text, scoped ref int at, int length)
    {
        if (length > text.Length - at) throw new InvalidDataException("the text of a block is too short");
        var taken = text.Slice(at, length);
        at += length;
        return taken;
    }

    private readonly ref struct Columns
    {
        public ReadOnlySpan<byte> Flags { get; init; }

        public ReadOnlySpan<byte> RowFlags { get; init; }

        public ReadOnlySpan<byte> Text { get; init; }
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
