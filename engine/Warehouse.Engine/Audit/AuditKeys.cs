using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Audit;

/// <summary>
/// What signs the log of a store and hides the identifiers in it. Both follow from a secret of its own in the key folder, made when it is
/// first needed, so whoever can change the log but not read the key folder can neither sign nor guess a name by trying all of them. A new
/// master key does not change it: the log is one log, with one key. Any thread; Dispose wipes them. The file, integers little-endian:
/// <code>
///  0   8  magic "WHAUDIT1"
///  8   4  format version, 1
/// 12   4  zero
/// 16  32  the secret
/// 48  32  SHA-256 of bytes 0 to 47
/// </code>
/// </summary>
public sealed class AuditKeys : IDisposable
{
    private const int NameBytes = 16, FileBytes = 80, SecretAt = 16, SumAt = 48, Attempts = 100;

    private readonly byte[] _secret = new byte[Ed25519.SecretKeyBytes];
    private readonly byte[] _names;

    private AuditKeys(ReadOnlySpan<byte> secret, FileId store)
    {
        Span<byte> publicKey = stackalloc byte[Ed25519.PublicKeyBytes];
        var key = secret.ToArray();
        var seed = HKDF.Expand(HashAlgorithmName.SHA256, key, Ed25519.SeedBytes, "warehouse audit signature"u8.ToArray());
        Ed25519.KeysOf(seed, publicKey, _secret);
        CryptographicOperations.ZeroMemory(seed);
        _names = HKDF.Expand(HashAlgorithmName.SHA256, key, 32, "warehouse audit names"u8.ToArray());
        CryptographicOperations.ZeroMemory(key);
        Signer = new NoteKey($"variant-warehouse/audit/{store}", publicKey);
    }

    /// <summary>The key that verifies checkpoints, as C2SP signed-note writes it: <c>name+keyid+key</c>.</summary>
    public string VerifierKey => Signer.ToString();

    internal NoteKey Signer { get; }

    private static ReadOnlySpan<byte> Magic => "WHAUDIT1"u8;

    /// <summary>Reads the keys of a store.</summary>
    /// <exception cref="StoreException">The key folder is missing or damaged.</exception>
    public static AuditKeys Open(string keysPath) => Open(DiskStorage.Open(keysPath, "key folder"));

    internal static AuditKeys Open(IStorage keys)
    {
        var (promised, master) = Acknowledgement.Read(keys);
        master.Dispose();
        if (keys.Facts(KeyFolder.AuditSecret) is null) Make(keys);
        Span<byte> bytes = stackalloc byte[FileBytes];
        Span<byte> sum = stackalloc byte[Digest.SizeBytes];
        if (keys.Facts(KeyFolder.AuditSecret) is { IsPrivate: false }) throw new StoreRefusedException($"{KeyFolder.AuditSecret} in the key folder is open to others; its mode must be 0600");
        using (var file = keys.Open(KeyFolder.AuditSecret))
        {
            if (file.LengthBytes != FileBytes) throw new DamagedStoreException(KeyFolder.AuditSecret, "has a wrong length");
            file.Read(0, bytes);
        }
        SHA256.HashData(bytes[..SumAt], sum);
        if (!bytes.StartsWith(Magic) || !sum.SequenceEqual(bytes[SumAt..])) throw new DamagedStoreException(KeyFolder.AuditSecret, "is not what was written");
        if (bytes[8] != 1) throw new StoreRefusedException($"{KeyFolder.AuditSecret} has a format that this program does not know");
        var made = new AuditKeys(bytes.Slice(SecretAt, 32), promised.StoreId);
        CryptographicOperations.ZeroMemory(bytes);
        return made;
    }

    /// <summary>Stands for an identifier: equal for equal ones of a kind within a store, and without the keys not to be told from noise. 32 hexadecimal digits.</summary>
    public string Hide(string kind, string identifier)
    {
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(_names, Encoding.UTF8.GetBytes($"{kind}\0{identifier}"), mac);
        return Convert.ToHexStringLower(mac[..NameBytes]);
    }

    /// <summary>Begins a keyed digest of bytes that come one after the other.</summary>
    public IncrementalHash BeginDigest() => IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _names);

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_secret);
        CryptographicOperations.ZeroMemory(_names);
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
        var unfinished = $"{KeyFolder.AuditSecret}-{FileId.New()}{SealedFormat.Unfinished}";
        using (var file = keys.Create(unfinished))
        {
            file.Append(bytes);
            file.Sync();
        }
        try
        {
            if (!keys.TryRename(unfinished, KeyFolder.AuditSecret)) keys.Delete(unfinished);
            return true;
        }
        catch (DurableException e) when (e.Errno == DurableException.Missing && !isLast)
        {
            return keys.Facts(KeyFolder.AuditSecret) is not null;
        }
    }

    internal byte[] Sign(Checkpoint checkpoint) => SignedNote.Sign(checkpoint.Text(), Signer, _secret);
}
