using System.Buffers.Binary;
using System.Globalization;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Audit;

/// <summary>
/// The files of a log, N being the number of a bundle of 256 entries, or of a tile of 256 hashes, in twelve digits:
/// <code>
/// lock             empty; whoever appends holds it
/// entries/N        frames, an entry each: a bundle of C2SP tlog-tiles. Only the last one grows.
/// checkpoints/N    frames: a signed checkpoint after each append to bundle N, and behind it an empty frame once it is durable
/// tiles/L-N        hashes of level L, 32 bytes each; the last of each level grows. Made from the entries, and made again where they do not fit;
///                  that of the last bundle is not synced, and says nothing where it is not what the last checkpoint has
/// </code>
/// A frame is two bytes of length, big-endian, and as many bytes. A partial bundle or tile that is served is a prefix of what is here.
/// </summary>
internal sealed class AuditFiles(IStorage storage)
{
    internal const string EntriesFolder = "entries", CheckpointsFolder = "checkpoints", TilesFolder = "tiles", LockName = "lock";

    private const string Unfinished = ".tmp";

    internal IStorage Storage => storage;

    internal static string Entries(long bundle) => string.Create(CultureInfo.InvariantCulture, $"{EntriesFolder}/{bundle:d12}");

    internal static string Checkpoints(long bundle) => string.Create(CultureInfo.InvariantCulture, $"{CheckpointsFolder}/{bundle:d12}");

    internal static string Tile(int level, long tile) => string.Create(CultureInfo.InvariantCulture, $"{TilesFolder}/{level}-{tile:d12}");

    /// <summary>Puts a frame behind what is there.</summary>
    internal static void Frame(List<byte> to, ReadOnlySpan<byte> content)
    {
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, checked((ushort)content.Length));
        to.AddRange(length);
        to.AddRange(content);
    }

    /// <summary>The frames of a file as far as they are whole, and the bytes that they take.</summary>
    internal static (List<ReadOnlyMemory<byte>> Frames, int Bytes) Split(ReadOnlyMemory<byte> file)
    {
        var (frames, at) = (new List<ReadOnlyMemory<byte>>(), 0);
        while (file.Length - at >= 2)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(file.Span[at..]);
            if (file.Length - at - 2 < length) break;
            frames.Add(file.Slice(at + 2, length));
            at += 2 + length;
        }
        return (frames, at);
    }

    /// <summary>Makes what is missing of an empty log; the caller holds the lock.</summary>
    internal void Prepare()
    {
        foreach (var folder in (ReadOnlySpan<string>)[EntriesFolder, CheckpointsFolder, TilesFolder])
            if (storage.Facts(folder) is null) storage.CreateFolder(folder);
        storage.SyncFolder("");
    }

    /// <summary>Number of the last bundle, or -1: entries that were taken away have left their checkpoints. A name that is none of a bundle is passed over.</summary>
    internal long LastBundle()
    {
        var last = -1L;
        foreach (var folder in (ReadOnlySpan<string>)[EntriesFolder, CheckpointsFolder])
        {
            if (storage.Facts(folder) is null) continue;
            foreach (var name in storage.List(folder))
                if (name.Length == 12 && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var bundle)) last = Math.Max(last, bundle);
        }
        return last;
    }

    /// <summary>All of a file; null when there is none.</summary>
    internal byte[]? Read(string name)
    {
        try
        {
            using var file = storage.Open(name);
            var bytes = new byte[file.LengthBytes];
            file.Read(0, bytes);
            return bytes;
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing)
        {
            return null;
        }
    }

    /// <summary>Puts a whole file in the place of whatever has the name; the caller syncs the folder.</summary>
    internal void Put(string name, ReadOnlySpan<byte> content)
    {
        var unfinished = name + Unfinished;
        if (storage.Facts(unfinished) is not null) storage.Delete(unfinished); // left by a stop; the lock is held
        using (var file = storage.Create(unfinished))
        {
            file.Append(content);
            file.Sync();
        }
        storage.Replace(unfinished, name);
    }

    /// <summary>The hashes of a tile, or null; a tail that is no hash is passed over.</summary>
    internal Digest[]? ReadTile(int level, long tile)
    {
        if (Read(Tile(level, tile)) is not { } bytes) return null;
        var hashes = new Digest[Math.Min(bytes.Length / Digest.SizeBytes, TilePath.Width)];
        for (var i = 0; i < hashes.Length; i++) hashes[i] = Digest.Read(bytes.AsSpan(i * Digest.SizeBytes));
        return hashes;
    }

    internal void PutTile(int level, long tile, ReadOnlySpan<Digest> hashes)
    {
        var bytes = new byte[hashes.Length * Digest.SizeBytes];
        for (var i = 0; i < hashes.Length; i++) hashes[i].Write(bytes.AsSpan(i * Digest.SizeBytes));
        Put(Tile(level, tile), bytes);
    }

    /// <summary>Makes the tile of a bundle that grows have the hashes so far, where it has not: a stop may have left less of it, or other bytes.</summary>
    internal void GrowTile(long bundle, ReadOnlySpan<Digest> leaves)
    {
        if (Read(Tile(0, bundle)) is not { } bytes || bytes.Length != leaves.Length * Digest.SizeBytes || !ReadTile(0, bundle).AsSpan().SequenceEqual(leaves)) PutTile(0, bundle, leaves);
    }

    /// <summary>
    /// Writes the tile of a full bundle, and its root behind those of its level; where that fills a tile, the same above. Doing it again
    /// changes nothing.
    /// </summary>
    internal void PutTiles(long bundle, ReadOnlySpan<Digest> leaves)
    {
        PutTile(0, bundle, leaves);
        var (level, number, hash) = (0, bundle, RootOf(leaves));
        while (true)
        {
            level++;
            var (tile, at) = (number / TilePath.Width, (int)(number % TilePath.Width));
            var known = ReadTile(level, tile) ?? [];
            if (known.Length < at) return; // something before it is missing: made again from the entries when it is needed
            PutTile(level, tile, [.. known.AsSpan(0, at), hash]);
            if (at + 1 < TilePath.Width) return;
            (number, hash) = (tile, RootOf([.. known.AsSpan(0, at), hash]));
        }
    }

    internal static Digest RootOf(ReadOnlySpan<Digest> hashes)
    {
        var edge = new MerkleEdge();
        foreach (var hash in hashes) edge.Add(hash);
        return edge.Root();
    }
}
