using System.Buffers;
using System.Text;
using Warehouse.Engine.Query;

namespace Warehouse.Cli.Output;

/// <summary>Text and numbers as UTF-8 into a pooled buffer in front of a stream. The stream is the caller's. Not thread-safe.</summary>
internal sealed class ByteSink(Stream stream) : IDisposable
{
    private const int BufferBytes = 1 << 16;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private int _used;

    /// <summary>One byte.</summary>
    public void Byte(byte value)
    {
        if (_used == _buffer.Length) Flush();
        _buffer[_used++] = value;
    }

    /// <summary>Bytes as they are.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        _used += bytes.Length;
    }

    /// <summary>A whole number in decimal.</summary>
    public void Integer(long value)
    {
        var written = Decimal.Put(value, Room(Decimal.MaxLengthBytes)); // Room may reset _used: never inside +=
        _used += written;
    }

    /// <summary>A number as C's %.Ng.</summary>
    public void Real(double value, int digits)
    {
        var written = CFormat.G(value, digits, Room(CFormat.MaxLengthBytes));
        _used += written;
    }

    /// <summary>Text known to be ASCII.</summary>
    public void Plain(ReadOnlySpan<char> text)
    {
        var room = Room(text.Length);
        for (var i = 0; i < text.Length; i++) room[i] = (byte)text[i];
        _used += text.Length;
    }

    /// <summary>Lets the caller write at most some bytes; <see cref="Advance"/> then says how many it wrote.</summary>
    public Span<byte> Reserve(int lengthBytes) => Room(lengthBytes);

    /// <summary>Keeps bytes written into what <see cref="Reserve"/> gave.</summary>
    public void Advance(int lengthBytes) => _used += lengthBytes;

    /// <summary>Text of any characters, already escaped.</summary>
    public void Utf8(ReadOnlySpan<char> text)
    {
        var written = Encoding.UTF8.GetBytes(text, Room(Encoding.UTF8.GetMaxByteCount(text.Length)));
        _used += written;
    }

    /// <summary>Hands everything so far to the stream.</summary>
    public void Flush()
    {
        stream.Write(_buffer, 0, _used);
        _used = 0;
    }

    /// <summary>Returns the buffer. What was not flushed is lost: an interrupted output is not finished by accident.</summary>
    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private Span<byte> Room(int lengthBytes)
    {
        if (_buffer.Length - _used >= lengthBytes) return _buffer.AsSpan(_used);
        Flush();
        if (_buffer.Length >= lengthBytes) return _buffer;
        ArrayPool<byte>.Shared.Return(_buffer);
        return _buffer = ArrayPool<byte>.Shared.Rent(lengthBytes);
    }
}
