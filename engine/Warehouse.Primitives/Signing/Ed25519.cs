using System.Runtime.InteropServices;

namespace Warehouse.Primitives;

/// <summary>
/// Ed25519 signatures (RFC 8032) by the system's libsodium: .NET has none, and what signs the audit log must be checked by tools that
/// others wrote. Any thread.
/// </summary>
public static partial class Ed25519
{
    /// <summary>Bytes of a seed, from which both keys follow.</summary>
    public const int SeedBytes = 32;

    /// <summary>Bytes of a public key.</summary>
    public const int PublicKeyBytes = 32;

    /// <summary>Bytes of a secret key: the seed and the public key.</summary>
    public const int SecretKeyBytes = 64;

    /// <summary>Bytes of a signature.</summary>
    public const int SignatureBytes = 64;

    private const string Library = "libsodium.so.23";

    private static bool _isReady;

    /// <summary>The keys of a seed.</summary>
    /// <exception cref="SystemLibraryMissingException">libsodium is not installed.</exception>
    public static unsafe void KeysOf(ReadOnlySpan<byte> seed, Span<byte> publicKey, Span<byte> secretKey)
    {
        RequireLength(seed.Length, SeedBytes, nameof(seed));
        RequireLength(publicKey.Length, PublicKeyBytes, nameof(publicKey));
        RequireLength(secretKey.Length, SecretKeyBytes, nameof(secretKey));
        RequireLibrary();
        fixed (byte* s = seed, p = publicKey, k = secretKey)
            if (crypto_sign_ed25519_seed_keypair(p, k, s) != 0) throw new InvalidOperationException("libsodium made no keys");
    }

    /// <summary>Signs a message.</summary>
    /// <exception cref="SystemLibraryMissingException">libsodium is not installed.</exception>
    public static unsafe void Sign(ReadOnlySpan<byte> message, ReadOnlySpan<byte> secretKey, Span<byte> signature)
    {
        RequireLength(secretKey.Length, SecretKeyBytes, nameof(secretKey));
        RequireLength(signature.Length, SignatureBytes, nameof(signature));
        RequireLibrary();
        fixed (byte* m = message, k = secretKey, to = signature)
            if (crypto_sign_ed25519_detached(to, null, m, (ulong)message.Length, k) != 0) throw new InvalidOperationException("libsodium did not sign");
    }

    /// <summary>Whether a signature is one of the message by the key; false for any other length too.</summary>
    /// <exception cref="SystemLibraryMissingException">libsodium is not installed.</exception>
    public static unsafe bool IsSigned(ReadOnlySpan<byte> message, ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeyBytes || signature.Length != SignatureBytes) return false;
        RequireLibrary();
        fixed (byte* m = message, k = publicKey, s = signature)
            return crypto_sign_ed25519_verify_detached(s, m, (ulong)message.Length, k) == 0;
    }

    private static void RequireLength(int length, int expected, string name)
    {
        if (length != expected) throw new ArgumentException($"has {length} bytes, not {expected}", name);
    }

    // Also what libsodium asks to be called before anything else; it may be called again, by any thread. Once is enough: the loader looks for the
    // library in every folder each time it is asked.
    private static void RequireLibrary()
    {
        if (Volatile.Read(ref _isReady)) return;
        SystemLibrary.Require(Library, "libsodium23");
        if (sodium_init() < 0) throw new InvalidOperationException("libsodium did not start");
        Volatile.Write(ref _isReady, true);
    }

    [LibraryImport(Library)]
    private static partial int sodium_init();

    [LibraryImport(Library)]
    private static unsafe partial int crypto_sign_ed25519_seed_keypair(byte* publicKey, byte* secretKey, byte* seed);

    [LibraryImport(Library)]
    private static unsafe partial int crypto_sign_ed25519_detached(byte* signature, ulong* lengthBytes, byte* message, ulong messageBytes, byte* secretKey);

    [LibraryImport(Library)]
    private static unsafe partial int crypto_sign_ed25519_verify_detached(byte* signature, byte* message, ulong messageBytes, byte* publicKey);
}
