using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Warehouse.Server.Identity;

/// <summary>
/// Makes certificates: of a local authority, of the server and of clients. All keys are ECDSA P-256. A certificate that is returned carries its key
/// and belongs to the caller.
/// </summary>
internal static class CertificateFactory
{
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>Begins before now, for clients whose clock is behind.</summary>
    private static readonly TimeSpan Backdated = TimeSpan.FromMinutes(5);

    private const int SerialBytes = 16;

    public static X509Certificate2 NewAuthority(string name, DateTimeOffset now, TimeSpan life)
    {
        using var key = NewKey();
        var request = NewRequest(name, key, X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        return request.CreateSelfSigned(now - Backdated, now + life);
    }

    /// <param name="authority">Signs; with its key.</param>
    /// <param name="names">Host names and IP addresses; the first becomes the common name.</param>
    /// <param name="now">Begins here.</param>
    /// <param name="life">Ends after this, and not after the authority.</param>
    public static X509Certificate2 NewServer(X509Certificate2 authority, IReadOnlyList<string> names, DateTimeOffset now, TimeSpan life)
    {
        using var key = NewKey();
        var request = NewRequest(names[0], key, X509KeyUsageFlags.DigitalSignature);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address)) alternatives.AddIpAddress(address);
            else alternatives.AddDnsName(name);
        }
        request.CertificateExtensions.Add(alternatives.Build());
        return Sign(request, authority, ServerAuthentication, now, life).CopyWithPrivateKey(key);
    }

    /// <summary>A certificate for a client's key; without the key.</summary>
    public static X509Certificate2 NewClient(X509Certificate2 authority, string name, ECDsa key, DateTimeOffset now, TimeSpan life) =>
        Sign(NewRequest(name, key, X509KeyUsageFlags.DigitalSignature), authority, ClientAuthentication, now, life);

    public static ECDsa NewKey() => ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>Name of whoever has the key of a certificate: the same for every certificate of that key.</summary>
    public static string IdOf(X509Certificate2 certificate) => "cert:" + Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    private static CertificateRequest NewRequest(string name, ECDsa key, X509KeyUsageFlags usage)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    private static X509Certificate2 Sign(CertificateRequest request, X509Certificate2 authority, string purpose, DateTimeOffset now, TimeSpan life)
    {
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(purpose)], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var serial = RandomNumberGenerator.GetBytes(SerialBytes);
        // Positive, and as long as it is.
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        DateTimeOffset begin = Max(now - Backdated, authority.NotBefore), end = now + life;
        return request.Create(authority, begin, end < authority.NotAfter ? end : authority.NotAfter, serial);
    }

    private static DateTimeOffset Max(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
