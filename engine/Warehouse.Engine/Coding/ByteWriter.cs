using System.Buffers.Binary;
using System.Text;

namespace Warehouse.Engine.Coding;

/// <summary>
/// Builds the small binary records of the store: little-endian fixed integers, LEB128 variable integers, length-prefixed bytes.
/// The reader of the same name reads exactly what this writes. One thread.
/// </summary>
internal sealed class ByteWriter
{
    private byte[] _bytes;
    private int _length;

    public ByteWriter(int capacityBytes = 256) => _bytes = new byte[Math.Max(16, capacityBytes)];

    public int Length => _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    public byte[] ToArray() => Written.ToArray();

    /// <summary>A span of the next <paramref name="count"/> bytes, to be filled by the caller.</summary>
    public Span<byte> Take(int count)
    {
        if (_bytes.Length - _length < count) Array.Resize(ref _bytes, Math.Max(checked(_length + count), Math.Min(_bytes.Length * 2, Array.MaxLength)));
        var span = _bytes.AsSpan(_length, count);
        _length += count;
        return span;
    }

    public void Byte(byte value) => Take(1)[0] = value;

    public void Bool(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Take(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    /// <summary>Unsigned LEB128.</summary>
    public void Var(ulong value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }
        Byte((byte)value);
    }

    public void Var(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        Var((ulong)value);
    }

    /// <summary>Many variable-length numbers, none negative: the bytes that <see cref="Var(int)"/> writes, one after the other.</summary>
    public void Vars(ReadOnlySpan<int> values)
    {
        const int MostBytes = 5;
        var start = _length;
        var room = Take(checked(values.Length * MostBytes));
        var at = 0;
        foreach (var signed in values)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(signed);
            var value = (uint)signed;
            for (; value >= 0x80; value >>= 7) room[at++] = (byte)(value | 0x80);
            room[at++] = (byte)value;
        }
        _length = start + at;
    }

    /// <summary>Signed, zig-zag LEB128.</summary>
    public void Signed(long value) => Var((ulong)((value << 1) ^ (value >> 63)));

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Length (LEB128) and bytes.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Var(bytes.Length);
        Raw(bytes);
    }

    /// <summary>UTF-8 with its length.</summary>
    public void Text(string text)
    {
        var count = Encoding.UTF8.GetByteCount(text);
        Var(count);
        Encoding.UTF8.GetBytes(text, Take(count));
    }
}
