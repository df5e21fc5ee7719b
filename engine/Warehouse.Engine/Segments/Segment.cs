using System.Buffers.Binary;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Segments;

/// <summary>A sealed segment opened for reading: ordinals of its samples and directory of its blocks. Any thread; blocks are views of one thread.</summary>
internal sealed class Segment : IDisposable
{
    /// <summary>Largest directory accepted: 256 MiB.</summary>
    private const int MaxDirectoryBytes = 256 << 20;

    private readonly SealedReader _file;

    private Segment(SealedReader file, int[] ordinals, BlockInfo[] blocks) => (_file, Ordinals, Blocks) = (file, ordinals, blocks);

    /// <summary>Ordinal of each local sample, ascending.</summary>
    public int[] Ordinals { get; }

    public BlockInfo[] Blocks { get; }

    /// <summary>Opens a segment and reads its directory.</summary>
    /// <exception cref="InvalidDataException">The content is not a segment.</exception>
    public static Segment Open(SealedReader file)
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
        if (from.Byte() != SegmentWriter.Version) throw new InvalidDataException("a segment has an unknown version");
        var ordinals = new int[from.Count(length)];
        for (var (i, before) = (0, 0); i < ordinals.Length; i++) ordinals[i] = before = checked(before + from.Count());
        var blocks = new BlockInfo[from.Count(length)];
        for (var i = 0; i < blocks.Length; i++) blocks[i] = BlockInfo.Read(ref from, offset);
        from.End();
        return new Segment(file, ordinals, blocks);
    }

    /// <summary>Reads a stream of a block as stored; null when the block has none.</summary>
    public byte[]? Read(BlockInfo block, BlockStream stream)
    {
        if (!block.Streams.TryGetValue(stream, out var place)) return null;
        var bytes = new byte[place.Length];
        _file.Read(place.Offset, bytes);
        return bytes;
    }

    public void Dispose() => _file.Dispose();
}
