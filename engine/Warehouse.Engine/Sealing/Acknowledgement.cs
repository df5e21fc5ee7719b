using System.Buffers.Binary;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// What was last promised, a file of the key folder replaced as a whole: I1 and I7 are checked against it. A store whose newest
/// manifest is older, or another one of the same version, was rolled back; a key table that is shorter lost keys.
/// <code>
///   0   8  magic "WHACKNOW"
///   8   4  format version, 1
///  12   4  master key id
///  16  16  store id (big-endian)
///  32  32  SHA-256 of the store's identity file
///  64   8  generation of the key table
///  72   8  length of the key table
///  80  32  chain value of the table's record that ends there
/// 112   8  manifest version
/// 120  32  SHA-256 of that sealed manifest file
/// 152  32  HMAC-SHA256 of bytes 0 to 151 under the key "warehouse key folder" of the master key
/// </code>
/// Integers are little-endian.
/// </summary>
internal sealed record Acknowledgement
{
    internal const string Name = "acknowledged";

    private const int LengthBytes = 184, MacAt = 152, Attempts = 100;

    internal required uint MasterKeyId { get; init; }

    internal required FileId StoreId { get; init; }

    internal required Digest IdentitySha256 { get; init; }

    internal required ulong TableGeneration { get; init; }

    internal required long TableBytes { get; init; }

    internal required Digest TableChain { get; init; }

    internal required long ManifestVersion { get; init; }

    internal required Digest ManifestSha256 { get; init; }

    private static ReadOnlySpan<byte> Magic => "WHACKNOW"u8;

    /// <summary>Writes the record under a name of its own, its content durable: all that can fail for want of space. <see cref="Publish"/> makes it the one that counts.</summary>
    /// <returns>The name.</returns>
    internal string Write(IStorage keys, MasterKey master)
    {
        var bytes = new byte[LengthBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), MasterKeyId);
        StoreId.Write(bytes.AsSpan(16));
        IdentitySha256.Write(bytes.AsSpan(32));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(64), TableGeneration);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(72), TableBytes);
        TableChain.Write(bytes.AsSpan(80));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(112), ManifestVersion);
        ManifestSha256.Write(bytes.AsSpan(120));
        HMACSHA256.HashData(master.MacKey, bytes.AsSpan(0, MacAt), bytes.AsSpan(MacAt));

        // A random name: a writer that lost its lease without knowing it must not find this record under the name of its own.
        var unfinished = $"{Name}-{FileId.New()}{SealedFormat.Unfinished}";
        using var file = keys.Create(unfinished);
        try
        {
            file.Append(bytes);
            file.Sync();
            return unfinished;
        }
        catch (DurableException)
        {
            keys.Delete(unfinished);
            throw;
        }
    }

    /// <summary>Replaces the record by one that was written; durable on return.</summary>
    internal static void Publish(IStorage keys, string unfinished)
    {
        keys.Replace(unfinished, Name);
        keys.SyncFolder("");
    }

    /// <summary>Reads the record and the master key that it names, and checks it. A key that is rotated away meanwhile is waited out by reading again.</summary>
    internal static (Acknowledgement Record, MasterKey Master) Read(IStorage keys)
    {
        for (var attempt = 1; ; attempt++)
        {
            var bytes = ReadBytes(keys);
            try
            {
                return Parse(keys, bytes);
            }
            catch (IOException e) when (attempt < Attempts && e is DamagedStoreException { IsMissing: true } or DurableException { Errno: DurableException.Missing } && !ReadBytes(keys).AsSpan().SequenceEqual(bytes))
            {
                // The record that stands there now names another key.
            }
        }
    }

    private static (Acknowledgement Record, MasterKey Master) Parse(IStorage keys, byte[] bytes)
    {
        if (!bytes.AsSpan().StartsWith(Magic)) throw new DamagedStoreException(Name, "is not what was written");
        var record = new Acknowledgement
        {
            MasterKeyId = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12)),
            StoreId = FileId.Read(bytes.AsSpan(16)),
            IdentitySha256 = Digest.Read(bytes.AsSpan(32)),
            TableGeneration = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(64)),
            TableBytes = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(72)),
            TableChain = Digest.Read(bytes.AsSpan(80)),
            ManifestVersion = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(112)),
            ManifestSha256 = Digest.Read(bytes.AsSpan(120)),
        };
        // A changed key id names no key, or one that does not fit the checksum: either way the record is not believed.
        var master = MasterKey.Load(keys, record.MasterKeyId);
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(master.MacKey, bytes.AsSpan(0, MacAt), mac);
        if (CryptographicOperations.FixedTimeEquals(mac, bytes.AsSpan(MacAt)))
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(8)) == 1) return (record, master);
            master.Dispose();
            throw new StoreRefusedException($"{Name} has a format that this program does not know");
        }
        master.Dispose();
        throw new DamagedStoreException(Name, "is not what was written");
    }

    private static byte[] ReadBytes(IStorage keys)
    {
        try
        {
            using var file = keys.Open(Name);
            if (file.LengthBytes != LengthBytes) throw new DamagedStoreException(Name, "has a wrong length");
            var bytes = new byte[LengthBytes];
            file.Read(0, bytes);
            return bytes;
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing)
        {
            throw new DamagedStoreException(Name, "is missing: not a key folder, or the store was never finished", e) { IsMissing = true };
        }
    }
}
