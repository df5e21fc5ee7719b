using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Warehouse.Engine.Arrow;

/// <summary>Collects rows column by column for one record batch; reused after <see cref="Clear"/>. Not thread-safe.</summary>
public sealed class ArrowBatchBuilder
{
    private readonly ArrowColumnBuilder[] _columns;

    /// <summary>An empty batch of a schema.</summary>
    public ArrowBatchBuilder(ArrowSchema schema)
    {
        Schema = schema;
        _columns = [.. schema.Fields.Select(f => new ArrowColumnBuilder(f))];
    }

    /// <summary>The columns' names and types.</summary>
    public ArrowSchema Schema { get; }

    /// <summary>The column at a position.</summary>
    public ArrowColumnBuilder this[int column] => _columns[column];

    /// <summary>Rows so far: those of the first column. All columns must agree when the batch is written.</summary>
    public int RowCount => _columns.Length == 0 ? 0 : _columns[0].RowCount;

    /// <summary>Size of the values so far, without padding.</summary>
    public long LengthBytes
    {
        get
        {
            var total = 0L;
            foreach (var column in _columns) total += column.LengthBytes;
            return total;
        }
    }

    /// <summary>Forgets all rows and keeps the buffers.</summary>
    public void Clear()
    {
        foreach (var column in _columns) column.Clear();
    }
}

/// <summary>The cells of one column of a batch. A value of another kind than the column's type is a mistake of the caller.</summary>
public sealed class ArrowColumnBuilder
{
    private readonly ArrowField _field;
    private Buffer _validity;
    private Buffer _offsets;
    private Buffer _data;

    internal ArrowColumnBuilder(ArrowField field)
    {
        _field = field;
        Clear();
    }

    /// <summary>Cells so far.</summary>
    public int RowCount { get; private set; }

    /// <summary>Missing cells so far.</summary>
    public int NullCount { get; private set; }

    /// <summary>Size of the buffers with the bitmap, whether or not it is needed: where batches end does not go by what is missing in them.</summary>
    internal long LengthBytes => (long)((RowCount + 7) / 8) + _offsets.Used + _data.Used;

    /// <summary>A cell of an Int32 or Int64 column.</summary>
    /// <exception cref="OverflowException">The value does not fit an Int32 column.</exception>
    public void Append(long value)
    {
        if (_field.Type == ArrowType.Int32) BinaryPrimitives.WriteInt32LittleEndian(_data.Take(4), checked((int)value));
        else if (_field.Type == ArrowType.Int64) BinaryPrimitives.WriteInt64LittleEndian(_data.Take(8), value);
        else throw Mismatch();
        EndCell(valid: true);
    }

    /// <summary>Cells of an Int64 column.</summary>
    public void Append(ReadOnlySpan<int> values)
    {
        if (_field.Type != ArrowType.Int64) throw Mismatch();
        if (values.IsEmpty) return;
        Widen(values, MemoryMarshal.Cast<byte, long>(_data.Take(checked(sizeof(long) * values.Length))));
        EndCells(values.Length);
    }

    /// <summary>A cell of a Float64 column.</summary>
    public void Append(double value)
    {
        if (_field.Type != ArrowType.Float64) throw Mismatch();
        BinaryPrimitives.WriteDoubleLittleEndian(_data.Take(8), value);
        EndCell(valid: true);
    }

    /// <summary>A cell of a Bool column.</summary>
    public void Append(bool value)
    {
        if (_field.Type != ArrowType.Bool) throw Mismatch();
        _data.Bit(RowCount, value);
        EndCell(valid: true);
    }

    /// <summary>A cell of a Utf8 column; the bytes are valid UTF-8.</summary>
    public void Append(ReadOnlySpan<byte> utf8)
    {
        if (_field.Type != ArrowType.Utf8) throw Mismatch();
        utf8.CopyTo(_data.Take(utf8.Length));
        EndText(valid: true);
    }

    /// <summary>Cells of a Utf8 column that are all the same; the bytes are valid UTF-8.</summary>
    public void Append(ReadOnlySpan<byte> utf8, int count)
    {
        if (_field.Type != ArrowType.Utf8) throw Mismatch();
        var end = _data.Used;
        var texts = _data.Take(checked(utf8.Length * count));
        var offsets = MemoryMarshal.Cast<byte, int>(_offsets.Take(sizeof(int) * count));
        for (var i = 0; i < count; i++)
        {
            utf8.CopyTo(texts[(utf8.Length * i)..]);
            offsets[i] = end += utf8.Length;
        }
        EndCells(count);
    }

    /// <summary>A cell of a Utf8 column, or a missing one.</summary>
    public void Append(string? text)
    {
        if (_field.Type != ArrowType.Utf8) throw Mismatch();
        if (text is not null) Encoding.UTF8.GetBytes(text, _data.Take(Encoding.UTF8.GetByteCount(text)));
        EndText(valid: text is not null);
    }

    /// <summary>A missing cell.</summary>
    public void AppendNull()
    {
        switch (_field.Type)
        {
            case ArrowType.Utf8: EndText(valid: false); return;
            case ArrowType.Bool: _data.Bit(RowCount, false); break;
            default: _data.Take(_field.Type == ArrowType.Int32 ? 4 : 8).Clear(); break;
        }
        EndCell(valid: false);
    }

    internal void Clear()
    {
        _validity.Used = _data.Used = _offsets.Used = RowCount = NullCount = 0;
        if (_field.Type == ArrowType.Utf8) _offsets.Take(4).Clear();
    }

    /// <summary>Adds this column's buffers in the order of the format; an empty one stands for a bitmap without nulls.</summary>
    internal void AddBuffers(List<ReadOnlyMemory<byte>> buffers)
    {
        buffers.Add(NullCount == 0 ? default : _validity.Bytes);
        if (_field.Type == ArrowType.Utf8) buffers.Add(_offsets.Bytes);
        buffers.Add(_data.Bytes);
    }

    private void EndText(bool valid)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_offsets.Take(4), _data.Used);
        EndCell(valid);
    }

    /// <summary>Ends a cell. There is a bitmap from the first missing one on.</summary>
    private void EndCell(bool valid)
    {
        if (!valid)
        {
            if (!_field.Nullable) throw new InvalidOperationException($"column {_field.Name} takes no missing values");
            if (NullCount++ == 0) _validity.Ones(0, RowCount);
        }
        if (NullCount > 0) _validity.Bit(RowCount, valid);
        RowCount++;
    }

    private void EndCells(int count)
    {
        if (NullCount > 0) _validity.Ones(RowCount, count);
        RowCount += count;
    }

    /// <summary>Numbers as the format has them: the machine is little-endian, as the format is.</summary>
    private static void Widen(ReadOnlySpan<int> values, Span<long> cells)
    {
        var at = 0;
        for (; at <= values.Length - Vector<int>.Count; at += Vector<int>.Count)
        {
            Vector.Widen(new Vector<int>(values[at..]), out var low, out var high);
            low.CopyTo(cells[at..]);
            high.CopyTo(cells[(at + Vector<long>.Count)..]);
        }
        for (; at < values.Length; at++) cells[at] = values[at];
    }

    private InvalidOperationException Mismatch() => new($"column {_field.Name} is {_field.Type}");

    /// <summary>A growing buffer. New bitmap bytes start as zero, so that bits behind the last row are.</summary>
    private struct Buffer
    {
        public int Used;
        private byte[]? _bytes;

        public readonly ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Used);

        public Span<byte> Take(int lengthBytes)
        {
            var needed = checked(Used + lengthBytes);
            if (_bytes is null || needed > _bytes.Length) Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(Math.Max(256L, needed), 2L * (_bytes?.Length ?? 0))));
            Used = needed;
            return _bytes.AsSpan(needed - lengthBytes, lengthBytes);
        }

        public void Bit(int index, bool value)
        {
            if (index >> 3 >= Used) Take(1)[0] = 0;
            if (value) _bytes![index >> 3] |= (byte)(1 << (index & 7));
        }

        /// <summary>Sets bits behind the last one.</summary>
        public void Ones(int from, int count)
        {
            for (var at = from; at < from + count;)
            {
                if ((at & 7) == 0 && from + count - at >= 8)
                {
                    Take(1)[0] = 0xFF;
                    at += 8;
                }
                else
                {
                    Bit(at++, true);
                }
            }
        }
    }
}
