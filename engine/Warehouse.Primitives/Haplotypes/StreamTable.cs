using System.Buffers;
using System.Buffers.Binary;

namespace Warehouse.Primitives;

/// <summary>
/// Several byte streams behind one table: for each u32 packed bytes, u32 raw bytes; then the streams, nothing between or behind. Equal:
/// stored; packed less than raw: one zstd frame. Little endian.
/// </summary>
internal static class StreamTable
{
    /// <summary>Streams below this are stored: a frame costs more than it saves.</summary>
    private const int MinPackedBytes = 64;

    /// <summary>zstd makes at most 128 KiB of 4 bytes; more is a lie, and refused before memory is taken for it.</summary>
    private const int MaxExpansion = 1 << 16;

    /// <summary>Bytes of the table.</summary>
    public static int TableBytes(int streams) => streams * 8;

    /// <summary>The header, the table and the streams as one array.</summary>
    public static byte[] Pack(ReadOnlySpan<byte> header, ReadOnlyMemory<byte>[] streams)
    {
        var table = header.Length;
        var at = table + TableBytes(streams.Length);
        var whole = new byte[streams.Aggregate((long)at, (sum, stream) => sum + Zstd.MaxCompressedLength(stream.Length))];
        header.CopyTo(whole);
        foreach (var stream in streams)
        {
            var packed = stream.Length >= MinPackedBytes ? Zstd.Compress(stream.Span, whole.AsSpan(at), level: 1) : stream.Length;
            if (packed >= stream.Length)
            {
                packed = stream.Length;
                stream.Span.CopyTo(whole.AsSpan(at));
            }
            BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(table), packed);
            BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(table + 4), stream.Length);
            at += packed;
            table += 8;
        }
        return whole.AsSpan(0, at).ToArray();
    }

    /// <summary>Unpacks all streams, one after the other, into one rented array with slack behind.</summary>
    /// <param name="encoded">The whole, header included.</param>
    /// <param name="headerBytes">Where the table begins.</param>
    /// <param name="slackBytes">Bytes of anything behind the last stream.</param>
    /// <param name="starts">Gets where each stream begins, and last where the last one ends.</param>
    /// <returns>A rented array; the caller returns it.</returns>
    /// <exception cref="InvalidDataException">The table does not fit the bytes, or a stream is damaged; nothing stays rented.</exception>
    public static byte[] Unpack(ReadOnlySpan<byte> encoded, int headerBytes, int slackBytes, Span<int> starts)
    {
        var streams = starts.Length - 1;
        var (packedAt, raw) = ((long)headerBytes + TableBytes(streams), 0L);
        Require(encoded.Length >= packedAt, "shorter than its table");
        for (var i = 0; i < streams; i++)
        {
            var (packed, rawHere) = Entry(encoded, headerBytes, i);
            Require(packed >= 0 && packed <= rawHere, "a stream's length is out of range");
            Require(rawHere <= (long)packed * MaxExpansion, "a stream claims more than it can hold");
            starts[i] = (int)raw;
            packedAt += packed;
            raw += rawHere;
            Require(raw <= Array.MaxLength - slackBytes - 64, "the streams claim more than memory can hold");
        }
        starts[streams] = (int)raw;
        Require(packedAt == encoded.Length, "the streams do not fill the whole");
        var rented = ArrayPool<byte>.Shared.Rent((int)raw + slackBytes);
        try
        {
            UnpackInto(encoded, headerBytes, starts, rented);
            return rented;
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(rented);
            throw;
        }
    }

    private static void UnpackInto(ReadOnlySpan<byte> encoded, int headerBytes, ReadOnlySpan<int> starts, byte[] to)
    {
        var at = headerBytes + TableBytes(starts.Length - 1);
        for (var i = 0; i < starts.Length - 1; i++)
        {
            var (packed, raw) = Entry(encoded, headerBytes, i);
            if (packed == raw) encoded.Slice(at, packed).CopyTo(to.AsSpan(starts[i]));
            else Zstd.Decompress(encoded.Slice(at, packed), to.AsSpan(starts[i], raw));
            at += packed;
        }
    }

    private static (int Packed, int Raw) Entry(ReadOnlySpan<byte> encoded, int headerBytes, int stream) =>
        (BinaryPrimitives.ReadInt32LittleEndian(encoded[(headerBytes + stream * 8)..]), BinaryPrimitives.ReadInt32LittleEndian(encoded[(headerBytes + stream * 8 + 4)..]));

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new InvalidDataException($"haplotype column: {otherwise}");
    }
}
