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

    /// <summary>Reads the disk form. The caller compares <see cref="SampleCount"/> and <see cref="RowCount"/> with what it expects.</summary>
    /// <exception cref="InvalidDataException">Any inconsistency; nothing is kept.</exception>
    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    public static SampleSets Decode(ReadOnlySpan<byte> encoded)
    {
        var streams = new EncodedStreams(encoded);
        var rows = DecodeRows(streams, out var idCount, out var planeCount);
        Require(idCount == streams.RawBytes(3) && idCount == streams.RawBytes(4), "the id streams do not fit the rows");
        Require((long)planeCount * ((streams.SampleCount + 7) / 8) == streams.RawBytes(5), "the plane stream does not fit the rows");
        Require((long)planeCount * SampleWords.Padded(streams.SampleCount) <= Array.MaxLength - 64, "too many planes");
        var ids = GC.AllocateUninitializedArray<ushort>(idCount + ListCount.SlackIds);
        ids.AsSpan(idCount).Clear();
        DecodeIds(streams, rows, ids);
        return new SampleSets(streams.SampleCount, rows, ids, DecodePlanes(streams, rows, planeCount));
    }

    private long[] RawBytes()
    {
        var ids = _ids.Length - ListCount.SlackIds;
        return [RowCount, RowCount, RowCount, ids, ids, (long)_planeRows.Length * PlaneBytes];
    }

    private int PackStream(int stream, int rawBytes, Span<byte> to)
    {
        var rented = ArrayPool<byte>.Shared.Rent(rawBytes);
        try
        {
            var raw = rented.AsSpan(0, rawBytes);
            FillStream(stream, raw);
            if (rawBytes >= MinPackedBytes && Zstd.Compress(raw, to, level: 1) is var packed && packed < rawBytes) return packed;
            raw.CopyTo(to);
            return rawBytes;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void FillStream(int stream, Span<byte> raw)
    {
        switch (stream)
        {
            case 0:
                for (var row = 0; row < raw.Length; row++) raw[row] = (byte)_rows[row].Kind;
                break;
            case 1 or 2:
                var lengthShift = (stream - 1) * 8;
                for (var row = 0; row < raw.Length; row++) raw[row] = (byte)(_rows[row].Length >> lengthShift);
                break;
            case 3 or 4:
                FillDistances(raw, (stream - 3) * 8);
                break;
            default:
                for (var plane = 0; plane < _planeRows.Length; plane++)
                    MemoryMarshal.AsBytes(Plane(_planeRows[plane]))[..PlaneBytes].CopyTo(raw.Slice(plane * PlaneBytes, PlaneBytes));
                break;
        }
    }

    private void FillDistances(Span<byte> raw, int shift)
    {
        var at = 0;
        for (var row = 0; row < _rows.Length; row++)
        {
            if (_rows[row].Kind == RowKind.Plane) continue;
            var previous = -1;
            foreach (var id in Ids(row))
            {
                raw[at++] = (byte)((id - previous - 1) >> shift);
                previous = id;
            }
        }
    }

    private static SampleRow[] DecodeRows(EncodedStreams streams, out int idCount, out int planeCount)
    {
        using RawStream kinds = streams.Open(0), low = streams.Open(1), high = streams.Open(2);
        var rows = new SampleRow[streams.RowCount];
        var ids = 0L;
        planeCount = 0;
        for (var row = 0; row < rows.Length; row++)
        {
            var kind = (RowKind)kinds.Bytes[row];
            var length = low.Bytes[row] | high.Bytes[row] << 8;
            Require(kind <= RowKind.Plane && length <= streams.SampleCount, "a row's kind or length is out of range");
            var members = kind == RowKind.Complement ? streams.SampleCount - length : length;
            Require(SampleRow.KindOf(members, streams.SampleCount) == kind, "a row has the wrong kind for its length");
            rows[row] = new SampleRow(kind == RowKind.Plane ? planeCount++ : (int)ids, (ushort)length, kind);
            if (kind != RowKind.Plane) ids += length;
            Require(ids <= streams.RawBytes(3), "the rows list more ids than there are");
        }
        idCount = (int)ids;
        return rows;
    }

    private static void DecodeIds(EncodedStreams streams, SampleRow[] rows, Span<ushort> ids)
    {
        using RawStream lowStream = streams.Open(3), highStream = streams.Open(4);
        ReadOnlySpan<byte> low = lowStream.Bytes, high = highStream.Bytes;
        foreach (var row in rows)
        {
            if (row.Kind == RowKind.Plane || row.Length == 0) continue;
            var rowLow = low.Slice(row.Start, row.Length);
            var rowHigh = high.Slice(row.Start, row.Length);
            var to = ids.Slice(row.Start, row.Length);
            var id = -1;
            for (var i = 0; i < rowLow.Length; i++)
            {
                id += 1 + (rowLow[i] | rowHigh[i] << 8);
                to[i] = (ushort)id;
            }
            // Ids only grow, so the last one vouches for all; 2,048 steps of 65,536 do not overflow.
            Require(id < streams.SampleCount, "an id is outside the panel");
        }
    }

    private static WordBlock DecodePlanes(EncodedStreams streams, SampleRow[] rows, int planeCount)
    {
        using var stream = streams.Open(5);
        var wordCount = SampleWords.Padded(streams.SampleCount);
        var planeBytes = (streams.SampleCount + 7) / 8;
        var block = new WordBlock(planeCount * wordCount);
        foreach (var row in rows)
        {
            if (row.Kind != RowKind.Plane) continue;
            var plane = block.Words.Slice(row.Start * wordCount, wordCount);
            stream.Bytes.Slice(row.Start * planeBytes, planeBytes).CopyTo(MemoryMarshal.AsBytes(plane));
            Require(SampleWords.AreValid(plane, streams.SampleCount), "a plane has bits behind the last sample");
            Require(SampleWords.PopCount(plane) == row.Length, "a plane does not have as many members as its row says");
        }
        return block;
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidDataException($"sample set column: {otherwise}");
    }

    /// <summary>The header, checked, and the packed streams behind it.</summary>
    private readonly ref struct EncodedStreams
    {
        private readonly ReadOnlySpan<byte> _encoded;

        public EncodedStreams(ReadOnlySpan<byte> encoded)
        {
            _encoded = encoded;
            Require(encoded.Length >= HeaderBytes, "shorter than its header");
            Require(BinaryPrimitives.ReadUInt32LittleEndian(encoded) == Magic, "not a sample set column");
            Require(BinaryPrimitives.ReadUInt32LittleEndian(encoded[4..]) == VersionAndCodec, "unknown version or codec");
            SampleCount = BinaryPrimitives.ReadInt32LittleEndian(encoded[8..]);
            RowCount = BinaryPrimitives.ReadInt32LittleEndian(encoded[12..]);
            Require(SampleCount is >= 0 and <= SampleWords.MaxSamples, "too many samples");
            Require(RowCount is >= 0 and <= MaxEncodedRows, "too many rows");
            var total = (long)HeaderBytes;
            for (var stream = 0; stream < StreamCount; stream++)
            {
                int packed = PackedBytes(stream), raw = RawBytes(stream);
                Require(packed >= 0 && packed <= raw, "a stream's length is out of range");
                Require(raw <= (long)packed * MaxExpansion && raw <= Array.MaxLength - 64, "a stream claims more than it can hold");
                Require(stream > 2 || raw == RowCount, "a row stream does not fit the rows");
                total += packed;
            }
            Require(total == encoded.Length, "the streams do not fill the column");
        }

        public int SampleCount { get; }

        public int RowCount { get; }

        public int RawBytes(int stream) => BinaryPrimitives.ReadInt32LittleEndian(_encoded[(20 + stream * 8)..]);

        public RawStream Open(int stream)
        {
            var start = HeaderBytes;
            for (var before = 0; before < stream; before++) start += PackedBytes(before);
            return new RawStream(_encoded.Slice(start, PackedBytes(stream)), RawBytes(stream));
        }

        private int PackedBytes(int stream) => BinaryPrimitives.ReadInt32LittleEndian(_encoded[(16 + stream * 8)..]);
    }

    /// <summary>A stream's raw bytes: a view of the input when stored, else a rented buffer that Dispose returns.</summary>
    private readonly ref struct RawStream
    {
        private readonly byte[]? _rented;

        public RawStream(ReadOnlySpan<byte> packed, int rawBytes)
        {
            Bytes = packed;
            if (packed.Length == rawBytes) return;
            _rented = ArrayPool<byte>.Shared.Rent(rawBytes);
            Bytes = _rented.AsSpan(0, rawBytes);
            Zstd.Decompress(packed, _rented.AsSpan(0, rawBytes));
        }

        public ReadOnlySpan<byte> Bytes { get; }

        public void Dispose()
        {
            if (_rented is not null) ArrayPool<byte>.Shared.Return(_rented);
        }
    }
}
