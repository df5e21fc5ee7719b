using System.Buffers.Binary;
using System.Text;

namespace Warehouse.Engine.Coding;

/// <summary>
/// Reads what <see cref="ByteWriter"/> wrote. Everything it reads has been authenticated before; it still never reads outside
/// its span and never trusts a count: any inconsistency is an <see cref="InvalidDataException"/>.
/// </summary>
internal ref struct ByteReader
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _at;

    public ByteReader(ReadOnlySpan<byte> bytes)
    {
        _bytes = bytes;
        _at = 0;
    }

    public readonly int Remaining => _bytes.Length - _at;

    public readonly int Position => _at;

    public readonly ReadOnlySpan<byte> Rest => _bytes[_at..];

    public ReadOnlySpan<byte> Raw(int count)
    {
        if (count < 0 || count > Remaining) throw new InvalidDataException("a stored record ends too early");
        var span = _bytes.Slice(_at, count);
        _at += count;
        return span;
    }

    public byte Byte() => Raw(1)[0];

    public bool Bool() => Byte() switch { 0 => false, 1 => true, _ => throw new InvalidDataException("a stored flag is neither 0 nor 1") };

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Raw(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Raw(8));

    public ulong Var()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw new InvalidDataException("a stored number is too long");
    }

    /// <summary>A count or size: refused when above <paramref name="limit"/>.</summary>
    public int Count(int limit = int.MaxValue)
    {
        var value = Var();
        return value <= (ulong)limit ? (int)value : throw new InvalidDataException("a stored count is too large");
    }

    public long Signed()
    {
        var value = Var();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public ReadOnlySpan<byte> Bytes() => Raw(Count(Remaining));

    public string Text() => Encoding.UTF8.GetString(Bytes());

    /// <summary>Call at the end: bytes that nobody read are damage.</summary>
    public readonly void End()
    {
        if (Remaining != 0) throw new InvalidDataException("a stored record has bytes after its end");
    }
}
