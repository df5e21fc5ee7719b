using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>
/// A second disk form of <see cref="SampleSets"/>, for rows whose members have no pattern, as missing calls do: it comes within 2 % of
/// what members that fall independently need; the plain form takes 10 % more. Reading is about as fast. Any thread.
/// </summary>
/// <remarks>
/// Little endian:
/// <code>
/// offset size
///  0     4    "WGAP"
///  4     4    version, 1
///  8     4    N, samples, 0..32768
/// 12     4    R, rows; R x N below 2^31
/// 16    16    two streams: u32 packed bytes, u32 raw bytes (StreamTable)
/// 32          the packed streams:
///   0         one byte per run of members: low seven bits the class of the gap; the top bit is set when the run is longer than one
///   1         extra bits, run after run, the first bit least significant: those of the gap, then those of the length
/// </code>
/// The rows lie one behind the other, N places each; a run does not leave its row. The gap counts places from the end of the run before,
/// or from place 0. A gap below 8 is its own class; others have four classes for each length b in bits: 4 b + the two bits below the
/// leading one, and the rest below, b - 3, as extra bits. A length less one of b bits is b - 1 in four bits, then what lies below its
/// leading bit.
/// </remarks>
public static class SampleGaps
{
    private const uint Magic = 0x50414757;
    private const uint Version = 1;
    private const int HeaderBytes = 16;
    private const int LongRun = 128;

    /// <summary>The disk form, or null when the column is too large for it.</summary>
    public static byte[]? Encode(SampleSets sets)
    {
        ArgumentNullException.ThrowIfNull(sets);
        if (!IsWithinLimits(sets.SampleCount, sets.RowCount)) return null;
        var (symbols, extra, bits) = (new ArrayBufferWriter<byte>(), new BitWriter(), new ulong[sets.WordCount + 1]);
        var end = 0;
        for (var row = 0; row < sets.RowCount; row++)
        {
            if (sets.IsEmpty(row)) continue;
            sets.CopyBits(row, bits);
            var rowStart = row * sets.SampleCount;
            for (var start = Next(bits, 0, inside: true); start < sets.SampleCount;)
            {
                var stop = Next(bits, start, inside: false);
                Put(symbols, extra, rowStart + start - end, stop - start - 1);
                end = rowStart + stop;
                start = Next(bits, stop, inside: true);
            }
        }
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], sets.SampleCount);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], sets.RowCount);
        return StreamTable.Pack(header, [symbols.WrittenMemory, MemoryMarshal.AsBytes(extra.Words)[..(int)((extra.Count + 7) / 8)].ToArray()]);
    }

    /// <summary>Reads the disk form.</summary>
    /// <param name="encoded">The bytes.</param>
    /// <param name="sampleCount">What the caller expects.</param>
    /// <param name="rowCount">What the caller expects.</param>
    /// <exception cref="InvalidDataException">Any inconsistency; nothing is kept.</exception>
    public static SampleSets Decode(ReadOnlySpan<byte> encoded, int sampleCount, int rowCount)
    {
        Require(encoded.Length >= HeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(encoded) == Magic, "not a column of gaps");
        Require(BinaryPrimitives.ReadUInt32LittleEndian(encoded[4..]) == Version, "unknown version");
        Require(BinaryPrimitives.ReadInt32LittleEndian(encoded[8..]) == sampleCount && BinaryPrimitives.ReadInt32LittleEndian(encoded[12..]) == rowCount, "another shape");
        Require(IsWithinLimits(sampleCount, rowCount), "too large");
        Span<int> starts = stackalloc int[3];
        var streams = StreamTable.Unpack(encoded, HeaderBytes, sizeof(ulong), starts);
        try
        {
            return Decode(streams, starts, sampleCount, rowCount);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(streams);
        }
    }

    private static SampleSets Decode(byte[] streams, ReadOnlySpan<int> starts, int sampleCount, int rowCount)
    {
        var (rows, ids, found) = (new SampleSetsBuilder(sampleCount), new ushort[sampleCount], 0);
        ref var bytes = ref MemoryMarshal.GetArrayDataReference(streams);
        var (extra, extraEnd) = (starts[1] * 8L, starts[2] * 8L);
        long end = 0, rowStart = 0, places = (long)sampleCount * rowCount;
        for (var at = starts[0]; at < starts[1]; at++)
        {
            Require(extra <= extraEnd, "the extra bits end before the runs");
            // Eight bytes lie behind the last stream, and 7 + 28 + 4 + 15 bits fit a word.
            var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, (nint)(extra >> 3))) >> (int)(extra & 7);
            int gapClass = streams[at] & (LongRun - 1), gapBits = GapBits(gapClass);
            var start = end + (long)(GapBase(gapClass) + (word & ((1UL << gapBits) - 1)));
            end = start + 1;
            extra += gapBits;
            if (streams[at] >= LongRun)
            {
                word >>= gapBits;
                var lengthBits = (int)(word & 15);
                end += (long)((1UL << lengthBits) | (word >> 4 & ((1UL << lengthBits) - 1)));
                extra += 4 + lengthBits;
            }
            Require(end <= places, "a run leaves the rows");
            for (; start >= rowStart + sampleCount; rowStart += sampleCount, found = 0) rows.AddIds(ids.AsSpan(0, found));
            Require(end <= rowStart + sampleCount, "a run leaves its row");
            for (var place = start; place < end; place++) ids[found++] = (ushort)(place - rowStart);
        }
        Require(extra <= extraEnd && (extra + 7) / 8 == starts[2], "the extra bits do not fit the runs");
        for (; rows.RowCount < rowCount; found = 0) rows.AddIds(ids.AsSpan(0, found));
        return rows.Build();
    }

    private static bool IsWithinLimits(int sampleCount, int rowCount) =>
        sampleCount is >= 0 and <= SampleWords.MaxSamples && rowCount is >= 0 and <= HaplotypeColumns.MaxRows && (long)sampleCount * rowCount < int.MaxValue;

    /// <summary>The first bit from a place on that is set, or clear; the words end with clear ones. Behind the last word when there is none.</summary>
    private static int Next(ReadOnlySpan<ulong> bits, int from, bool inside)
    {
        var flip = inside ? 0 : ulong.MaxValue;
        var mask = ulong.MaxValue << (from & 63);
        for (var w = from >> 6; w < bits.Length; w++, mask = ulong.MaxValue)
            if (((bits[w] ^ flip) & mask) is not 0 and var found) return (w * 64) + BitOperations.TrailingZeroCount(found);
        return bits.Length * 64;
    }

    private static void Put(ArrayBufferWriter<byte> symbols, BitWriter extra, int gap, int length)
    {
        var bits = 32 - BitOperations.LeadingZeroCount((uint)gap);
        var gapClass = bits <= 3 ? gap : (4 * bits) | (gap >> (bits - 3) & 3);
        symbols.GetSpan(1)[0] = (byte)(length > 0 ? gapClass | LongRun : gapClass);
        symbols.Advance(1);
        extra.Append((ulong)gap - GapBase(gapClass), GapBits(gapClass));
        if (length == 0) return;
        var lengthBits = BitOperations.Log2((uint)length);
        extra.Append((ulong)lengthBits, 4);
        extra.Append((ulong)length & ((1UL << lengthBits) - 1), lengthBits);
    }

    private static ulong GapBase(int gapClass) => gapClass < 8 ? (ulong)gapClass : (ulong)(4 | (gapClass & 3)) << GapBits(gapClass);

    private static int GapBits(int gapClass) => Math.Max(0, (gapClass >> 2) - 3);

    private static void Require(bool holds, string otherwise) => HaplotypeColumns.Require(holds, otherwise);
}
