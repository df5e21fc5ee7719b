using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Warehouse.Primitives;

/// <summary>
/// CRC-32 of gzip and BGZF (RFC 1952, section 8): reflected polynomial 0xEDB88320, start and end inverted.
/// <see cref="Scalar"/> is the definition; the carry-less multiply path folds 64 bytes at a time and must equal it.
/// </summary>
public static class Crc32
{
    private const int FoldBytes = 64;
    private static readonly uint[] Tables = MakeTables();

    /// <summary>The checksum of bytes, continued from the checksum of what came before them.</summary>
    /// <param name="bytes">The next bytes.</param>
    /// <param name="before">Checksum of the bytes before; 0 at the start.</param>
    public static uint Append(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        if (!Pclmulqdq.IsSupported || bytes.Length < FoldBytes * 2) return Scalar(bytes, before);
        var folded = bytes.Length & ~15;
        return Scalar(bytes[folded..], Folded(bytes[..folded], before));
    }

    /// <summary>Eight table look-ups per eight bytes.</summary>
    internal static uint Scalar(ReadOnlySpan<byte> bytes, uint before)
    {
        var crc = ~before;
        var t = Tables.AsSpan();
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = t[(7 << 8) | (int)(low & 255)] ^ t[(6 << 8) | (int)((low >> 8) & 255)]
                ^ t[(5 << 8) | (int)((low >> 16) & 255)] ^ t[(4 << 8) | (int)(low >> 24)]
                ^ t[(3 << 8) | (int)(high & 255)] ^ t[(2 << 8) | (int)((high >> 8) & 255)]
                ^ t[(1 << 8) | (int)((high >> 16) & 255)] ^ t[(int)(high >> 24)];
        }
        foreach (var b in bytes) crc = t[(int)((crc ^ b) & 255)] ^ (crc >> 8);
        return ~crc;
    }

    /// <summary>Folds 16-byte lanes with carry-less products of x^n mod P, then reduces by Barrett. Length: a multiple of 16, at least 64.</summary>
    private static uint Folded(ReadOnlySpan<byte> bytes, uint before)
    {
        ref var at = ref MemoryMarshal.GetReference(bytes);
        var left = bytes.Length - FoldBytes;
        // x^(4*128+32), x^(4*128-32), then x^(128+32), x^(128-32), all mod P and bit-reflected.
        var byFour = Vector128.Create(0x0154442bd4UL, 0x01c6e41596UL);
        var byOne = Vector128.Create(0x01751997d0UL, 0x00ccaa009eUL);
        var a = Load(ref at, 0) ^ Vector128.CreateScalar(~before).AsUInt64();
        var b = Load(ref at, 16);
        var c = Load(ref at, 32);
        var d = Load(ref at, 48);
        nuint offset = FoldBytes;
        for (; left >= FoldBytes; left -= FoldBytes, offset += FoldBytes)
        {
            a = Fold(a, byFour) ^ Load(ref at, offset);
            b = Fold(b, byFour) ^ Load(ref at, offset + 16);
            c = Fold(c, byFour) ^ Load(ref at, offset + 32);
            d = Fold(d, byFour) ^ Load(ref at, offset + 48);
        }
        a = Fold(Fold(Fold(a, byOne) ^ b, byOne) ^ c, byOne) ^ d;
        for (; left >= 16; left -= 16, offset += 16) a = Fold(a, byOne) ^ Load(ref at, offset);
        return ~Reduce(a);
    }

    private static uint Reduce(Vector128<ulong> a)
    {
        var low32 = Vector128.Create(0xFFFFFFFFUL, 0UL);
        var k4 = Vector128.Create(0x00ccaa009eUL, 0UL);
        var k5 = Vector128.Create(0x0163cd6124UL, 0UL);
        var barrett = Vector128.Create(0x01db710641UL, 0x01f7011641UL);
        a = Pclmulqdq.CarrylessMultiply(a, k4, 0x00) ^ Sse2.ShiftRightLogical128BitLane(a, 8);
        a = Pclmulqdq.CarrylessMultiply(a & low32, k5, 0x00) ^ Sse2.ShiftRightLogical128BitLane(a, 4);
        var t = Pclmulqdq.CarrylessMultiply(a & low32, barrett, 0x10);
        t = Pclmulqdq.CarrylessMultiply(t & low32, barrett, 0x00);
        return (t ^ a).AsUInt32().GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Fold(Vector128<ulong> value, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(value, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, by, 0x11);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte at, nuint offset) => Vector128.LoadUnsafe(ref at, offset).AsUInt64();

    private static uint[] MakeTables()
    {
        var tables = new uint[8 * 256];
        for (var i = 0; i < 256; i++)
        {
            var crc = (uint)i;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
            tables[i] = crc;
        }
        for (var i = 256; i < tables.Length; i++) tables[i] = tables[tables[i - 256] & 255] ^ (tables[i - 256] >> 8);
        return tables;
    }
}
