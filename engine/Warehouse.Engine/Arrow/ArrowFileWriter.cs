using System.Buffers.Binary;

namespace Warehouse.Engine.Arrow;

/// <summary>
/// Writes an Arrow IPC file: a stream between two marks, with a footer that lets readers jump to any batch. Every buffer starts at a multiple of
/// 64 bytes of the file. A file without <see cref="Complete"/> is not readable. The stream belongs to the caller. Not thread-safe.
/// <code>
/// "ARROW1" 0 0 | stream of ArrowStreamWriter, end mark included | footer (FlatBuffer) | int32 length of footer | "ARROW1"
/// </code>
/// Source of the format: Arrow columnar format, "IPC file format".
/// </summary>
public sealed class ArrowFileWriter
{
    private readonly Stream _stream;
    private readonly ArrowSchema _schema;
    private readonly ArrowStreamWriter _writer;
    private bool _complete;

    /// <summary>Writes the first mark and the schema. The stream stands at the file's start.</summary>
    public ArrowFileWriter(Stream stream, ArrowSchema schema)
    {
        (_stream, _schema) = (stream, schema);
        stream.Write("ARROW1\0\0"u8);
        _writer = new ArrowStreamWriter(stream, schema, startBytes: 8);
    }

    /// <summary>Writes the rows of a batch, which keeps them.</summary>
    /// <exception cref="InvalidOperationException">The columns differ in length, or the schema is another one.</exception>
    public void Write(ArrowBatchBuilder batch) => _writer.Write(batch);

    /// <summary>Writes the end mark and the footer. The stream is not flushed.</summary>
    public void Complete()
    {
        if (_complete) return;
        _complete = true;
        _writer.Complete();
        var footer = ArrowMetadata.Footer(_schema, _writer.Blocks);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, footer.Length);
        _stream.Write(footer);
        _stream.Write(length);
        _stream.Write("ARROW1"u8);
    }
}
