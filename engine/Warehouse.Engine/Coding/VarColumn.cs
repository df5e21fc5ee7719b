using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Warehouse.Engine.Coding;

/// <summary>Columns of LEB128 numbers, most of which take one byte: eight at a time where they do.</summary>
internal static class VarColumn
{
    // Compiled at first use, in full: ahead of time the vector operations become calls.
    private const MethodImplOptions InFull = MethodImplOptions.AggressiveOptimization;

    private const ulong TopBits = 0x8080808080808080;

    /// <summary>Reads a number per value and returns the bytes that they take.</summary>
    /// <exception cref="InvalidDataException">The bytes end too early, or a number is above 2,147,483,647.</exception>
    [MethodImpl(InFull)]
    public static int Read(ReadOnlySpan<byte> bytes, Span<int> values)
    {
        var at = 0;
        for (var i = 0; i < values.Length;)
        {
            if (i <= values.Length - 8 && at <= bytes.Length - 8)
            {
                var eight = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
                if ((eight & TopBits) == 0)
                {
                    var (lower, upper) = Vector128.Widen(Vector128.WidenLower(Vector128.CreateScalar(eight).AsByte()));
                    lower.AsInt32().CopyTo(values[i..]);
                    upper.AsInt32().CopyTo(values[(i + 4)..]);
                    (i, at) = (i + 8, at + 8);
                    continue;
                }
            }
            values[i++] = One(bytes, ref at);
        }
        return at;
    }

    /// <summary>Passes over numbers and returns the bytes that they take.</summary>
    /// <exception cref="InvalidDataException">The bytes end too early.</exception>
    [MethodImpl(InFull)]
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
