using Warehouse.Engine.Coding;
using Warehouse.Primitives;

namespace Warehouse.Engine.Segments;

/// <summary>The streams of a block; the numbers are part of the format and are never reused.</summary>
internal enum BlockStream : byte
{
    /// <summary>Records and allele rows: <see cref="SiteTableCodec"/>.</summary>
    Sites = 0,

    /// <summary>Row sets: two called alleles or more, this one and another.</summary>
    Het = 1,

    /// <summary>Row sets: every called allele is this one (also haploid calls of it).</summary>
    Hom = 2,

    /// <summary>Record sets: nothing called.</summary>
    Missing = 3,

    /// <summary>Record sets: written haploid.</summary>
    Haploid = 4,

    /// <summary>Record sets: the sample's files do not have this record (merged segments).</summary>
    Absent = 5,

    /// <summary>Record sets: the call, if there is one, fails --adj.</summary>
    AdjFail = 6,

    /// <summary>Record sets: written with <c>|</c>, for records flagged mixed.</summary>
    Phased = 7,

    /// <summary>One bit per heterozygous call: the first allele index is the larger.</summary>
    Swapped = 8,

    /// <summary>Calls that are neither plainly haploid nor plainly diploid.</summary>
    Exceptions = 9,

    /// <summary>Reference evidence per sample: <see cref="EvidenceTable"/>.</summary>
    Evidence = 10,

    /// <summary>GQ, DP, AD of carriers.</summary>
    Detail = 11,

    /// <summary>ID column, when any is set.</summary>
    Ids = 12,

    /// <summary>Rows of which a panel lost its last carrier by compaction: count; per entry row, first ordinal of the panel.</summary>
    Lost = 13,

    /// <summary>Het, hom and swapped together, in place of those three: <see cref="HaplotypeColumns"/>. Only in packed segments.</summary>
    Haplotypes = 14,

    /// <summary>Missing in its second form, in place of the first: <see cref="SampleGaps"/>. Only in packed segments.</summary>
    MissingGaps = 15,
}

/// <summary>
/// Packs a stream: u8 codec (0 stored, 1 zstd level 1), LEB128 raw length, bytes. Set columns have a codec of their own inside and are stored.
/// </summary>
internal static class PackedStream
{
    private const byte Stored = 0;
    private const byte Zstandard = 1;

    /// <summary>zstd makes at most 128 KiB of 4 bytes; more is a lie, and refused before memory is taken for it.</summary>
    private const long MaxExpansion = 1 << 16;

    /// <summary>Largest raw stream that a reader accepts: 1 GiB.</summary>
    public const int MaxRawBytes = 1 << 30;

    public static byte[] Pack(ReadOnlySpan<byte> raw)
    {
        var to = new ByteWriter(raw.Length / 2 + 32);
        if (raw.Length >= 64)
        {
            var packed = new byte[Zstd.MaxCompressedLength(raw.Length)];
            var length = Zstd.Compress(raw, packed, 1);
            if (length < raw.Length)
            {
                to.Byte(Zstandard);
                to.Var(raw.Length);
                to.Raw(packed.AsSpan(0, length));
                return to.ToArray();
            }
        }
        to.Byte(Stored);
        to.Var(raw.Length);
        to.Raw(raw);
        return to.ToArray();
    }

    /// <summary>The same into a buffer that is used again and again; it grows as needed.</summary>
    /// <returns>The part of the buffer that was filled.</returns>
    public static ReadOnlySpan<byte> Pack(ReadOnlySpan<byte> raw, ref byte[] buffer)
    {
        const int mostHead = 11;
        var most = checked(mostHead + Zstd.MaxCompressedLength(raw.Length));
        if (buffer.Length < most) buffer = new byte[Math.Max(most, 2 * buffer.Length)];
        var head = new ByteWriter(mostHead);
        head.Byte(Zstandard);
        head.Var(raw.Length);
        var length = raw.Length < 64 ? raw.Length : Zstd.Compress(raw, buffer.AsSpan(head.Length), 1);
        head.Written.CopyTo(buffer);
        if (length < raw.Length) return buffer.AsSpan(0, head.Length + length);
        buffer[0] = Stored;
        raw.CopyTo(buffer.AsSpan(head.Length));
        return buffer.AsSpan(0, head.Length + raw.Length);
    }

    /// <summary>Unpacks a whole stream.</summary>
    /// <exception cref="InvalidDataException">Unknown codec or lengths that disagree.</exception>
    public static byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        var raw = new byte[RawLength(packed)];
        Unpack(packed, raw);
        return raw;
    }

    /// <summary>Length of a stream when unpacked.</summary>
    /// <exception cref="InvalidDataException">More than its bytes can hold.</exception>
    public static int RawLength(ReadOnlySpan<byte> packed)
    {
        var from = new ByteReader(packed);
        var codec = from.Byte();
        var length = from.Count(MaxRawBytes);
        return length <= from.Remaining * (codec == Zstandard ? MaxExpansion : 1) ? length : throw new InvalidDataException("a stream claims more than it can hold");
    }

    /// <summary>Unpacks a whole stream into a buffer of at least <see cref="RawLength"/>.</summary>
    /// <returns>The part of the buffer that was filled.</returns>
    public static ReadOnlySpan<byte> Unpack(ReadOnlySpan<byte> packed, Span<byte> buffer)
    {
        var from = new ByteReader(packed);
        var codec = from.Byte();
        var raw = buffer[..from.Count(MaxRawBytes)];
        var rest = from.Raw(from.Remaining);
        if (codec == Zstandard) Zstd.Decompress(rest, raw);
        else if (codec != Stored) throw new InvalidDataException("a stream has an unknown codec");
        else if (rest.Length != raw.Length) throw new InvalidDataException("a stored stream has the wrong length");
        else rest.CopyTo(raw);
        return raw;
    }
}
