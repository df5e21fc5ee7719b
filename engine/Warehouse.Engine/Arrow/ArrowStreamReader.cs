using System.Buffers.Binary;

namespace Warehouse.Engine.Arrow;

/// <summary>
/// Reads an Arrow IPC stream that is not trusted: lengths are capped, every buffer range, offset, dictionary index and text is checked before
/// the batch is handed out. Columns of the types in <see cref="ArrowType"/>, uncompressed. The stream belongs to the caller. Not thread-safe.
/// Throws <see cref="InvalidDataException"/> for damaged or unsupported data, also when the stream ends inside a message.
/// Source of the format: Arrow columnar format, "IPC streaming format".
/// </summary>
public sealed class ArrowStreamReader
{
    /// <summary>Longest metadata of a message.</summary>
    public const int MaxMetadataBytes = 16 << 20;

    /// <summary>Longest body of a message.</summary>
    public const int MaxBodyBytes = 1 << 30;

    // Memory is taken as bytes arrive, not as lengths promise.
    private const int FirstAllocationBytes = 1 << 20;

    private readonly Stream _stream;
    private readonly Dictionary<long, ArrowColumn> _dictionaries = [];

    /// <summary>Reads the schema.</summary>
    public ArrowStreamReader(Stream stream)
    {
        _stream = stream;
        var metadata = ReadMetadata() ?? throw new InvalidDataException("Arrow stream is empty");
        if (ArrowMetadata.ReadMessage(metadata, out var header, out var bodyBytes) != ArrowMetadata.Header.Schema || bodyBytes != 0)
            throw new InvalidDataException("Arrow stream does not start with a schema");
        Schema = ArrowMetadata.ReadSchema(header);
    }

    /// <summary>The columns.</summary>
    public ArrowSchema Schema { get; }

    /// <summary>The next batch, or null at the end.</summary>
    public ArrowBatch? Read()
    {
        while (ReadMetadata() is { } metadata)
        {
            var kind = ArrowMetadata.ReadMessage(metadata, out var header, out var bodyBytes);
            if (bodyBytes > MaxBodyBytes) throw new InvalidDataException($"Arrow body of {bodyBytes} bytes; the limit is {MaxBodyBytes}");
            var body = ReadBytes((int)bodyBytes);
            switch (kind)
            {
                case ArrowMetadata.Header.RecordBatch: return ReadBatch(header, body);
                case ArrowMetadata.Header.DictionaryBatch: ReadDictionary(header, body); break;
                default: throw new InvalidDataException($"Arrow message of kind {(int)kind} inside the stream");
            }
        }
        return null;
    }

    private ArrowBatch ReadBatch(FlatTable header, byte[] body)
    {
        var layout = new BodyLayout(header, body);
        var columns = new ArrowColumn[Schema.Fields.Count];
        for (var i = 0; i < columns.Length; i++) columns[i] = ReadColumn(ref layout, Schema.Fields[i]);
        layout.End();
        return new ArrowBatch(Schema, layout.RowCount, columns);
    }

    private void ReadDictionary(FlatTable header, byte[] body)
    {
        var id = header.Int64(0);
        if (Schema.Fields.All(f => f.Type != ArrowType.Dictionary || f.DictionaryId != id)) throw new InvalidDataException("Arrow dictionary belongs to no column");
        if (header.Bool(2)) throw new InvalidDataException("Arrow dictionary deltas are not supported");
        var layout = new BodyLayout(header.Table(1), body);
        _dictionaries[id] = ReadColumn(ref layout, new ArrowField("", ArrowType.Utf8));
        layout.End();
    }

    private ArrowColumn ReadColumn(ref BodyLayout layout, ArrowField field)
    {
        layout.NextNode();
        var rows = layout.RowCount;
        var validity = layout.NextBuffer(layout.HasNulls ? (rows + 7L) / 8 : 0);
        ReadOnlyMemory<byte> offsets = default;
        if (field.Type == ArrowType.Utf8) offsets = layout.NextBuffer(rows == 0 ? 0 : 4 * (rows + 1L));
        var data = layout.NextBuffer(field.Type switch
        {
            ArrowType.Utf8 => CheckOffsets(offsets.Span, rows),
            ArrowType.Bool => (rows + 7L) / 8,
            ArrowType.Int32 or ArrowType.Dictionary => 4L * rows,
            _ => 8L * rows,
        });
        if (!layout.HasNulls) validity = default;
        var dictionary = field.Type == ArrowType.Dictionary ? Dictionary(field) : null;
        var column = new ArrowColumn(field.Type, rows, validity, offsets, data, dictionary);
        if (field.Type == ArrowType.Utf8) CheckText(column);
        if (dictionary is not null) CheckIndexes(column, data.Span, dictionary);
        return column;
    }

    private ArrowColumn Dictionary(ArrowField field) =>
        _dictionaries.TryGetValue(field.DictionaryId, out var found) ? found : throw new InvalidDataException("Arrow dictionary comes after its first use");

    /// <summary>Offsets never go back; returns the length of data that they need.</summary>
    private static long CheckOffsets(ReadOnlySpan<byte> offsets, int rows)
    {
        if (rows == 0) return 0;
        var last = 0;
        for (var i = 0; i <= rows; i++)
        {
            var offset = BinaryPrimitives.ReadInt32LittleEndian(offsets[(4 * i)..]);
            if (offset < last) throw new InvalidDataException("Arrow text offsets go back");
            last = offset;
        }
        return last;
    }

    private static void CheckText(ArrowColumn column)
    {
        for (var row = 0; row < column.RowCount; row++)
            if (!column.IsNull(row) && !System.Text.Unicode.Utf8.IsValid(column.Utf8(row))) throw new InvalidDataException("Arrow text is not UTF-8");
    }

    private static void CheckIndexes(ArrowColumn column, ReadOnlySpan<byte> indexes, ArrowColumn dictionary)
    {
        for (var row = 0; row < column.RowCount; row++)
        {
            if (column.IsNull(row)) continue;
            var index = BinaryPrimitives.ReadInt32LittleEndian(indexes[(4 * row)..]);
            if ((uint)index >= (uint)dictionary.RowCount) throw new InvalidDataException("Arrow dictionary index is outside");
            if (dictionary.IsNull(index)) throw new InvalidDataException("Arrow dictionary has a missing value");
        }
    }

    /// <summary>Metadata of the next message, or null at the end mark or the end of the stream.</summary>
    private byte[]? ReadMetadata()
    {
        Span<byte> word = stackalloc byte[4];
        var read = _stream.ReadAtLeast(word, 4, throwOnEndOfStream: false);
        if (read == 0) return null;
        if (read < 4) throw CutOff();
        var length = BinaryPrimitives.ReadInt32LittleEndian(word);
        if (length == -1)
        {
            if (_stream.ReadAtLeast(word, 4, throwOnEndOfStream: false) < 4) throw CutOff();
            length = BinaryPrimitives.ReadInt32LittleEndian(word);
        }
        if (length == 0) return null;
        if (length is < 0 or > MaxMetadataBytes) throw new InvalidDataException($"Arrow metadata of {length} bytes; the limit is {MaxMetadataBytes}");
        return ReadBytes(length);
    }

    private byte[] ReadBytes(int lengthBytes)
    {
        var bytes = new byte[Math.Min(lengthBytes, FirstAllocationBytes)];
        for (var filled = 0; ;)
        {
            filled += _stream.ReadAtLeast(bytes.AsSpan(filled), bytes.Length - filled, throwOnEndOfStream: false);
            if (filled < bytes.Length) throw CutOff();
            if (filled == lengthBytes) return bytes;
            Array.Resize(ref bytes, (int)Math.Min(lengthBytes, 2L * bytes.Length));
        }
    }

    private static InvalidDataException CutOff() => new("Arrow stream ends inside a message");

    /// <summary>Walks the nodes and buffers of one batch in the order of the columns.</summary>
    private ref struct BodyLayout
    {
        private const int Nodes = 1, Buffers = 2, StructBytes = 16;
        private readonly FlatTable _batch;
        private readonly byte[] _body;
        private int _node;
        private int _buffer;

        public BodyLayout(FlatTable batch, byte[] body)
        {
            _batch = batch;
            _body = body;
            if (batch.Has(3)) throw new InvalidDataException("Arrow batch is compressed, which is not supported");
            var rows = batch.Int64(0);
            if (rows is < 0 or > int.MaxValue) throw new InvalidDataException($"Arrow batch of {rows} rows");
            RowCount = (int)rows;
        }

        public int RowCount { get; }

        public bool HasNulls { get; private set; }

        public void NextNode()
        {
            if (_node >= _batch.Count(Nodes, StructBytes)) throw new InvalidDataException("Arrow batch has fewer columns than its schema");
            var nulls = _batch.Word(Nodes, StructBytes, 2 * _node + 1);
            if (_batch.Word(Nodes, StructBytes, 2 * _node++) != RowCount || nulls < 0 || nulls > RowCount) throw new InvalidDataException("Arrow column has another length than its batch");
            HasNulls = nulls > 0;
        }

        /// <summary>The next buffer, which has at least <paramref name="neededBytes"/>.</summary>
        public ReadOnlyMemory<byte> NextBuffer(long neededBytes)
        {
            if (_buffer >= _batch.Count(Buffers, StructBytes)) throw new InvalidDataException("Arrow batch has too few buffers");
            var offset = _batch.Word(Buffers, StructBytes, 2 * _buffer);
            var length = _batch.Word(Buffers, StructBytes, 2 * _buffer++ + 1);
            if (offset < 0 || length < 0 || offset > _body.Length || length > _body.Length - offset) throw new InvalidDataException("Arrow buffer lies outside its body");
            if (length < neededBytes) throw new InvalidDataException("Arrow buffer is too short for its rows");
            return _body.AsMemory((int)offset, (int)length);
        }

        public readonly void End()
        {
            if (_node != _batch.Count(Nodes, StructBytes) || _buffer != _batch.Count(Buffers, StructBytes)) throw new InvalidDataException("Arrow batch has more columns than its schema");
        }
    }
}
