using System.Buffers.Binary;
using System.Diagnostics;

namespace Warehouse.Engine.Arrow;

/// <summary>
/// Writes an Arrow IPC stream: the schema, record batches, the end mark. Nothing is compressed; every buffer starts at a multiple of 64 bytes of
/// the stream. The stream belongs to the caller. A stream without <see cref="Complete"/> lacks its end mark. Not thread-safe.
/// <code>
/// message: FFFFFFFF | int32 length of metadata + padding | metadata (FlatBuffer) | zeros to 64 | body
/// body:    per column validity bitmap, [int32 offsets,] data; each padded with zeros to 64
/// end:     FFFFFFFF 00000000
/// </code>
/// Source of the format: Arrow columnar format, "IPC streaming format".
/// </summary>
public sealed class ArrowStreamWriter
{
    /// <summary>Every buffer and body starts at a multiple of this.</summary>
    public const int AlignmentBytes = 64;

    private static readonly byte[] Zeros = new byte[AlignmentBytes];
    private readonly Stream _stream;
    private readonly ArrowSchema _schema;
    private readonly List<ReadOnlyMemory<byte>> _buffers = [];
    private readonly List<(long Offset, int MetadataBytes, long BodyBytes)> _blocks = [];
    private long _position;
    private bool _complete;

    /// <summary>Writes the schema.</summary>
    public ArrowStreamWriter(Stream stream, ArrowSchema schema) : this(stream, schema, startBytes: 0)
    {
    }

    /// <summary>The same behind <paramref name="startBytes"/> that are already there; alignment counts from before them.</summary>
    internal ArrowStreamWriter(Stream stream, ArrowSchema schema, long startBytes)
    {
        _stream = stream;
        _schema = schema;
        _position = startBytes;
        WriteMetadata(ArrowMetadata.SchemaMessage(schema));
    }

    /// <summary>Where each batch lies: offset of its first byte, length up to its body, length of its body.</summary>
    internal IReadOnlyList<(long Offset, int MetadataBytes, long BodyBytes)> Blocks => _blocks;

    /// <summary>Writes the rows of a batch, which keeps them.</summary>
    /// <exception cref="InvalidOperationException">The columns differ in length, or the schema is another one.</exception>
    public void Write(ArrowBatchBuilder batch)
    {
        if (_complete) throw new InvalidOperationException("the stream is complete");
        if (!ReferenceEquals(batch.Schema, _schema)) throw new InvalidOperationException("the batch has another schema");
        var nodes = new long[2 * _schema.Fields.Count];
        _buffers.Clear();
        for (var i = 0; i < _schema.Fields.Count; i++)
        {
            var column = batch[i];
            if (column.RowCount != batch.RowCount) throw new InvalidOperationException($"column {_schema.Fields[i].Name} has {column.RowCount} cells, not {batch.RowCount}");
            (nodes[2 * i], nodes[2 * i + 1]) = (column.RowCount, column.NullCount);
            column.AddBuffers(_buffers);
        }
        var places = new long[2 * _buffers.Count];
        var bodyBytes = 0L;
        for (var i = 0; i < _buffers.Count; i++)
        {
            (places[2 * i], places[2 * i + 1]) = (bodyBytes, _buffers[i].Length);
            bodyBytes += _buffers[i].Length + PaddingBytes(_buffers[i].Length);
        }
        var start = _position;
        WriteMetadata(ArrowMetadata.BatchMessage(batch.RowCount, nodes, places, bodyBytes));
        _blocks.Add((start, (int)(_position - start), bodyBytes));
        foreach (var buffer in _buffers)
        {
            _stream.Write(buffer.Span);
            _stream.Write(Zeros.AsSpan(0, PaddingBytes(buffer.Length)));
        }
        _position += bodyBytes;
    }

    /// <summary>Writes the end mark. The stream is not flushed.</summary>
    public void Complete()
    {
        if (_complete) return;
        _complete = true;
        _stream.Write([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
    }

    private void WriteMetadata(ReadOnlySpan<byte> metadata)
    {
        Span<byte> prefix = stackalloc byte[8];
        var padding = PaddingBytes(_position + prefix.Length + metadata.Length);
        _position += prefix.Length + metadata.Length + padding;
        Debug.Assert(_position % AlignmentBytes == 0);
        BinaryPrimitives.WriteUInt32LittleEndian(prefix, 0xFFFFFFFF);
        BinaryPrimitives.WriteInt32LittleEndian(prefix[4..], metadata.Length + padding);
        _stream.Write(prefix);
        _stream.Write(metadata);
        _stream.Write(Zeros.AsSpan(0, padding));
    }

    private static int PaddingBytes(long lengthBytes) => (int)(-lengthBytes & (AlignmentBytes - 1));
}
