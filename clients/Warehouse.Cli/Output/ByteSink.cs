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
        value.TryFormat(Room(20), out var written);
        _used += written;
    }

    /// <summary>A number as C's %.Ng.</summary>
    public void Real(double value, int digits)
    {
        var written = CFormat.G(value, digits, Room(CFormat.MaxLengthBytes)); // Room may reset _used: never inside +=
        _used += written;
    }

    /// <summary>Text known to be plain ASCII or already escaped.</summary>
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
