using Warehouse.Engine.Coding;
using Warehouse.Engine.Sealing;

namespace Warehouse.Engine.Segments;

/// <summary>
/// Writes one segment: the blocks of a panel of samples, all contigs, then the directory. Content of the sealed file:
/// <code>
/// streams of block 0, of block 1, …
/// directory: u8 version: 1, or 2 = packed | samples | ordinals: first, then differences | blocks | block entries (BlockInfo.Write)
/// trailer:   i64 offset of the directory | i32 its length | u32 "WSEG" (little-endian 0x47455357)
/// </code>
/// Disposed without <see cref="Complete"/> it leaves nothing that a manifest names. One thread.
/// </summary>
internal sealed class SegmentWriter(SealedWriter file, IReadOnlyList<int> ordinals, bool packed = false) : IDisposable
{
    /// <summary>Kind byte of segment files.</summary>
    internal const byte FileKind = 1;

    internal const byte Version = 1;

    /// <summary>Version of a segment in which every block has the smaller of the two forms of its genotypes. Readers of version 1 alone refuse it.</summary>
    internal const byte PackedVersion = 2;

    internal const int Magic = 0x47455357;
    internal const int TrailerBytes = 16;
    private readonly List<BlockInfo> _blocks = [];

    public int SampleCount => ordinals.Count;

    /// <summary>Whether genotypes are to be written in the smaller form, which takes longer to write and to read.</summary>
    public bool IsPacked => packed;

    public IReadOnlyList<BlockInfo> Blocks => _blocks;

    /// <summary>Appends a block whose streams start here; <paramref name="describe"/> gets their places.</summary>
    public void Add(IReadOnlyDictionary<BlockStream, byte[]> streams, Func<IReadOnlyDictionary<BlockStream, (long, int)>, BlockInfo> describe)
    {
        var places = new Dictionary<BlockStream, (long, int)>();
        foreach (var (stream, bytes) in streams.OrderBy(s => s.Key))
        {
            places.Add(stream, (file.PositionBytes, bytes.Length));
            file.Write(bytes);
        }
        _blocks.Add(describe(places));
    }

    /// <summary>Writes the directory and seals the file.</summary>
    public FileEntry Complete()
    {
        var to = new ByteWriter(1024);
        to.Byte(packed ? PackedVersion : Version);
        to.Var(ordinals.Count);
        var before = 0;
        foreach (var ordinal in ordinals)
        {
            to.Var(ordinal - before);
            before = ordinal;
        }
        to.Var(_blocks.Count);
        foreach (var block in _blocks) block.Write(to);
        var (offset, length) = (file.PositionBytes, to.Length);
        to.Int64(offset);
        to.Int32(length);
        to.Int32(Magic);
        file.Write(to.Written);
        return file.Complete();
    }

    public void Dispose() => file.Dispose();
}
