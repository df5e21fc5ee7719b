using System.Buffers.Binary;
using System.Security.Cryptography;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Events;

/// <summary>
/// How far the event log was promised: a file of the key folder, replaced as a whole after each append. A log that is shorter, or another one, was
/// rolled back (I7). Integers little-endian:
/// <code>
///  0   8  magic "WHEVHEAD"
///  8   4  format version, 1
/// 12   4  zero
/// 16   8  number of the last event, 0 before the first
/// 24  32  chain behind it
/// 56  32  HMAC-SHA256 of bytes 0 to 55
/// </code>
/// </summary>
internal readonly record struct EventHead(long Number, Digest Chain)
{
    private const int LengthBytes = 88, MacAt = 56, Attempts = 100;

    private static ReadOnlySpan<byte> Magic => "WHEVHEAD"u8;

    /// <summary>The head; null when no log was ever begun.</summary>
    internal static EventHead? Read(IStorage keys, EventKeys secret)
    {
        if (keys.Facts(KeyFolder.EventHead) is null) return null;
        Span<byte> bytes = stackalloc byte[LengthBytes];
        Span<byte> mac = stackalloc byte[Digest.SizeBytes];
        using (var file = keys.Open(KeyFolder.EventHead))
        {
            if (file.LengthBytes != LengthBytes) throw new DamagedStoreException(KeyFolder.EventHead, "has a wrong length");
            file.Read(0, bytes);
        }
        HMACSHA256.HashData(secret.Mac, bytes[..MacAt], mac);
        if (!bytes.StartsWith(Magic) || !CryptographicOperations.FixedTimeEquals(mac, bytes[MacAt..])) throw new DamagedStoreException(KeyFolder.EventHead, "is not what was written");
        if (bytes[8] != 1) throw new StoreRefusedException($"{KeyFolder.EventHead} has a format that this program does not know");
        return new EventHead(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), Digest.Read(bytes[24..]));
    }

    /// <summary>Puts this in the place of what was promised before; durable on return. A writer of the store may take the unfinished file for the leftover of a stop: then it is written again.</summary>
    /// <param name="keys">The key folder.</param>
    /// <param name="secret">Keys of the log.</param>
    /// <param name="isFirst">Where another process was first, its head stands.</param>
    internal void Write(IStorage keys, EventKeys secret, bool isFirst = false)
    {
        Span<byte> bytes = stackalloc byte[LengthBytes];
        Magic.CopyTo(bytes);
        bytes[8] = 1;
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], Number);
        Chain.Write(bytes[24..]);
        HMACSHA256.HashData(secret.Mac, bytes[..MacAt], bytes[MacAt..]);
        for (var attempt = 1; !TryPublish(keys, bytes, isFirst, attempt == Attempts); attempt++) { }
        keys.SyncFolder("");
    }

    private static bool TryPublish(IStorage keys, ReadOnlySpan<byte> bytes, bool isFirst, bool isLast)
    {
        var unfinished = $"{KeyFolder.EventHead}-{FileId.New()}{SealedFormat.Unfinished}";
        using (var file = keys.Create(unfinished))
        {
            try
            {
                file.Append(bytes);
                file.Sync();
            }
            catch (DurableException) when (!keys.IsPoisoned)
            {
                keys.Delete(unfinished);
                throw;
            }
        }
        try
        {
            if (!isFirst) keys.Replace(unfinished, KeyFolder.EventHead);
            else if (!keys.TryRename(unfinished, KeyFolder.EventHead)) keys.Delete(unfinished);
            return true;
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing && !isLast)
        {
            return false;
        }
    }
}

/// <summary>The keys of the event log, which follow from the secret in the key folder. A new master key does not change them. Dispose wipes them.</summary>
internal sealed class EventKeys : IDisposable
{
    private readonly byte[] _seal;

    /// <summary>Reads the keys; the secret is made only where no log was begun, since a new one would neither open the log nor that of the audit.</summary>
    internal EventKeys(IStorage keys)
    {
        if (keys.Facts(KeyFolder.EventHead) is not null && keys.Facts(KeyFolder.AuditSecret) is null) throw new DamagedStoreException("keys/" + KeyFolder.AuditSecret, "is missing, and the event log that it opens is there") { IsMissing = true };
        var secret = KeySecret.Read(keys);
        _seal = HKDF.Expand(HashAlgorithmName.SHA256, secret, 32, "warehouse event log files"u8.ToArray());
        Mac = HKDF.Expand(HashAlgorithmName.SHA256, secret, 32, "warehouse event log head"u8.ToArray());
        CryptographicOperations.ZeroMemory(secret);
    }

    internal byte[] Mac { get; }

    /// <summary>The data key of a file: ids are random, so each has its own.</summary>
    internal FileKey KeyOf(FileId file)
    {
        Span<byte> id = stackalloc byte[FileId.SizeBytes];
        Span<byte> key = stackalloc byte[FileKey.SizeBytes];
        file.Write(id);
        HMACSHA256.HashData(_seal, id, key);
        var made = new FileKey(key);
        CryptographicOperations.ZeroMemory(key);
        return made;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_seal);
        CryptographicOperations.ZeroMemory(Mac);
    }
}
