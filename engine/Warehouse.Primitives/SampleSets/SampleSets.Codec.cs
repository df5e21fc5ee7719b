using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <remarks>
/// Disk form "plain", little endian. An outer checksum guards it; the decoder still checks everything, so that no input can make
/// it read outside, allocate without measure or build a column whose kernels would.
/// <code>
/// offset size
///  0     4    "WSET"
///  4     2    version, 1
///  6     2    codec, 0 = plain
///  8     4    N, samples, 0..32768
/// 12     4    R, rows, 0..2^24
/// 16    48    six streams: u32 packed bytes, u32 raw bytes; packed = raw: stored; packed &lt; raw: one zstd frame
/// 64          the packed streams, in order, nothing behind:
///   0    R    kind of each row: 0 list, 1 complement, 2 plane; always the one that SampleRow.KindOf gives
///   1,2  R    low and high byte of each row's length: ids of a list or complement, members of a plane
///   3,4  sum  low and high byte of each id of the lists and complements, row after row: the first as it is, the others as
///             distance to the one before, less one
///   5         planes, row after row, ceil(N / 8) bytes each; bit s % 8 of byte s / 8 is sample s; bits behind N are zero
/// </code>
/// </remarks>
public sealed partial class SampleSets
{
    private const uint Magic = 0x54455357;
    private const uint VersionAndCodec = 1;
    private const int HeaderBytes = 64;
    private const int StreamCount = 6;

    /// <summary>Rows of one encoded column: far above the blocks of 8,192 to 32,768 rows in use, low enough to refuse nonsense early.</summary>
    private const int MaxEncodedRows = 1 << 24;

    /// <summary>zstd makes at most 128 KiB of 4 bytes; more is a lie, and refused before memory is taken for it.</summary>
    private const int MaxExpansion = 1 << 16;

    /// <summary>Streams below this are stored: a frame costs more than it saves.</summary>
    private const int MinPackedBytes = 64;

    /// <summary>What is packed for a trial at each of three places: enough for the tables of zstd to be small beside it.</summary>
    private const int TrialBytes = 16 << 10;

    private int PlaneBytes => (SampleCount + 7) / 8;

    /// <summary>Appends the disk form. Equal columns give equal bytes with the same zstd.</summary>
    /// <exception cref="InvalidOperationException">More than 2^24 rows or 2 GB: the caller cuts columns in blocks.</exception>
    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    public void Encode(IBufferWriter<byte> to)
    {
        var rawBytes = RawBytes();
        var bound = HeaderBytes + rawBytes.Sum(raw => raw + raw / 128 + 1024);
        if (RowCount > MaxEncodedRows || bound > Array.MaxLength) throw new InvalidOperationException("too large for one encoded column");
        var whole = to.GetSpan((int)bound);
        var header = whole[..HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], VersionAndCodec);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], SampleCount);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], RowCount);
        var at = HeaderBytes;
        for (var stream = 0; stream < StreamCount; stream++)
        {
            var raw = (int)rawBytes[stream];
            var packed = PackStream(stream, raw, whole[at..]);
            BinaryPrimitives.WriteInt32LittleEndian(header[(16 + stream * 8)..], packed);
            BinaryPrimitives.WriteInt32LittleEndian(header[(20 + stream * 8)..], raw);
            at += packed;
        }
        to.Advance(at);
    }

    private long[] RawBytes()
    {
        return [RowCount, RowCount, RowCount, _idCount, _idCount, (long)_kinds.Planes * PlaneBytes];
    }

    /// <summary>
    /// Stored, unless packing takes a third off: bytes near to noise (planes, low bytes of distances) take most of the time of reading a
    /// column when they are packed, and give a fifth at best. Else packed twice, as level 1 and with entropy coding alone, which unpacks
    /// up to three times as fast and is also smaller where bytes have few values and no repeats; it may be larger by a 16th of the raw bytes.
    /// </summary>
    private int PackStream(int stream, int rawBytes, Span<byte> to)
    {
        var raw = to[..rawBytes];
        FillStream(stream, raw);
        if (rawBytes < MinPackedBytes) return rawBytes;
        var rented = ArrayPool<byte>.Shared.Rent(Zstd.MaxCompressedLength(rawBytes));
        var other = ArrayPool<byte>.Shared.Rent(Zstd.MaxCompressedLength(rawBytes));
        try
        {
            if (!LooksPackable(raw, rented)) return rawBytes;
            var level = rented.AsSpan(0, Zstd.Compress(raw, rented, level: 1));
            var entropy = other.AsSpan(0, Zstd.CompressEntropy(raw, other));
            var packed = entropy.Length <= level.Length + rawBytes / 16 ? entropy : level;
            if (!IsWorthPacking(packed.Length, rawBytes)) return rawBytes;
            packed.CopyTo(to);
            return packed.Length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(other);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Tries the first, middle and last bytes of a long stream, which saves most of the time that packing in vain would take.</summary>
    private static bool LooksPackable(ReadOnlySpan<byte> raw, Span<byte> scratch)
    {
        if (raw.Length <= 3 * TrialBytes) return true;
        for (var place = 0; place < 3; place++)
            if (IsWorthPacking(Zstd.Compress(raw.Slice((raw.Length - TrialBytes) / 2 * place, TrialBytes), scratch, level: 1), TrialBytes)) return true;
        return false;
    }

    private static bool IsWorthPacking(int packedBytes, int rawBytes) => packedBytes <= rawBytes / 3 * 2;

    private void FillStream(int stream, Span<byte> raw)
    {
        switch (stream)
        {
            case 0:
                for (var row = 0; row < raw.Length; row++) raw[row] = (byte)Entries[row].Kind;
                break;
            case 1 or 2:
                var lengthShift = (stream - 1) * 8;
                for (var row = 0; row < raw.Length; row++) raw[row] = (byte)(Entries[row].Length >> lengthShift);
                break;
            case 3 or 4:
                FillDistances(raw, (stream - 3) * 8);
                break;
            default:
                for (var plane = 0; plane < _kinds.Planes; plane++)
                    MemoryMarshal.AsBytes(Plane(Dense[plane]))[..PlaneBytes].CopyTo(raw.Slice(plane * PlaneBytes, PlaneBytes));
                break;
        }
    }

    private void FillDistances(Span<byte> raw, int shift)
    {
        var at = 0;
        for (var row = 0; row < RowCount; row++)
        {
            if (Entries[row].Kind == RowKind.Plane) continue;
            var previous = -1;
            foreach (var id in Ids(row))
            {
                raw[at++] = (byte)((id - previous - 1) >> shift);
                previous = id;
            }
        }
    }
}
