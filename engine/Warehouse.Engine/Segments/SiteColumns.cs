using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>A record of a block: where it lies as written. Records ascend by start.</summary>
/// <param name="Start">0-based start.</param>
/// <param name="End">Its end; int.MinValue when it does not speak for its span.</param>
/// <param name="LargestEnd">Largest end of this record and those before.</param>
internal readonly record struct SiteRecord(int Start, int End, int LargestEnd);

/// <summary>A row that is not as its record has it, trimmed or moved: its normalised allele, by places in the text.</summary>
internal readonly record struct MovedRow(int Start, int Row, int Record, (int At, int Length) Ref, (int At, int Length) Alt);

/// <summary>
/// The sites stream of a block (<see cref="SiteTableCodec"/>) as columns, in which alleles are found without a table and without keys: the
/// starts lead to the records, and the text of a record is found from the nearest of the places that are noted every 32 records. Reading is
/// a few passes over small numbers, so it suits blocks that are asked in order and let go; <see cref="SiteKeys"/> suits those that stay.
/// All is checked as it is read. Filled anew by each <see cref="Load"/>; a failed one leaves nothing to be asked. One thread.
/// </summary>
internal sealed class SiteColumns
{
    /// <summary>Most records and rows of a block that is read so.</summary>
    public const int MaxRows = ushort.MaxValue;

    private const int Stretch = 32;

    private readonly List<MovedRow> _moved = [];
    private int[] _movedStarts = [], _movedByStart = [];
    private byte[] _raw = [];
    private SiteRecord[] _records = [];
    private Place[] _places = [];
    private int[] _refLengths = [], _altCounts = [], _altLengths = [];
    private Form[] _forms = [];
    private int _formCount, _flagsAt, _rowFlagsAt, _textAt, _textBytes, _near;

    /// <summary>First row, text and form of a stretch of records.</summary>
    private readonly record struct Place(int Row, int Text, int Form);

    /// <summary>A row that is not as written. Trimmed: bases cut left (in place of the shift) and right; moved: shift, and lengths of its own text.</summary>
    private readonly record struct Form(int Row, int Shift, int Right, int RefLength, int AltLength);

    /// <summary>The records, ascending by start.</summary>
    public ReadOnlySpan<SiteRecord> Records => _records.AsSpan(0, RecordCount);

    /// <summary>Records of the block.</summary>
    public int RecordCount { get; private set; }

    /// <summary>Bytes of memory held: about 33 a row.</summary>
    public long MemoryBytes => _raw.Length + (_records.Length * 20L) + (_altLengths.Length * 4L) + (_places.Length * 12L) + (_forms.Length * 20L) + ((_moved.Capacity + _movedStarts.Length) * 28L);

    /// <summary>REF length of each record.</summary>
    public ReadOnlySpan<int> RefLengths => _refLengths.AsSpan(0, RecordCount);

    /// <summary>Number of rows of each record.</summary>
    public ReadOnlySpan<int> AltCounts => _altCounts.AsSpan(0, RecordCount);

    /// <summary>Length of each row's ALT as written.</summary>
    public ReadOnlySpan<int> AltLengths => _altLengths.AsSpan(0, RowCount);

    /// <summary>Kind and form of each row.</summary>
    public ReadOnlySpan<byte> RowFlags => _raw.AsSpan(_rowFlagsAt, RowCount);

    /// <summary>Per record REF, its ALTs, and the texts of its moved rows.</summary>
    public ReadOnlySpan<byte> Text => _raw.AsSpan(_textAt, _textBytes);

    /// <summary>Countable base rows that are not as written, ascending by row.</summary>
    public ReadOnlySpan<MovedRow> Moved => CollectionsMarshal.AsSpan(_moved);

    /// <summary>Rows of the block.</summary>
    public int RowCount { get; private set; }

    /// <summary>Whether a row of these flags is a countable allele of bases.</summary>
    public static bool IsCountable(byte rowFlags) => (rowFlags & (SiteTableCodec.KindBits | SiteTableCodec.Collapsed)) == (byte)AlleleKind.Bases;

    /// <summary>Whether a row of these flags is what its record's REF and ALT say, neither trimmed nor moved.</summary>
    public static bool IsAsWritten(byte rowFlags) => (rowFlags & (SiteTableCodec.Trimmed | SiteTableCodec.Moved)) == 0;

    /// <summary>A buffer for an unpacked stream, at least as long as asked; what was read before is forgotten.</summary>
    public byte[] Room(int lengthBytes)
    {
        Clear();
        if (_raw.Length < lengthBytes) _raw = new byte[lengthBytes + (lengthBytes / 8)];
        return _raw;
    }

    /// <summary>Reads an unpacked sites stream.</summary>
    /// <param name="raw">The stream; it is kept and must not change.</param>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="recordCount">Records that it must have.</param>
    /// <param name="rowCount">Rows that it must have.</param>
    /// <exception cref="InvalidDataException">The bytes are not a sites stream, or not one of that many records and rows.</exception>
    public void Load(byte[] raw, int lengthBytes, int recordCount, int rowCount)
    {
        Clear();
        _raw = raw;
        var from = new ByteReader(raw.AsSpan(0, lengthBytes));
        if (from.Byte() != SiteTableCodec.Version) throw new InvalidDataException("the sites stream has an unknown version");
        if (from.Count() != recordCount || from.Count() != rowCount) throw new InvalidDataException("a block and its sites disagree");
        _textBytes = from.Count(lengthBytes);
        MakeRoom(recordCount, rowCount);
        var starts = _altLengths.AsSpan(0, recordCount); // until the lengths are read
        from.Raw(VarColumn.Read(from.Rest, starts));
        from.Raw(VarColumn.Read(from.Rest, _refLengths.AsSpan(0, recordCount)));
        from.Raw(VarColumn.Read(from.Rest, _altCounts.AsSpan(0, recordCount)));
        _flagsAt = from.Position;
        PlaceRecords(starts, from.Raw(recordCount));
        from.Raw(VarColumn.Skip(from.Rest, recordCount));
        _rowFlagsAt = from.Position;
        var rowFlags = from.Raw(rowCount);
        from.Raw(VarColumn.Read(from.Rest, _altLengths.AsSpan(0, rowCount)));
        ReadForms(ref from, rowFlags);
        _textAt = from.Position;
        from.Raw(_textBytes);
        PlaceText(recordCount, rowCount);
        (RecordCount, RowCount) = (recordCount, rowCount);
    }

    /// <summary>Forgets the block.</summary>
    public void Clear()
    {
        (RecordCount, RowCount, _formCount, _near) = (0, 0, 0, 0);
        _moved.Clear();
    }

    /// <summary>Finds an allele among the countable base rows.</summary>
    /// <param name="start">0-based start, normalised.</param>
    /// <param name="reference">REF likewise.</param>
    /// <param name="alternate">ALT likewise.</param>
    /// <param name="row">A row that is the allele, if any.</param>
    /// <param name="record">Its record; of no row one that starts near the place.</param>
    /// <returns>How many rows are the allele.</returns>
    public int Find(int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, out int row, out int record)
    {
        var (matches, near) = (0, FirstAt(start));
        (row, record) = (-1, near);
        for (var at = near; at < RecordCount && _records[at].Start == start; at++)
            if (_refLengths[at] == reference.Length) matches += FindIn(at, reference, alternate, ref row, ref record);
        var text = Text;
        var moved = Moved;
        for (var i = moved.IsEmpty ? 0 : FirstMoved(start); i < moved.Length && _movedStarts[i] == start; i++)
        {
            ref readonly var other = ref moved[_movedByStart[i]];
            if (!text.Slice(other.Ref.At, other.Ref.Length).SequenceEqual(reference) || !text.Slice(other.Alt.At, other.Alt.Length).SequenceEqual(alternate)) continue;
            (row, record) = (other.Row, other.Record);
            matches++;
        }
        return matches;
    }

    /// <summary>Compares the rows of a record that are as written.</summary>
    private int FindIn(int at, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate, ref int row, ref int record)
    {
        var (next, place) = TextOf(at);
        var text = Text;
        if (!text.Slice(place, reference.Length).SequenceEqual(reference)) return 0;
        place += reference.Length;
        var matches = 0;
        var rowFlags = RowFlags;
        for (var end = next + _altCounts[at]; next < end; place += _altLengths[next++])
        {
            if (_altLengths[next] != alternate.Length || !IsCountable(rowFlags[next]) || !IsAsWritten(rowFlags[next])) continue;
            if (!text.Slice(place, alternate.Length).SequenceEqual(alternate)) continue;
            (row, record) = (next, at);
            matches++;
        }
        return matches;
    }

    /// <summary>First row of a record and where its text begins.</summary>
    public (int Row, int Text) TextOf(int record)
    {
        var (row, text, form) = _places[record / Stretch];
        var end = row;
        for (var i = record / Stretch * Stretch; i < record; i++)
        {
            text += _refLengths[i];
            end += _altCounts[i];
        }
        for (; row < end; row++) text += _altLengths[row];
        for (; form < _formCount && _forms[form].Row < end; form++) text += _forms[form].RefLength + _forms[form].AltLength;
        return (row, text);
    }

    /// <summary>First record that does not start before a place: near the one asked before, or by halves.</summary>
    private int FirstAt(int start)
    {
        var records = _records.AsSpan(0, RecordCount);
        var (low, high) = (0, _near);
        if (_near < records.Length && records[_near].Start < start)
        {
            var step = 8;
            for (low = _near + 1; low + step < records.Length && records[low + step].Start < start; step *= 2) low += step + 1;
            high = Math.Min(records.Length, low + step);
        }
        else if (_near == 0 || records[_near - 1].Start < start) return _near;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (records[middle].Start < start) low = middle + 1;
            else high = middle;
        }
        return _near = low;
    }

    private int FirstMoved(int start)
    {
        var (low, high) = (0, _moved.Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_movedStarts[middle] < start) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Room for that many and some more: blocks differ by a little, and fresh memory costs more than what is in it.</summary>
    public static int Rounded(int count) => (count + 2047) & ~2047;

    private void MakeRoom(int records, int rows)
    {
        (records, rows) = (Rounded(records), Rounded(Math.Max(records, rows)));
        if (_records.Length < records) (_records, _refLengths, _altCounts, _places) = (new SiteRecord[records], new int[records], new int[records], new Place[(records / Stretch) + 1]);
        if (_altLengths.Length < rows) _altLengths = new int[rows];
    }

    /// <summary>Starts and ends of the records from the differences of the starts.</summary>
    private void PlaceRecords(ReadOnlySpan<int> differences, ReadOnlySpan<byte> flags)
    {
        var (start, largest) = (-1L, (long)int.MinValue);
        var records = _records.AsSpan(0, differences.Length);
        var lengths = _refLengths.AsSpan(0, differences.Length);
        for (var i = 0; i < records.Length; i++)
        {
            start += differences[i];
            var end = (flags[i] & (byte)RecordFlags.Speaks) != 0 ? start + lengths[i] : int.MinValue;
            largest = Math.Max(largest, end);
            records[i] = new SiteRecord((int)start, (int)end, (int)largest);
        }
        if (Math.Max(start, largest) > int.MaxValue) throw new InvalidDataException("a place of a block is out of range");
    }

    /// <summary>Three numbers per trimmed or moved row, in row order.</summary>
    private void ReadForms(ref ByteReader from, ReadOnlySpan<byte> rowFlags)
    {
        for (var row = 0; rowFlags[row..].IndexOfAnyInRange((byte)SiteTableCodec.Trimmed, byte.MaxValue) is >= 0 and var next; row++)
        {
            row += next;
            if (IsAsWritten(rowFlags[row])) continue;
            if (_forms.Length == _formCount) Array.Resize(ref _forms, Math.Max(64, 2 * _formCount));
            _forms[_formCount++] = (rowFlags[row] & SiteTableCodec.Trimmed) == 0
                ? new Form(row, Shift(from.Signed()), 0, from.Count(_textBytes), from.Count(_textBytes))
                : new Form(row, from.Count(_textBytes), from.Count(_textBytes), 0, 0);
        }
    }

    /// <summary>Notes where the stretches have their rows and texts, and the rows that are not as written.</summary>
    private void PlaceText(int recordCount, int rowCount)
    {
        var (row, text, form) = (0, 0L, 0);
        for (var first = 0; first < recordCount; first += Stretch)
        {
            var place = _places[first / Stretch] = new Place(row, (int)text, form);
            var end = Math.Min(first + Stretch, recordCount);
            var lastRow = row + Total(_altCounts.AsSpan(first, end - first));
            if (lastRow > rowCount) throw new InvalidDataException("the rows of a block do not add up");
            text += Total(_refLengths.AsSpan(first, end - first)) + Total(_altLengths.AsSpan(row, (int)lastRow - row));
            row = (int)lastRow;
            var lastForm = form;
            for (; lastForm < _formCount && _forms[lastForm].Row < row; lastForm++) text += _forms[lastForm].RefLength + (long)_forms[lastForm].AltLength;
            if (text > _textBytes) throw new InvalidDataException("the text of a block is too short");
            for (var record = first; form < lastForm; record++) PlaceForms(record, lastForm, ref place, ref form);
        }
        if (row != rowCount) throw new InvalidDataException("the rows of a block do not add up");
        if (text != _textBytes) throw new InvalidDataException("the text of a block does not add up");
        SortMoved();
    }

    private static long Total(ReadOnlySpan<int> values)
    {
        var (sum, all, at) = (Vector256<int>.Zero, Vector256<int>.Zero, 0);
        for (; at <= values.Length - Vector256<int>.Count; at += Vector256<int>.Count)
        {
            var some = Vector256.Create(values.Slice(at, Vector256<int>.Count));
            (sum, all) = (sum + some, all | some);
        }
        // A block has at most 65,535 values: eight sums of numbers below 65,536 are below 2^29 each.
        if ((all & Vector256.Create(~0xFFFF)) != Vector256<int>.Zero) (sum, at) = (Vector256<int>.Zero, 0);
        var (lower, upper) = Vector256.Widen(sum);
        var total = Vector256.Sum(lower + upper);
        for (; at < values.Length; at++) total += values[at];
        return total;
    }

    private void SortMoved()
    {
        if (_movedStarts.Length < _moved.Count) (_movedStarts, _movedByStart) = (new int[_moved.Capacity], new int[_moved.Capacity]);
        var ordered = true;
        for (var i = 0; i < _moved.Count; i++)
        {
            (_movedStarts[i], _movedByStart[i]) = (_moved[i].Start, i);
            ordered &= i == 0 || _movedStarts[i - 1] <= _movedStarts[i];
        }
        if (!ordered) Array.Sort(_movedStarts, _movedByStart, 0, _moved.Count);
    }

    /// <summary>Notes the trimmed and moved rows of a record, and passes over its text. That there is so much text was seen before.</summary>
    private void PlaceForms(int record, int lastForm, ref Place at, ref int form)
    {
        var (refLength, end) = (_refLengths[record], at.Row + _altCounts[record]);
        var written = at.Text + refLength;
        var text = written;
        for (var row = at.Row; row < end; row++) text += _altLengths[row];
        for (var row = at.Row; row < end; written += _altLengths[row++])
        {
            if (form == lastForm || _forms[form].Row != row) continue;
            var how = _forms[form++];
            var (reference, alternate) = ((At: at.Text, Length: refLength), (At: written, Length: _altLengths[row]));
            var flags = _raw[_rowFlagsAt + row];
            if ((flags & SiteTableCodec.Trimmed) != 0)
            {
                var (left, cut) = (how.Shift, (long)how.Shift + how.Right);
                if (cut > Math.Min(reference.Length, alternate.Length)) throw new InvalidDataException("a row is trimmed to nothing");
                (reference, alternate) = ((reference.At + left, reference.Length - (int)cut), (alternate.At + left, alternate.Length - (int)cut));
            }
            else
            {
                (reference, alternate) = ((text, how.RefLength), (text + how.RefLength, how.AltLength));
                text += how.RefLength + how.AltLength;
            }
            var start = (long)_records[record].Start + how.Shift;
            if (start is < -1 or > int.MaxValue) throw new InvalidDataException("a place of a block is out of range");
            if (!IsCountable(flags)) continue;
            _moved.Add(new MovedRow((int)start, row, record, reference, alternate));
        }
        at = new Place(end, text, form);
    }

    private static int Shift(long bases) => bases == (int)bases ? (int)bases : throw new InvalidDataException("a place of a block is out of range");
}
