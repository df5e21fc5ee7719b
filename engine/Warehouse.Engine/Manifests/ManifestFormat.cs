using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Manifests;

/// <summary>
/// The root of a version: the sealed file <c>m/</c> and its version in 20 decimal digits. Its content:
/// <code>
///  0   8  magic "WHMANIF1"
///  8   8  version
/// 16  16  store id (big-endian)
/// 32   8  time, UTC, in units of 100 ns since 0001-01-01
/// 40  32  SHA-256 of the sealed manifest of the version before; zero for version 1
/// 72   4  number p of parts, at most 16,384
/// 76   4  number l of file lists, at most 131,072
/// 80      p parts, by name in ordinal order: 1 byte length of the name, the name (ASCII), a FileEntry of 72 bytes
///         l file lists, in order: a FileEntry each
/// </code>
/// Integers are little-endian. I7: the versions form a chain of digests, whose last link the acknowledgement names.
/// </summary>
internal static class ManifestFormat
{
    internal const string Folder = "m";
    internal const int MaxParts = 1 << 14, MaxLists = 1 << 17, MaxPartNameBytes = 64;

    /// <summary>Largest part; also bounds every file that is read as a whole.</summary>
    internal const int MaxPartBytes = 1 << 28;

    internal const int FixedBytes = 80;

    private static ReadOnlySpan<byte> Magic => "WHMANIF1"u8;

    internal static string NameOf(long version) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{version:d20}");

    /// <summary>The version that a name in the manifest folder stands for; 0 for none.</summary>
    internal static long VersionOf(string name) =>
        name.Length == 20 && name.All(char.IsAsciiDigit) && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;

    internal static byte[] Encode(Manifest manifest, FileId storeId)
    {
        var parts = new List<string>(manifest.Parts.Keys);
        parts.Sort(StringComparer.Ordinal);
        var lists = manifest.Files.Chunks;
        if (parts.Count > MaxParts || lists.Count > MaxLists) throw new StoreRefusedException($"a version holds at most {MaxParts} parts and {MaxLists} file lists");
        var bytes = new byte[FixedBytes + parts.Sum(name => 1 + name.Length + FileEntry.SizeBytes) + lists.Count * FileEntry.SizeBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), manifest.Version);
        storeId.Write(bytes.AsSpan(16));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), manifest.CreatedUtc.UtcTicks);
        manifest.PreviousSha256.Write(bytes.AsSpan(40));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(72), parts.Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(76), lists.Count);
        var at = FixedBytes;
        foreach (var name in parts)
        {
            bytes[at++] = (byte)name.Length;
            at += Encoding.ASCII.GetBytes(name, bytes.AsSpan(at));
            manifest.Parts[name].Write(bytes.AsSpan(at));
            at += FileEntry.SizeBytes;
        }
        foreach (var list in lists)
        {
            list.ListFile.Write(bytes.AsSpan(at));
            at += FileEntry.SizeBytes;
        }
        return bytes;
    }

    /// <summary>Reads and checks a version, its root and its lists.</summary>
    internal static Manifest Load(IStorage storage, KeyFolder keys, long version)
    {
        var (root, lists) = LoadRoot(storage, keys, version);
        return root with { Files = FileList.Load(storage, keys, lists) };
    }

    /// <summary>Reads and checks the root alone; its lists may be gone when newer versions exist.</summary>
    internal static (Manifest Root, FileEntry[] Lists) LoadRoot(IStorage storage, KeyFolder keys, long version)
    {
        var name = NameOf(version);
        using var reader = SealedReader.Open(storage, name, keys, out var header);
        if (header.Kind != SealedFormat.ManifestKind || reader.LengthBytes is < FixedBytes or > MaxPartBytes) throw new DamagedStoreException(name, "is not a manifest");
        var bytes = new byte[reader.LengthBytes];
        reader.Read(0, bytes);
        return Decode(bytes, version, keys.Promised.StoreId, Sha256Of(storage, name));
    }

    /// <summary>Digest of a sealed file as it lies on disk.</summary>
    internal static Digest Sha256Of(IStorage storage, string name)
    {
        using var file = storage.Open(name);
        if (file.LengthBytes > 2L * MaxPartBytes) throw new DamagedStoreException(name, "is too long");
        var bytes = new byte[file.LengthBytes];
        file.Read(0, bytes);
        return Digest.Of(bytes);
    }

    /// <summary>Reads a small sealed file whole and checks its digest too.</summary>
    internal static byte[] ReadWhole(IStorage storage, FileEntry entry, KeyFolder keys)
    {
        if (entry.ContentBytes is < 0 or > MaxPartBytes) throw new DamagedStoreException(entry.Name, "is too long to be read as a whole");
        using var reader = SealedReader.Open(storage, entry, keys);
        var bytes = new byte[entry.ContentBytes];
        reader.Read(0, bytes);
        if (Digest.Of(bytes) != entry.ContentSha256) throw new DamagedStoreException(entry.Name, "its content is not the one in the manifest");
        return bytes;
    }

    /// <summary>Versions in the folder, rising.</summary>
    internal static IReadOnlyList<long> Versions(IStorage storage)
    {
        try
        {
            var versions = new List<long>();
            foreach (var name in storage.List(Folder))
                if (VersionOf(name) is > 0 and var version) versions.Add(version);
            return versions;
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing)
        {
            throw new DamagedStoreException(Folder, "is missing", e) { IsMissing = true };
        }
    }

    internal static (Manifest Root, FileEntry[] Lists) Decode(byte[] bytes, long version, FileId storeId, Digest sha256)
    {
        var name = NameOf(version);
        var partCount = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(72));
        var listCount = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(76));
        if (!bytes.AsSpan().StartsWith(Magic) || FileId.Read(bytes.AsSpan(16)) != storeId || partCount > MaxParts || listCount > MaxLists) throw new DamagedStoreException(name, "is not a manifest of this store");
        if (BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)) != version) throw new DamagedStoreException(name, "is the manifest of another version");
        var ticks = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(32));
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) throw new DamagedStoreException(name, "its time cannot be");
        var parts = new SortedDictionary<string, FileEntry>(StringComparer.Ordinal);
        var at = FixedBytes;
        for (var i = 0; i < partCount; i++)
        {
            if (at == bytes.Length || at + 1 + bytes[at] + FileEntry.SizeBytes > bytes.Length) throw new DamagedStoreException(name, "its length does not fit");
            var part = Encoding.ASCII.GetString(bytes, at + 1, bytes[at]);
            at += 1 + bytes[at];
            if (!parts.TryAdd(part, FileEntry.Read(bytes.AsSpan(at)))) throw new DamagedStoreException(name, "names a part twice");
            at += FileEntry.SizeBytes;
        }
        if (bytes.Length - at != listCount * FileEntry.SizeBytes) throw new DamagedStoreException(name, "its length does not fit");
        var lists = new FileEntry[listCount];
        for (var i = 0; i < lists.Length; i++) lists[i] = FileEntry.Read(bytes.AsSpan(at + i * FileEntry.SizeBytes));
        var root = new Manifest(
            version,
            Digest.Read(bytes.AsSpan(40)),
            new DateTimeOffset(ticks, TimeSpan.Zero),
            parts,
            FileList.Empty)
        {
            Sha256 = sha256,
        };
        return (root, lists);
    }
}
