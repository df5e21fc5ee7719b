using System.Buffers.Binary;
using System.Security.Cryptography;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// The key that wraps the data keys, a file of the key folder. A folder or file that others may read is refused. Thread-safe.
/// <code>
///  0   8  magic "WHMASTER"
///  8   4  format version, 1
/// 12   4  id of this key
/// 16  32  the key
/// 48  32  SHA-256 of bytes 0 to 47
/// </code>
/// Integers are little-endian. A data key is stored as AES-KWP (RFC 5649) of the 32 key bytes and the 16 bytes of its file id: a
/// wrap moved to another file does not open.
/// </summary>
internal sealed class MasterKey : IDisposable
{
    internal const int WrappedBytes = 56;

    private const int LengthBytes = 80, KeyAt = 16, SumAt = 48, PartBytes = 8;

    /// <summary>What an unwrapped key begins with (RFC 5649, 3): the mark, and the 48 bytes that follow.</summary>
    private const ulong Whole = 0xA65959A6_00000030;

    private readonly Aes _aes;
    private readonly ICryptoTransform _unwrap;
    private readonly Lock _gate = new();

    private MasterKey(ReadOnlySpan<byte> file)
    {
        Id = BinaryPrimitives.ReadUInt32LittleEndian(file[12..]);
        var key = file.Slice(KeyAt, 32).ToArray();
        _aes = Aes.Create();
        _aes.Key = key;
        (_aes.Mode, _aes.Padding) = (CipherMode.ECB, PaddingMode.None);
        _unwrap = _aes.CreateDecryptor();
        MacKey = HKDF.Expand(HashAlgorithmName.SHA256, key, 32, "warehouse key folder"u8.ToArray());
        CryptographicOperations.ZeroMemory(key);
    }

    internal uint Id { get; }

    /// <summary>Key of the checksums of the key table and the acknowledgement.</summary>
    internal byte[] MacKey { get; }

    private static ReadOnlySpan<byte> Magic => "WHMASTER"u8;

    internal static string NameOf(uint id) => $"master-{id:d8}";

    /// <summary>Makes a new random key and writes it, content synced; the caller syncs the folder.</summary>
    internal static MasterKey Create(IStorage keys, uint id)
    {
        Span<byte> bytes = stackalloc byte[LengthBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], id);
        RandomNumberGenerator.Fill(bytes.Slice(KeyAt, 32));
        SHA256.HashData(bytes[..SumAt], bytes[SumAt..]);
        using var file = keys.Create(NameOf(id));
        file.Append(bytes);
        file.Sync();
        var key = new MasterKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    /// <summary>Reads a key; refuses one that others may read.</summary>
    internal static MasterKey Load(IStorage keys, uint id)
    {
        var name = NameOf(id);
        var facts = keys.Facts(name) ?? throw new DamagedStoreException(name, "is missing") { IsMissing = true };
        if (!facts.IsPrivate) throw new StoreRefusedException($"{name} in the key folder is open to others; its mode must be 0600");
        if (facts.LengthBytes != LengthBytes) throw new DamagedStoreException(name, "has a wrong length");
        Span<byte> bytes = stackalloc byte[LengthBytes];
        Span<byte> sum = stackalloc byte[32];
        using (var file = keys.Open(name)) file.Read(0, bytes);
        SHA256.HashData(bytes[..SumAt], sum);
        if (!bytes.StartsWith(Magic) || !sum.SequenceEqual(bytes[SumAt..])) throw new DamagedStoreException(name, "is not what was written");
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != 1) throw new StoreRefusedException($"{name} has a format that this program does not know");
        var key = new MasterKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key.Id == id ? key : throw new DamagedStoreException(name, "is another key");
    }

    internal byte[] Wrap(FileKey key, FileId file)
    {
        var plain = new byte[FileKey.SizeBytes + FileId.SizeBytes];
        key.Data.CopyTo(plain);
        file.Write(plain.AsSpan(FileKey.SizeBytes));
        lock (_gate)
        {
            var wrapped = _aes.EncryptKeyWrapPadded(plain);
            CryptographicOperations.ZeroMemory(plain);
            return wrapped;
        }
    }

    /// <summary>The key of a file, or null when the wrap is not one of this file under this key.</summary>
    /// <remarks>
    /// The inverse of RFC 3394, 2.2.2, over one decryptor: Aes.DecryptKeyWrapPadded, with which tests compare it, makes one for each of its 36 blocks and takes
    /// 93 us in place of 12. Every file that is opened is unwrapped first.
    /// </remarks>
    internal FileKey? Unwrap(byte[] wrapped, FileId file)
    {
        if (wrapped.Length != WrappedBytes) return null;
        var (text, block) = (wrapped.AsSpan(PartBytes).ToArray(), new byte[2 * PartBytes]);
        wrapped.AsSpan(0, PartBytes).CopyTo(block);
        var step = 6 * (text.Length / PartBytes);
        lock (_gate)
        {
            for (; step > 0; step--)
            {
                var part = text.AsSpan((step - 1) % (text.Length / PartBytes) * PartBytes, PartBytes);
                BinaryPrimitives.WriteUInt64BigEndian(block, BinaryPrimitives.ReadUInt64BigEndian(block) ^ (ulong)step);
                part.CopyTo(block.AsSpan(PartBytes));
                _unwrap.TransformBlock(block, 0, block.Length, block, 0);
                block.AsSpan(PartBytes).CopyTo(part);
            }
        }
        var isHis = BinaryPrimitives.ReadUInt64BigEndian(block) == Whole && FileId.Read(text.AsSpan(FileKey.SizeBytes)) == file;
        var key = isHis ? new FileKey(text.AsSpan(0, FileKey.SizeBytes)) : null;
        CryptographicOperations.ZeroMemory(text);
        CryptographicOperations.ZeroMemory(block);
        return key;
    }

    public void Dispose()
    {
        _unwrap.Dispose();
        _aes.Dispose();
        CryptographicOperations.ZeroMemory(MacKey);
    }
}
