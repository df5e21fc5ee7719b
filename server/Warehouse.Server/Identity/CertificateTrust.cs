using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine;
using Warehouse.Primitives;

namespace Warehouse.Server.Identity;

/// <summary>
/// Authorities whose client certificates are taken, and what they have revoked. A list of revoked ones stays in force when the file
/// is not understood later, until it is too old. Any thread.
/// </summary>
internal sealed class CertificateTrust
{
    /// <summary>A list of revoked certificates older than this refuses every certificate.</summary>
    public static readonly TimeSpan MaxListAge = TimeSpan.FromDays(7);

    private readonly X509Certificate2Collection _authorities;
    private readonly string _revocationFile;
    private readonly Func<IReadOnlyList<IssuedCertificate>>? _readIssued;
    private readonly TimeProvider _clock;
    private readonly Watched<State> _state;

    private CertificateTrust(X509Certificate2Collection authorities, string revocationFile, Func<IReadOnlyList<IssuedCertificate>>? readIssued, TimeProvider clock)
    {
        (_authorities, _revocationFile, _readIssued, _clock) = (authorities, revocationFile, readIssued, clock);
        _state = new(Read, clock);
    }

    /// <summary>Trusts the local authority, for certificates that its list names.</summary>
    public static CertificateTrust Local(ServerIdentity identity, TimeProvider clock) =>
        new([X509CertificateLoader.LoadCertificate(identity.Authority.RawDataMemory.Span)], Path.Combine(identity.Folder, ServerIdentity.RevokedFile), () => identity.Issued, clock);

    /// <summary>Trusts the authorities of a PEM file; those that are not self-signed stand between a client and one that is.</summary>
    /// <param name="authorityFile">Certificates, PEM.</param>
    /// <param name="revocationFile">Lists of what each of them has revoked, PEM or DER.</param>
    /// <param name="clock">Tells the time.</param>
    public static CertificateTrust Configured(string authorityFile, string revocationFile, TimeProvider clock)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(authorityFile);
        }
        catch (Exception e) when (e is System.Security.Cryptography.CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new InputException("authorities", "the file does not hold certificates of authorities", new(authorityFile, 0, 0, ""));
        }
        if (authorities.Count == 0 || authorities.Any(a => !IsAuthority(a))) throw new InputException("authorities", "the file does not hold certificates of authorities, and of nothing else", new(authorityFile, 0, 0, ""));
        return new(authorities, revocationFile, null, clock);
    }

    /// <summary>True when the certificate holds now for a client: chain, purpose, time, key, and no list that revokes it or is too old.</summary>
    /// <param name="certificate">What the client has shown.</param>
    /// <param name="issued">Its entry in the list of issued ones; null for those of configured authorities.</param>
    public bool Takes(X509Certificate2 certificate, out IssuedCertificate? issued)
    {
        issued = null;
        var (now, state) = (_clock.GetUtcNow(), _state.Value);
        // An authority is no client: the chain of a root has nothing that could be revoked.
        if (IsAuthority(certificate) || !IsForClients(certificate) || !HasStrongKey(certificate)) return false;
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        // What was revoked, a file says: nothing is asked over the network.
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.ApplicationPolicy.Add(new(CertificateFactory.ClientAuthentication));
        policy.VerificationTimeIgnored = false;
        policy.VerificationTime = now.LocalDateTime;
        foreach (var authority in _authorities) (IsSelfSigned(authority) ? policy.CustomTrustStore : policy.ExtraStore).Add(authority);
        try
        {
            if (!chain.Build(certificate) || !IsUnrevoked(chain, state, now)) return false;
        }
        finally
        {
            foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        }
        if (state.Issued is null) return true;
        // Signed by the authority and not in the list: issued a moment ago.
        if (!state.Issued.ContainsKey(certificate.SerialNumber)) state = _state.ReadNow();
        return state.Issued!.TryGetValue(certificate.SerialNumber, out issued) && issued.Revoked is null;
    }

    /// <summary>No list of an authority is fresh: none of its certificates is taken.</summary>
    public bool IsStale
    {
        get
        {
            var (now, lists) = (_clock.GetUtcNow(), _state.Value.Lists);
            return !_authorities.All(a => lists.Any(l => l.IsFresh(now, MaxListAge) && l.IsOf(a)));
        }
    }

    private static bool IsUnrevoked(X509Chain chain, State state, DateTimeOffset now)
    {
        for (var i = 0; i + 1 < chain.ChainElements.Count; i++)
        {
            var (certificate, issuer) = (chain.ChainElements[i].Certificate, chain.ChainElements[i + 1].Certificate);
            var lists = state.Lists.Where(l => l.IsFresh(now, MaxListAge) && l.IsOf(issuer)).ToList();
            if (lists.Count == 0 || lists.Any(l => l.Has(certificate))) return false;
        }
        return true;
    }

    private State Read()
    {
        if (Durable.Facts(_revocationFile) is null) throw new InputException("revocation-list-missing", "a list of revoked certificates is required, and the file is not there", new(_revocationFile, 0, 0, ""));
        return new(RevocationList.ReadFile(_revocationFile), _readIssued?.Invoke().ToDictionary(i => i.Serial, StringComparer.OrdinalIgnoreCase));
    }

    private static bool IsForClients(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(e => e.EnhancedKeyUsages.Cast<System.Security.Cryptography.Oid>()).Any(o => o.Value == CertificateFactory.ClientAuthentication);

    private static bool HasStrongKey(X509Certificate2 certificate)
    {
        using var ec = certificate.GetECDsaPublicKey();
        using var rsa = certificate.GetRSAPublicKey();
        return ec?.KeySize >= 256 || rsa?.KeySize >= 2048;
    }

    private static bool IsAuthority(X509Certificate2 certificate) => certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority);

    private static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    private sealed record State(IReadOnlyList<RevocationList> Lists, Dictionary<string, IssuedCertificate>? Issued);
}
