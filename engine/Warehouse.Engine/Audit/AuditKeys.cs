using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;
using Warehouse.Primitives;

namespace Warehouse.Engine.Audit;

/// <summary>
/// What signs the log of a store and hides the identifiers in it. Both follow from a secret of its own in the key folder, made when it is
/// first needed, so whoever can change the log but not read the key folder can neither sign nor guess a name by trying all of them. A new
/// master key does not change it: the log is one log, with one key. Any thread; Dispose wipes them. The file is that of <see cref="KeySecret"/>.
/// </summary>
public sealed class AuditKeys : IDisposable
{
    private const int NameBytes = 16;

    private readonly byte[] _secret = new byte[Ed25519.SecretKeyBytes];
    private readonly byte[] _names, _answers;

    private AuditKeys(ReadOnlySpan<byte> secret, FileId store)
    {
        Span<byte> publicKey = stackalloc byte[Ed25519.PublicKeyBytes];
        var key = secret.ToArray();
        var seed = HKDF.Expand(HashAlgorithmName.SHA256, key, Ed25519.SeedBytes, "warehouse audit signature"u8.ToArray());
        Ed25519.KeysOf(seed, publicKey, _secret);
        CryptographicOperations.ZeroMemory(seed);
        _names = HKDF.Expand(HashAlgorithmName.SHA256, key, 32, "warehouse audit names"u8.ToArray());
        _answers = HKDF.Expand(HashAlgorithmName.SHA256, key, 32, "warehouse audit answers"u8.ToArray());
        CryptographicOperations.ZeroMemory(key);
        Signer = new NoteKey($"variant-warehouse/audit/{store}", publicKey);
    }

    /// <summary>The key that verifies checkpoints, as C2SP signed-note writes it: <c>name+keyid+key</c>.</summary>
    public string VerifierKey => Signer.ToString();

    internal NoteKey Signer { get; }

    /// <summary>Reads the keys of a store.</summary>
    /// <exception cref="StoreException">The key folder is missing or damaged.</exception>
    public static AuditKeys Open(string keysPath) => Open(DiskStorage.Open(keysPath, "key folder"));

    internal static AuditKeys Open(IStorage keys)
    {
        var (promised, master) = Acknowledgement.Read(keys);
        master.Dispose();
        var secret = KeySecret.Read(keys);
        var made = new AuditKeys(secret, promised.StoreId);
        CryptographicOperations.ZeroMemory(secret);
        return made;
    }

    /// <summary>Stands for an identifier: equal for equal ones of a kind within a store, and without the keys not to be told from noise. 32 hexadecimal digits.</summary>
    public string Hide(string kind, string identifier)
    {
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(_names, Encoding.UTF8.GetBytes($"{kind}\0{identifier}"), mac);
        return Convert.ToHexStringLower(mac[..NameBytes]);
    }

    /// <summary>Begins the digest of an answer that comes in pieces.</summary>
    /// <param name="isStream">It is a stream of a server.</param>
    public AnswerDigest BeginDigest(bool isStream) => new(_answers, isStream);

    /// <summary>The digest of an answer that is all at hand, which is no stream.</summary>
    public string DigestOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_answers, bytes, mac);
        return Convert.ToHexStringLower(mac);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_secret);
        CryptographicOperations.ZeroMemory(_names);
        CryptographicOperations.ZeroMemory(_answers);
    }

    internal byte[] Sign(Checkpoint checkpoint) => SignedNote.Sign(checkpoint.Text(), Signer, _secret);
}
