namespace Warehouse.Engine.Arrow;

/// <summary>
/// The FlatBuffers of Arrow IPC messages: field numbers and types as in the Arrow format's Message.fbs and Schema.fbs, metadata version V5
/// written, V4 and V5 read.
/// </summary>
internal static class ArrowMetadata
{
    /// <summary>Kind of a message.</summary>
    internal enum Header : byte
    {
        None = 0,
        Schema = 1,
        DictionaryBatch = 2,
        RecordBatch = 3,
    }

    /// <summary>Numbers of the union Type.</summary>
    private enum TypeNumber : byte
    {
        Int = 2,
        FloatingPoint = 3,
        Utf8 = 5,
        Bool = 6,
    }

    private const short V4 = 3, V5 = 4, Double = 2;

    /// <summary>The Schema message.</summary>
    public static ReadOnlySpan<byte> SchemaMessage(ArrowSchema schema)
    {
        var builder = new FlatBufferBuilder();
        return Message(builder, Header.Schema, Schema(builder, schema), 0);
    }

    /// <summary>The Footer of a file.</summary>
    /// <param name="schema">The same as in the schema message.</param>
    /// <param name="blocks">Per record batch: offset in the file, length up to the body, length of the body.</param>
    public static ReadOnlySpan<byte> Footer(ArrowSchema schema, IReadOnlyList<(long Offset, int MetadataBytes, long BodyBytes)> blocks)
    {
        var builder = new FlatBufferBuilder();
        // A block is int64, int32, four bytes of padding, int64: as 64-bit little-endian words the padding is the middle word's upper half.
        var batches = builder.Structs(blocks.SelectMany(b => (long[])[b.Offset, b.MetadataBytes, b.BodyBytes]).ToArray(), 3);
        var dictionaries = builder.Structs([], 3);
        var fields = Schema(builder, schema);
        builder.StartTable(4);
        builder.Reference(1, fields);
        builder.Reference(2, dictionaries);
        builder.Reference(3, batches);
        builder.Int16(0, V5);
        return builder.Finish(builder.EndTable());
    }

    /// <summary>A RecordBatch message.</summary>
    /// <param name="rowCount">Rows.</param>
    /// <param name="nodes">Per column: length, null count.</param>
    /// <param name="buffers">Per buffer: offset in the body, length without padding.</param>
    /// <param name="bodyBytes">Length of the body.</param>
    public static ReadOnlySpan<byte> BatchMessage(long rowCount, ReadOnlySpan<long> nodes, ReadOnlySpan<long> buffers, long bodyBytes)
    {
        var builder = new FlatBufferBuilder();
        var bufferVector = builder.Structs(buffers, 2);
        var nodeVector = builder.Structs(nodes, 2);
        builder.StartTable(5);
        builder.Int64(0, rowCount);
        builder.Reference(1, nodeVector);
        builder.Reference(2, bufferVector);
        return Message(builder, Header.RecordBatch, builder.EndTable(), bodyBytes);
    }

    /// <summary>The kind, header table and body length of a message that is not trusted.</summary>
    public static Header ReadMessage(ReadOnlySpan<byte> bytes, out FlatTable header, out long bodyBytes)
    {
        var message = FlatTable.Root(bytes);
        if (message.Int16(0) is not (V4 or V5)) throw new InvalidDataException("Arrow metadata version is neither V4 nor V5");
        bodyBytes = message.Int64(3);
        if (bodyBytes < 0) throw new InvalidDataException("Arrow message has a negative body length");
        header = message.Table(2);
        return (Header)message.Byte(1);
    }

    /// <summary>The schema of a Schema table that is not trusted.</summary>
    public static ArrowSchema ReadSchema(FlatTable schema)
    {
        if (schema.Int16(0) != 0) throw new InvalidDataException("Arrow data is big-endian");
        var count = schema.Count(1, 4);
        if (count > ArrowSchema.MaxFields) throw new InvalidDataException($"Arrow schema has {count} columns; the limit is {ArrowSchema.MaxFields}");
        var fields = new ArrowField[count];
        for (var i = 0; i < count; i++) fields[i] = ReadField(schema.Table(1, i));
        return new ArrowSchema(fields);
    }

    private static int Schema(FlatBufferBuilder builder, ArrowSchema schema)
    {
        var fields = schema.Fields.Select(f => Field(builder, f)).ToArray();
        var vector = builder.References(fields);
        builder.StartTable(4);
        builder.Reference(1, vector);
        return builder.EndTable();
    }

    private static int Field(FlatBufferBuilder builder, ArrowField field)
    {
        var name = builder.String(field.Name);
        var children = builder.References([]);
        builder.StartTable(2);
        var number = TypeNumber.Utf8;
        switch (field.Type)
        {
            case ArrowType.Int32 or ArrowType.Int64:
                number = TypeNumber.Int;
                builder.Int32(0, field.Type == ArrowType.Int32 ? 32 : 64);
                builder.Byte(1, 1);
                break;
            case ArrowType.Float64:
                number = TypeNumber.FloatingPoint;
                builder.Int16(0, Double);
                break;
            case ArrowType.Bool:
                number = TypeNumber.Bool;
                break;
            case ArrowType.Dictionary:
                throw new NotSupportedException("dictionary columns are read only");
        }
        var type = builder.EndTable();
        builder.StartTable(7);
        builder.Reference(0, name);
        builder.Reference(3, type);
        builder.Reference(5, children);
        builder.Byte(1, field.Nullable ? (byte)1 : (byte)0);
        builder.Byte(2, (byte)number);
        return builder.EndTable();
    }

    private static ArrowField ReadField(FlatTable field)
    {
        var name = field.String(0);
        if (field.Count(5, 4) != 0) throw Unsupported(name);
        var table = field.Table(3);
        ArrowType? type = (TypeNumber)field.Byte(2) switch
        {
            TypeNumber.Int when table.Bool(1) => table.Int32(0) switch { 32 => ArrowType.Int32, 64 => ArrowType.Int64, _ => null },
            TypeNumber.FloatingPoint when table.Int16(0) == Double => ArrowType.Float64,
            TypeNumber.Utf8 => ArrowType.Utf8,
            TypeNumber.Bool => ArrowType.Bool,
            _ => null,
        };
        if (type is null) throw Unsupported(name);
        if (!field.Has(4)) return new ArrowField(name, type.Value, field.Bool(1));

        var dictionary = field.Table(4);
        var index = dictionary.Has(1) ? dictionary.Table(1) : default;
        var int32Index = !dictionary.Has(1) || (index.Int32(0) == 32 && index.Bool(1));
        return type == ArrowType.Utf8 && int32Index
            ? new ArrowField(name, ArrowType.Dictionary, field.Bool(1)) { DictionaryId = dictionary.Int64(0) }
            : throw Unsupported(name);
    }

    private static InvalidDataException Unsupported(string name) =>
        new($"Arrow column {InputException.Quote(System.Text.Encoding.UTF8.GetBytes(name))} has a type that is not supported");

    private static ReadOnlySpan<byte> Message(FlatBufferBuilder builder, Header kind, int header, long bodyBytes)
    {
        builder.StartTable(5);
        builder.Int64(3, bodyBytes);
        builder.Reference(2, header);
        builder.Int16(0, V5);
        builder.Byte(1, (byte)kind);
        return builder.Finish(builder.EndTable());
    }
}
