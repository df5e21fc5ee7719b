using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Warehouse.Engine.Coding;

/// <summary>Columns of LEB128 numbers, most of which take one byte: sixteen at a time where they do.</summary>
internal static class VarColumn
{
    private const ulong TopBits = 0x8080808080808080;

    /// <summary>Reads a number per value and returns the bytes that they take.</summary>
    /// <exception cref="InvalidDataException">The bytes end too early, or a number is above 2,147,483,647.</exception>
    public static int Read(ReadOnlySpan<byte> bytes, Span<int> values)
    {
        var at = 0;
        for (var i = 0; i < values.Length;)
        {
            if (i <= values.Length - 16 && at <= bytes.Length - 16)
            {
                var some = Vector128.Create(bytes.Slice(at, 16));
                var (lower, upper) = Vector128.Widen(some);
                var ((a, b), (c, d)) = (Vector128.Widen(lower), Vector128.Widen(upper));
                var room = values.Slice(i, 16);
                a.AsInt32().CopyTo(room);
                b.AsInt32().CopyTo(room[4..]);
                c.AsInt32().CopyTo(room[8..]);
                d.AsInt32().CopyTo(room[12..]);
                // What is behind the first longer number is overwritten by what comes next.
                var whole = BitOperations.TrailingZeroCount(some.ExtractMostSignificantBits() | 0x10000);
                (i, at) = (i + whole, at + whole);
                if (whole == 16) continue;
                if (at <= bytes.Length - 2 && bytes[at + 1] < 0x80)
                {
                    values[i++] = (bytes[at] & 0x7F) | (bytes[at + 1] << 7);
                    at += 2;
                    continue;
                }
            }
            values[i++] = One(bytes, ref at);
        }
        return at;
    }

    /// <summary>Passes over numbers and returns the bytes that they take.</summary>
    /// <exception cref="InvalidDataException">The bytes end too early.</exception>
    public static int Skip(ReadOnlySpan<byte> bytes, int count)
    {
        var at = 0;
        for (; count >= 8 && at <= bytes.Length - 8; at += 8) count -= BitOperations.PopCount(~BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]) & TopBits);
        for (; count > 0; at++)
        {
            if (at == bytes.Length) throw new InvalidDataException("a stored record ends too early");
            if (bytes[at] < 0x80) count--;
        }
        return at;
    }

    private static int One(ReadOnlySpan<byte> bytes, ref int at)
    {
        var from = new ByteReader(bytes[at..]);
        var value = from.Count();
        at += from.Position;
        return value;
    }
}
