using System.Buffers.Binary;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Segments;

/// <summary>A sealed segment opened for reading: ordinals of its samples and directory of its blocks. Any thread.</summary>
internal sealed class Segment : IDisposable
{
    /// <summary>Largest directory accepted: 256 MiB.</summary>
    private const int MaxDirectoryBytes = 256 << 20;

    private readonly SealedReader _file;

    private readonly SegmentPool? _pool;

    private Segment(SealedReader file, int[] ordinals, BlockInfo[] blocks, bool packed, SegmentPool? pool) => (_file, Ordinals, Blocks, IsPacked, _pool) = (file, ordinals, blocks, packed, pool);

    /// <summary>Ordinal of each local sample, ascending.</summary>
    public int[] Ordinals { get; }

    public BlockInfo[] Blocks { get; }

    /// <summary>Name of the file in the store.</summary>
    public string File => _file.Name;

    /// <summary>Whether its writer chose the smaller form of the genotypes, block by block: nothing is to be won by writing it again.</summary>
    public bool IsPacked { get; }

    /// <summary>Opens a segment and reads its directory.</summary>
    /// <param name="file">The sealed file; the segment closes it.</param>
    /// <param name="pool">Keeps the blocks of the segment; null = each block asked for is a new one.</param>
    /// <exception cref="InvalidDataException">The content is not a segment.</exception>
    public static Segment Open(SealedReader file, SegmentPool? pool = null)
    {
        if (file.LengthBytes < SegmentWriter.TrailerBytes) throw new InvalidDataException("a segment is too short");
        Span<byte> trailer = stackalloc byte[SegmentWriter.TrailerBytes];
        file.Read(file.LengthBytes - trailer.Length, trailer);
        var (offset, length) = (BinaryPrimitives.ReadInt64LittleEndian(trailer), BinaryPrimitives.ReadInt32LittleEndian(trailer[8..]));
        if (BinaryPrimitives.ReadInt32LittleEndian(trailer[12..]) != SegmentWriter.Magic || length is < 0 or > MaxDirectoryBytes
            || offset < 0 || offset + length + trailer.Length != file.LengthBytes) throw new InvalidDataException("a segment has no directory where its end says");
        var directory = new byte[length];
        file.Read(offset, directory);
        var from = new ByteReader(directory);
        var version = from.Byte();
        if (version is not (SegmentWriter.Version or SegmentWriter.PackedVersion)) throw new InvalidDataException("a segment has an unknown version");
        var ordinals = new int[from.Count(length)];
        for (var (i, before) = (0, 0); i < ordinals.Length; i++) ordinals[i] = before = ByteReader.Sum(before, from.Count());
        var blocks = new BlockInfo[from.Count(length)];
        for (var i = 0; i < blocks.Length; i++) blocks[i] = BlockInfo.Read(ref from, offset);
        from.End();
        return new Segment(file, ordinals, blocks, version == SegmentWriter.PackedVersion, pool);
    }

    /// <summary>A block of the directory; of a segment in a pool the one that the pool keeps.</summary>
    public Block BlockOf(BlockInfo info) => _pool?.BlockOf(this, info) ?? new Block(this, info);

    /// <summary>Notes that a block holds more decoded bytes than before.</summary>
    internal void Grew(BlockInfo info, long bytes) => _pool?.Grew(info, bytes);

    /// <summary>Decodes a sites stream, or finds an equal one; a table found costs no memory.</summary>
    internal (SiteTable Table, long MemoryBytes) DecodeSites(ReadOnlySpan<byte> packed)
    {
        var (table, isNew) = _pool?.Sites(packed) ?? (SegmentPool.DecodeSites(packed), true);
        return (table, isNew ? table.MemoryBytes : 0);
    }

    /// <summary>Reads a stream of a block as stored; null when the block has none.</summary>
    public byte[]? Read(BlockInfo block, BlockStream stream)
    {
        if (!block.Streams.TryGetValue(stream, out var place)) return null;
        var bytes = new byte[place.Length];
        _file.Read(place.Offset, bytes);
        return bytes;
    }

    /// <summary>Reads a stream of a block as stored into a buffer, which grows as needed; empty when the block has none.</summary>
    /// <returns>The part of the buffer that was filled.</returns>
    public ReadOnlySpan<byte> Read(BlockInfo block, BlockStream stream, ref byte[] buffer)
    {
        if (!block.Streams.TryGetValue(stream, out var place)) return [];
        if (buffer.Length < place.Length) buffer = new byte[Math.Max(place.Length, 2 * buffer.Length)];
        var bytes = buffer.AsSpan(0, place.Length);
        _file.Read(place.Offset, bytes);
        return bytes;
    }

    public void Dispose() => _file.Dispose();
}
