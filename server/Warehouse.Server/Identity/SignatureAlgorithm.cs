using System.Security.Cryptography;

namespace Warehouse.Server.Identity;

/// <summary>An algorithm of a JSON Web Signature (RFC 7518) that is understood here; none with a shared secret, and not <c>none</c>.</summary>
/// <param name="Name">Its name, <c>alg</c>.</param>
/// <param name="Hash">Its digest.</param>
/// <param name="Padding">Of RSA; null for elliptic curves.</param>
/// <param name="Curve">Name of the one curve; empty for RSA.</param>
/// <param name="SignatureBytes">Length of a signature of the curve.</param>
internal sealed record SignatureAlgorithm(string Name, HashAlgorithmName Hash, RSASignaturePadding? Padding, string Curve, int SignatureBytes)
{
    private static readonly SignatureAlgorithm[] All =
    [
        new("RS256", HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1, "", 0),
        new("RS384", HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1, "", 0),
        new("RS512", HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1, "", 0),
        new("PS256", HashAlgorithmName.SHA256, RSASignaturePadding.Pss, "", 0),
        new("PS384", HashAlgorithmName.SHA384, RSASignaturePadding.Pss, "", 0),
        new("PS512", HashAlgorithmName.SHA512, RSASignaturePadding.Pss, "", 0),
        new("ES256", HashAlgorithmName.SHA256, null, "P-256", 64),
        new("ES384", HashAlgorithmName.SHA384, null, "P-384", 96),
        new("ES512", HashAlgorithmName.SHA512, null, "P-521", 132),
    ];

    /// <summary>The algorithm of a name, spelled exactly so; null when it is not understood.</summary>
    public static SignatureAlgorithm? Find(string name) => Array.Find(All, a => a.Name == name);
}
