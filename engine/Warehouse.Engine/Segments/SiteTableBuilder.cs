using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Segments;

/// <summary>Collects the records and rows of a block in file order. One thread.</summary>
internal sealed class SiteTableBuilder
{
    private readonly List<(int Start, int RefAt, int RefLength, RecordFlags Flags, ushort Filter)> _records = [];
    private readonly List<Row> _rows = [];
    private readonly List<int> _firstRow = [];
    private readonly Dictionary<int, StructuralExtent> _extents = [];
    private readonly Dictionary<string, ushort> _filters = new(StringComparer.Ordinal);
    private readonly List<string> _ids = [];
    private byte[] _text = new byte[1 << 16];
    private int _textLength;
    private bool _anyId;

    public int RecordCount => _records.Count;

    public int RowCount => _rows.Count;

    /// <summary>Starts a record; its rows follow by <see cref="AddRow"/>.</summary>
    public void AddRecord(int start, ReadOnlySpan<byte> referenceUpper, RecordFlags flags, string filter, string id)
    {
        if (!_filters.TryGetValue(filter, out var index)) _filters.Add(filter, index = checked((ushort)_filters.Count));
        _firstRow.Add(_rows.Count);
        _records.Add((start, Append(referenceUpper), referenceUpper.Length, flags, index));
        _ids.Add(id);
        _anyId |= id != ".";
    }

    /// <summary>Adds a row of the last record. A normalised form equal to the written one is given as empty spans with the record's start.</summary>
    public void AddRow(AlleleKind kind, ReadOnlySpan<byte> writtenAlt, int start, ReadOnlySpan<byte> reference, ReadOnlySpan<byte> alternate)
    {
        var written = (Append(writtenAlt), writtenAlt.Length);
        var record = _records[^1];
        var row = reference.IsEmpty && alternate.IsEmpty
            ? new Row(kind, written, record.Start, (record.RefAt, record.RefLength), written)
            : new Row(kind, written, start, (Append(reference), reference.Length), (Append(alternate), alternate.Length));
        _rows.Add(row);
    }

    /// <summary>Gives the last row its extent.</summary>
    public void SetExtent(StructuralExtent extent) => _extents[_rows.Count - 1] = extent;

    /// <summary>Makes the table of one panel.</summary>
    /// <param name="phase">Phase flags per record, added to the record's own.</param>
    public SiteTable Build(IReadOnlyList<RecordFlags> phase)
    {
        var table = new SiteTable(_records.Count, _rows.Count) { Text = _text.AsSpan(0, _textLength).ToArray() };
        for (var i = 0; i < _records.Count; i++)
        {
            var record = _records[i];
            table.RecordStart[i] = record.Start;
            table.RecordEnd[i] = record.Start + record.RefLength;
            table.RefAt[i] = record.RefAt;
            table.Flags[i] = record.Flags | phase[i];
            table.Filter[i] = record.Filter;
            table.FirstRow[i] = _firstRow[i];
        }
        table.FirstRow[^1] = _rows.Count;
        for (var i = 0; i < _rows.Count; i++)
        {
            var row = _rows[i];
            (table.RowKind[i], table.WrittenAlt[i], table.RowStart[i], table.RowRef[i], table.RowAlt[i]) = (row.Kind, row.Written, row.Start, row.Ref, row.Alt);
        }
        for (var record = 0; record < _records.Count; record++)
            table.RowRecord.AsSpan(table.FirstRow[record]..table.FirstRow[record + 1]).Fill(record);
        foreach (var (row, extent) in _extents) table.Extents[row] = extent;
        table.FilterTexts = [.. _filters.OrderBy(f => f.Value).Select(f => f.Key)];
        table.Index();
        return table;
    }

    /// <summary>ID texts in record order, or null when every ID is missing.</summary>
    public IReadOnlyList<string>? Ids => _anyId ? _ids : null;

    public void Clear()
    {
        _records.Clear();
        _rows.Clear();
        _firstRow.Clear();
        _extents.Clear();
        _filters.Clear();
        _ids.Clear();
        (_textLength, _anyId) = (0, false);
    }

    private int Append(ReadOnlySpan<byte> text)
    {
        if (_text.Length - _textLength < text.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, checked(_textLength + text.Length)));
        text.CopyTo(_text.AsSpan(_textLength));
        var at = _textLength;
        _textLength += text.Length;
        return at;
    }

    private readonly record struct Row(AlleleKind Kind, (int At, int Length) Written, int Start, (int At, int Length) Ref, (int At, int Length) Alt);
}
