using System.Buffers.Binary;

namespace Warehouse.Engine.Arrow;

/// <summary>A record batch that was read and checked. Immutable; safe for many readers.</summary>
public sealed class ArrowBatch
{
    internal ArrowBatch(ArrowSchema schema, int rowCount, ArrowColumn[] columns)
    {
        (Schema, RowCount, Columns) = (schema, rowCount, columns);
    }

    /// <summary>The columns' names and types.</summary>
    public ArrowSchema Schema { get; }

    /// <summary>Rows.</summary>
    public int RowCount { get; }

    /// <summary>One per field of the schema.</summary>
    public IReadOnlyList<ArrowColumn> Columns { get; }
}

/// <summary>The cells of one column. A row outside the batch, or a value of another type than the column's, is a mistake of the caller.</summary>
public sealed class ArrowColumn
{
    private readonly ReadOnlyMemory<byte> _validity;
    private readonly ReadOnlyMemory<byte> _offsets;
    private readonly ReadOnlyMemory<byte> _data;
    private readonly ArrowColumn? _dictionary;

    internal ArrowColumn(ArrowType type, int rowCount, ReadOnlyMemory<byte> validity, ReadOnlyMemory<byte> offsets, ReadOnlyMemory<byte> data, ArrowColumn? dictionary)
    {
        (Type, RowCount, _validity, _offsets, _data, _dictionary) = (type, rowCount, validity, offsets, data, dictionary);
    }

    /// <summary>What the cells hold.</summary>
    public ArrowType Type { get; }

    /// <summary>Cells.</summary>
    public int RowCount { get; }

    /// <summary>True when the cell is missing; its value is then meaningless.</summary>
    public bool IsNull(int row) => !_validity.IsEmpty && !Bit(_validity.Span, row);

    /// <summary>A cell of an Int32 column.</summary>
    public int Int32(int row) => BinaryPrimitives.ReadInt32LittleEndian(Cell(ArrowType.Int32, row, 4));

    /// <summary>A cell of an Int64 column.</summary>
    public long Int64(int row) => BinaryPrimitives.ReadInt64LittleEndian(Cell(ArrowType.Int64, row, 8));

    /// <summary>A cell of a Float64 column.</summary>
    public double Float64(int row) => BinaryPrimitives.ReadDoubleLittleEndian(Cell(ArrowType.Float64, row, 8));

    /// <summary>A cell of a Bool column.</summary>
    public bool Bool(int row) => Type == ArrowType.Bool ? Bit(_data.Span, row) : throw Mismatch();

    /// <summary>A cell of a Utf8 or Dictionary column: valid UTF-8, in the batch's memory.</summary>
    public ReadOnlySpan<byte> Utf8(int row)
    {
        if (Type == ArrowType.Dictionary) return _dictionary!.Utf8(BinaryPrimitives.ReadInt32LittleEndian(Cell(ArrowType.Dictionary, row, 4)));
        if (Type != ArrowType.Utf8) throw Mismatch();
        var start = BinaryPrimitives.ReadInt32LittleEndian(_offsets.Span[(4 * row)..]);
        var end = BinaryPrimitives.ReadInt32LittleEndian(_offsets.Span[(4 * row + 4)..]);
        return _data.Span[start..end];
    }

    /// <summary>A cell of a Utf8 or Dictionary column, or null when it is missing.</summary>
    public string? Text(int row) => IsNull(row) ? null : System.Text.Encoding.UTF8.GetString(Utf8(row));

    private ReadOnlySpan<byte> Cell(ArrowType type, int row, int lengthBytes) => Type == type ? _data.Span.Slice(row * lengthBytes, lengthBytes) : throw Mismatch();

    private static bool Bit(ReadOnlySpan<byte> bits, int index) => (bits[index >> 3] >> (index & 7) & 1) != 0;

    private InvalidOperationException Mismatch() => new($"the column is {Type}");
}
