using System.Buffers.Text;
using System.Security.Cryptography;

namespace Warehouse.Engine.Variants;

/// <summary>Computed identifiers of GA4GH VRS 2.0 and refget. Any thread.</summary>
public static class Vrs
{
    private const int DigestBytes = 24;

    /// <summary>sha512t24u: the first 24 bytes of the SHA-512, base64url without padding, 32 characters.</summary>
    public static string Digest(ReadOnlySpan<byte> bytes) => Truncate(SHA512.HashData(bytes));

    /// <summary>The text of a SHA-512 that is computed already.</summary>
    internal static string Truncate(ReadOnlySpan<byte> sha512) => Base64Url.EncodeToString(sha512[..DigestBytes]);
}
