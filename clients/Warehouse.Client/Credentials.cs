using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Rpc.Client;

namespace Warehouse.Client;

/// <summary>
/// The certificate that a client shows, and the authority that it trusts: a PEM file with a certificate, its key and the authority's certificate,
/// as the server's <c>administrator.pem</c> and <c>certificate issue</c> have it. A file without a key has authorities alone: for those who show a
/// token. Immutable; any thread.
/// </summary>
public sealed class Credentials
{
    private const int MaxFileBytes = 1 << 20;

    private readonly X509Certificate2Collection _authorities = [];

    private Credentials(string pem)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPem(pem);
        if (pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal)) Certificate = X509Certificate2.CreateFromPem(pem, pem);
        foreach (var certificate in all)
            if (Certificate is null || certificate.Thumbprint != Certificate.Thumbprint) _authorities.Add(certificate);
    }

    /// <summary>The certificate that is shown, with its key; null when the file has authorities alone.</summary>
    public X509Certificate2? Certificate { get; }

    /// <summary>The authorities as PEM; null when there are none.</summary>
    public string? AuthoritiesPem => _authorities.Count == 0 ? null : _authorities.ExportCertificatePems();

    /// <summary>Reads a file.</summary>
    /// <exception cref="WarehouseException">It cannot be read, or is not understood.</exception>
    public static Credentials Read(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes }) throw WarehouseException.Usage("credentials", "the file of credentials is too long for one");
            return FromPem(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw WarehouseException.Usage("credentials", "the file of credentials cannot be read", e);
        }
    }

    /// <summary>Takes the text of such a file.</summary>
    /// <exception cref="WarehouseException">It is not understood.</exception>
    public static Credentials FromPem(string pem)
    {
        try
        {
            var read = new Credentials(pem);
            return read.Certificate is not null || read._authorities.Count > 0 ? read : throw WarehouseException.Usage("credentials", "the file of credentials has no certificate");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw WarehouseException.Usage("credentials", "the file of credentials has a certificate, its key and the authority's certificate as PEM", e);
        }
    }

    /// <summary>
    /// Takes a server's certificate that is of the authority, for the name that was called, and in force; another is refused with an
    /// <see cref="AuthenticationException"/> that says which of these it is not. null = that is left to the system.
    /// </summary>
    internal Func<X509Certificate2, X509Chain?, SslPolicyErrors, bool>? Check => _authorities.Count == 0 ? null : IsTaken;

    private bool IsTaken(X509Certificate2 server, X509Chain? shown, SslPolicyErrors errors)
    {
        using var chain = OwnAuthorities.ChainOf(_authorities, shown);
        var isOfAuthority = chain.Build(server);
        if (isOfAuthority && (errors & (SslPolicyErrors.RemoteCertificateNameMismatch | SslPolicyErrors.RemoteCertificateNotAvailable)) == 0) return true;
        var wrong = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
        throw new AuthenticationException("the server's certificate " + wrong switch
        {
            _ when (wrong & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid)) != 0 => "is not of the authority in the credentials",
            _ when (wrong & X509ChainStatusFlags.NotTimeValid) != 0 => "is not in force: it has ended, or has not begun",
            _ when !isOfAuthority => "is not taken: " + wrong,
            _ => "is for another name than the one that was called",
        });
    }
}
