using System.Runtime.CompilerServices;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>
/// What a look-up needs of the sites of a block, read from the stream of <see cref="SiteTableCodec"/> without making the table: a sorted key
/// (<see cref="AlleleCode"/>) per countable base row, and the spans of the records. About 36 bytes a row. Filled anew by each
/// <see cref="Load"/>; a failed one leaves nothing to be asked. One thread while it loads, then any.
/// </summary>
internal sealed class SiteKeys
{
    /// <summary>Most records and rows of a block that is keyed.</summary>
    public const int MaxRows = ushort.MaxValue;

    /// <summary>Places that a row is moved forward as it comes.</summary>
    private const int MostSteps = 16;

    /// <summary>Keys for each start that <see cref="LowerBound"/> looks at first.</summary>
    private const int Stretch = 64;

    private readonly List<LongAllele> _long = [];
    private ulong[] _keys = [];
    private uint[] _places = [];
    private uint[] _samples = [];
    private int[] _starts = [], _ends = [], _largestEnds = [];
    private int[] _refLengths = [], _altCounts = [], _altLengths = [], _forms = [];
    private byte[] _text = [];
    private int _textLength;

    /// <summary>A row whose key is a hash, and where its bases are.</summary>
    private readonly record struct LongAllele(int Row, int At, int RefLength, int AltLength);

    /// <summary>Records of the block.</summary>
    public int RecordCount { get; private set; }

    /// <summary>Countable base rows.</summary>
    public int Count { get; private set; }

    /// <summary>Keys, ascending.</summary>
    public ReadOnlySpan<ulong> Keys => _keys.AsSpan(0, Count);

    /// <summary>Bytes of memory held.</summary>
    public long MemoryBytes => (_keys.Length * 16L) + (_starts.Length * 20L) + _text.Length;

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

    /// <summary>Records that start before a place; the record given is near it.</summary>
    public int RecordsBefore(int start, int near)
    {
        var starts = _starts.AsSpan(0, RecordCount);
        var at = near;
        for (var step = 0; step < 16; step++)
        {
            if (at > 0 && starts[at - 1] >= start) at--;
            else if (at < starts.Length && starts[at] < start) at++;
            else return at;
        }
        var (low, high) = (0, starts.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (starts[middle] < start) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Whether a row with a hashed key is this allele.</summary>
    public bool IsAllele(int row, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var (low, high) = (0, _long.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_long[middle].Row < row) low = middle + 1;
            else high = middle;
        }
        var (_, at, refLength, altLength) = _long[low];
        return _text.AsSpan(at, refLength).SequenceEqual(reference) && _text.AsSpan(at + refLength, altLength).SequenceEqual(alternate);
    }

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
        (RecordCount, Count, _textLength) = (0, 0, 0);
        _long.Clear();
    }

    private static void Numbers(ref ByteReader from, Span<int> values) => from.Raw(VarColumn.Read(from.Rest, values));

    private void MakeRoom(int records, int rows)
    {
        if (_starts.Length < records) (_starts, _ends, _largestEnds, _refLengths, _altCounts) = (new int[records], new int[records], new int[records], new int[records], new int[records]);
        if (_keys.Length < rows) (_keys, _places, _altLengths) = (new ulong[rows], new uint[rows], new int[rows]);
    }

    /// <summary>First position whose key is not below one.</summary>
    public int LowerBound(ulong key)
    {
        // Every 64th start is in a small array that stays in a near cache; then a guess in that stretch, and steps from there.
        var (samples, keys, start) = (_samples, _keys, (uint)(key >> 32));
        int low = 0, high = (Count + Stretch - 1) / Stretch;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (samples[middle] < start) low = middle + 1;
            else high = middle;
        }
        if (low == 0) return Climb(0, key);
        var (first, last) = ((low - 1) * Stretch, Math.Min(low * Stretch, Count) - 1);
        var (from, to) = ((uint)(keys[first] >> 32), (uint)(keys[last] >> 32));
        var at = to <= start ? last : first + (int)((start - from) * (ulong)(uint)(last - first) / (to - from));
        while (at > first && keys[at - 1] >= key) at--;
        return Climb(at, key);
    }

    private int Climb(int at, ulong key)
    {
        while (at < Count && _keys[at] < key) at++;
        return at;
    }

    private void Sample()
    {
        var count = (Count + Stretch - 1) / Stretch;
        if (_samples.Length < count) _samples = new uint[count];
        for (var i = 0; i < count; i++) _samples[i] = (uint)(_keys[i * Stretch] >> 32);
    }

    /// <summary>Three numbers per trimmed or moved row, in row order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // runs a few hundred times in a short process: code compiled ahead is slow, and tiers come too late
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
        Sample();
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
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
            if ((key & AlleleCode.Hashed) != 0) Remember(row, rowRef, alternate);
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

    private void Remember(int row, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        _long.Add(new LongAllele(row, _textLength, reference.Length, alternate.Length));
        var needed = _textLength + reference.Length + alternate.Length;
        if (_text.Length < needed) Array.Resize(ref _text, Math.Max(needed, Math.Max(256, 2 * _text.Length)));
        reference.CopyTo(_text.AsSpan(_textLength));
        alternate.CopyTo(_text.AsSpan(_textLength + reference.Length));
        _textLength = needed;
    }

    private readonly ref struct Columns
    {
        public ReadOnlySpan<byte> Flags { get; init; }

        public ReadOnlySpan<byte> RowFlags { get; init; }

        public ReadOnlySpan<byte> Text { get; init; }
    }
}
