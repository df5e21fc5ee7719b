using System.Security.Cryptography;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Sealing;

/// <summary>
/// The secret in the key folder from which the keys of what lies beside a store follow: of its audit log, of its release ledger, and of its event log, which lies in it. Made
/// when it is first needed; a new master key does not change it. It is durable before its first use, whoever made it. The file, integers little-endian:
/// <code>
///  0   8  magic "WHAUDIT1"
///  8   4  format version, 1
/// 12   4  zero
/// 16  32  the secret
/// 48  32  SHA-256 of bytes 0 to 47
/// </code>
/// </summary>
internal static class KeySecret
{
    private const string Name = KeyFolder.AuditSecret;

    private const int FileBytes = 80, SecretAt = 16, SumAt = 48, Attempts = 100;

    private static ReadOnlySpan<byte> Magic => "WHAUDIT1"u8;

    /// <summary>The secret, 32 bytes, which the caller wipes; made when there is none.</summary>
    /// <exception cref="StoreException">It is damaged, or open to others.</exception>
    internal static byte[] Read(IStorage keys)
    {
        var isOwn = keys.Facts(Name) is null;
        if (isOwn) Make(keys);
        Span<byte> bytes = stackalloc byte[FileBytes];
        Span<byte> sum = stackalloc byte[Digest.SizeBytes];
        if (keys.Facts(Name) is { IsPrivate: false }) throw new StoreRefusedException($"{Name} in the key folder is open to others; its mode must be 0600");
        using (var file = keys.Open(Name))
        {
            if (file.LengthBytes != FileBytes) throw new DamagedStoreException(Name, "has a wrong length");
            file.Read(0, bytes);
            // Whoever made it may not have come to its last sync, and what is about to be hashed and signed with it could never be matched again.
            if (!isOwn) file.Sync();
        }
        if (!isOwn) keys.SyncFolder("");
        SHA256.HashData(bytes[..SumAt], sum);
        if (!bytes.StartsWith(Magic) || !sum.SequenceEqual(bytes[SumAt..])) throw new DamagedStoreException(Name, "is not what was written");
        if (bytes[8] != 1) throw new StoreRefusedException($"{Name} has a format that this program does not know");
        var secret = bytes.Slice(SecretAt, 32).ToArray();
        CryptographicOperations.ZeroMemory(bytes);
        return secret;
    }

    /// <summary>
    /// Makes the secret; of several processes that do so at once one wins, and what it made is durable before anybody uses it. A writer of
    /// the store may take the unfinished one for the leftover of a stop and remove it: then it is made again.
    /// </summary>
    private static void Make(IStorage keys)
    {
        Span<byte> bytes = stackalloc byte[FileBytes];
        Magic.CopyTo(bytes);
        bytes[8] = 1;
        RandomNumberGenerator.Fill(bytes.Slice(SecretAt, 32));
        SHA256.HashData(bytes[..SumAt], bytes[SumAt..]);
        for (var attempt = 1; !TryPublish(keys, bytes, isLast: attempt == Attempts); attempt++) { }
        CryptographicOperations.ZeroMemory(bytes);
        keys.SyncFolder("");
    }

    /// <summary>False when the unfinished file was removed by another process before it had its name.</summary>
    private static bool TryPublish(IStorage keys, ReadOnlySpan<byte> bytes, bool isLast)
    {
        var unfinished = $"{Name}-{FileId.New()}{SealedFormat.Unfinished}";
        using (var file = keys.Create(unfinished))
        {
            file.Append(bytes);
            file.Sync();
        }
        try
        {
            if (!keys.TryRename(unfinished, Name)) keys.Delete(unfinished);
            return true;
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing && !isLast)
        {
            return keys.Facts(Name) is not null;
        }
    }
}
