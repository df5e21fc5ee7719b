using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <remarks>Reading the disk form. Scratch is rented and small enough to stay in the second-level cache; only the result is new memory.</remarks>
public sealed partial class SampleSets
{
    /// <summary>Reads the disk form. The caller compares <see cref="SampleCount"/> and <see cref="RowCount"/> with what it expects.</summary>
    /// <exception cref="InvalidDataException">Any inconsistency; nothing is kept.</exception>
    /// <exception cref="DllNotFoundException">libzstd is not installed.</exception>
    public static SampleSets Decode(ReadOnlySpan<byte> encoded)
    {
        var streams = new EncodedStreams(encoded);
        var rows = new SampleRow[streams.RowCount];
        DecodeRows(streams, rows, out var idCount, out var planeCount);
        var ids = GC.AllocateUninitializedArray<ushort>(idCount + ListCount.SlackIds);
        DecodeIds(streams, rows, ids, idCount);
        var planes = WordBlock.Uninitialized(planeCount * SampleWords.Padded(streams.SampleCount));
        DecodePlanes(streams, rows, planes);
        return new SampleSets(streams.SampleCount, (rows, rows.Length), (ids, idCount), planes);
    }

    /// <summary>
    /// Reads the disk form into the memory of another column, which is not to be used any more, not even when this throws. For who reads
    /// many columns one after the other: memory touched for the first time costs more than decoding into it.
    /// </summary>
    /// <param name="encoded">The disk form.</param>
    /// <param name="spent">Made by this method and seen by nobody else; null = none yet.</param>
    /// <exception cref="InvalidDataException">As <see cref="Decode(ReadOnlySpan{byte})"/>.</exception>
    public static SampleSets Decode(ReadOnlySpan<byte> encoded, SampleSets? spent)
    {
        var streams = new EncodedStreams(encoded);
        var array = spent?._rows is { } old && old.Length >= streams.RowCount ? old : new SampleRow[WithRoom(streams.RowCount)];
        var rows = array.AsSpan(0, streams.RowCount);
        DecodeRows(streams, rows, out var idCount, out var planeCount);
        var ids = spent?._ids is { } oldIds && oldIds.Length >= idCount + ListCount.SlackIds ? oldIds : GC.AllocateUninitializedArray<ushort>(WithRoom(idCount + ListCount.SlackIds));
        DecodeIds(streams, rows, ids.AsSpan(0, idCount + ListCount.SlackIds), idCount);
        var planes = WordBlock.Over(spent is null ? default : spent._planes, planeCount * SampleWords.Padded(streams.SampleCount));
        DecodePlanes(streams, rows, planes);
        return new SampleSets(streams.SampleCount, (array, rows.Length), (ids, idCount), planes, spent?._byKind ?? []);
    }

    /// <summary>Room for columns that are a little larger, so that their memory serves most of those that follow.</summary>
    private static int WithRoom(int count) => Math.Max(count, (int)Math.Min(count + count / 8L, Array.MaxLength - 64));

    private static void DecodeRows(EncodedStreams streams, Span<SampleRow> rows, out int idCount, out int planeCount)
    {
        using RawStream kindStream = streams.Open(0), lowStream = streams.Open(1), highStream = streams.Open(2);
        ReadOnlySpan<byte> kinds = kindStream.Bytes[..rows.Length], low = lowStream.Bytes[..rows.Length], high = highStream.Bytes[..rows.Length];
        var sampleCount = streams.SampleCount;
        var longest = SampleRow.MaxListLength(sampleCount);
        var (ids, wrong) = (0L, 0);
        planeCount = 0;
        for (var row = 0; row < rows.Length; row++)
        {
            // No branch: kinds come in no order, and a mispredicted one costs as much as three rows. "wrong" turns negative where a check fails.
            int kind = kinds[row], length = low[row] | high[row] << 8;
            int isPlane = kind >> 1, isComplement = kind & 1, others = sampleCount - length;
            var isLong = (int)((uint)(longest - Math.Min(length, others)) >> 31);
            wrong |= (int)RowKind.Plane - kind | others | -(isLong ^ isPlane) | others - length - isComplement & isPlane - 1;
            rows[row] = new SampleRow((int)(isPlane * planeCount + (1 - isPlane) * ids), (ushort)length, (RowKind)kind);
            planeCount += isPlane;
            ids += length & isPlane - 1;
        }
        if (wrong < 0) RefuseRows(kinds, low, high, sampleCount);
        Require(ids <= streams.RawBytes(3), "the rows list more ids than there are");
        idCount = (int)ids;
        Require(idCount == streams.RawBytes(3) && idCount == streams.RawBytes(4), "the id streams do not fit the rows");
        Require((long)planeCount * ((sampleCount + 7) / 8) == streams.RawBytes(5), "the plane stream does not fit the rows");
        Require((long)planeCount * SampleWords.Padded(sampleCount) <= Array.MaxLength - 64, "too many planes");
    }

    /// <summary>Says what is wrong with the first wrong row.</summary>
    private static void RefuseRows(ReadOnlySpan<byte> kinds, ReadOnlySpan<byte> low, ReadOnlySpan<byte> high, int sampleCount)
    {
        for (var row = 0; row < kinds.Length; row++)
        {
            var length = low[row] | high[row] << 8;
            Require(kinds[row] <= (byte)RowKind.Plane && length <= sampleCount, "a row's kind or length is out of range");
            var members = kinds[row] == (byte)RowKind.Complement ? sampleCount - length : length;
            Require(SampleRow.KindOf(members, sampleCount) == (RowKind)kinds[row], "a row has the wrong kind for its length");
        }
        throw new UnreachableException("a sound row was refused");
    }

    private static void DecodeIds(EncodedStreams streams, ReadOnlySpan<SampleRow> rows, Span<ushort> ids, int idCount)
    {
        using RawStream low = streams.Open(3), high = streams.Open(4);
        var isSound = DistanceSums.ToIds(new DistanceRows { Rows = rows, Low = low.Bytes, High = high.Bytes, SampleCount = streams.SampleCount }, ids);
        Require(isSound, "an id is outside the panel");
        ids[idCount..].Clear();
    }

    private static void DecodePlanes(EncodedStreams streams, ReadOnlySpan<SampleRow> rows, WordBlock planes)
    {
        using var stream = streams.Open(5);
        var wordCount = SampleWords.Padded(streams.SampleCount);
        var carrying = SampleWords.Needed(streams.SampleCount);
        var planeBytes = (streams.SampleCount + 7) / 8;
        var words = planes.Words;
        foreach (var row in rows)
        {
            if (row.Kind != RowKind.Plane) continue;
            var plane = words.Slice(row.Start * wordCount, wordCount);
            plane[(carrying - 1)..].Clear();
            stream.Bytes.Slice(row.Start * planeBytes, planeBytes).CopyTo(MemoryMarshal.AsBytes(plane));
            Require((plane[carrying - 1] & ~SampleWords.TailMask(streams.SampleCount)) == 0, "a plane has bits behind the last sample");
            Require(PlaneCount.Members(plane) == row.Length, "a plane does not have as many members as its row says");
        }
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
