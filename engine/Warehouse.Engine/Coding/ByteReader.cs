using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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
#if PLANTED_UNBOUNDED_CLAIM
        return value <= int.MaxValue ? (int)value : throw new InvalidDataException("a stored count is too large");
#else
        return value <= (ulong)limit ? (int)value : throw new InvalidDataException("a stored count is too large");
#endif
    }

    /// <summary>Fills a list with counts: where the next sixteen are below 128, as most runs of columns are, they are widened at once.</summary>
    public void Counts(Span<int> to, int limit)
    {
        var i = 0;
        while (i < to.Length)
        {
            if (limit >= 127 && to.Length - i >= Vector128<byte>.Count && Remaining >= Vector128<byte>.Count)
            {
                var bytes = Vector128.Create(_bytes.Slice(_at, Vector128<byte>.Count));
                if (bytes.ExtractMostSignificantBits() == 0)
                {
                    var (low, high) = Vector128.Widen(bytes);
                    var ((a, b), (c, d)) = (Vector128.Widen(low), Vector128.Widen(high));
                    a.AsInt32().CopyTo(to[i..]);
                    b.AsInt32().CopyTo(to[(i + 4)..]);
                    c.AsInt32().CopyTo(to[(i + 8)..]);
                    d.AsInt32().CopyTo(to[(i + 12)..]);
                    (i, _at) = (i + Vector128<byte>.Count, _at + Vector128<byte>.Count);
                    continue;
                }
            }
            for (var end = Math.Min(to.Length, i + Vector128<byte>.Count); i < end; i++)
            {
                var first = _at < _bytes.Length ? _bytes[_at] : (byte)255;
                if (first < 0x80 && first <= limit) (to[i], _at) = (first, _at + 1);
                else to[i] = Count(limit);
            }
        }
    }

    public long Signed()
    {
        var value = Var();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A signed number that has to fit 32 bits.</summary>
    public int SignedInt32()
    {
        var value = Signed();
        return value == (int)value ? (int)value : throw new InvalidDataException("a stored number is out of range");
    }

    /// <summary>A number and a count that was read after it: beyond 32 bits it is damage, not a mistake of ours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(int value, int count)
    {
        var sum = unchecked(value + count);
        if (sum < value) OutOfRange();
        return sum;
    }

    public ReadOnlySpan<byte> Bytes() => Raw(Count(Remaining));

    public string Text() => Encoding.UTF8.GetString(Bytes());

    [DoesNotReturn]
    private static void OutOfRange() => throw new InvalidDataException("a stored number is out of range");

    /// <summary>Call at the end: bytes that nobody read are damage.</summary>
    public readonly void End()
    {
        if (Remaining != 0) throw new InvalidDataException("a stored record has bytes after its end");
    }
}
