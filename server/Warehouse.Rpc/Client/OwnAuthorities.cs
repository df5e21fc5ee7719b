using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Warehouse.Rpc.Client;

/// <summary>How a server's certificate is held against authorities that somebody names, in the place of those of the system. Any thread.</summary>
public static class OwnAuthorities
{
    /// <summary>Servers, as an extended key usage (RFC 5280, 4.2.1.12).</summary>
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";

    /// <summary>
    /// What a chain has to be: of these authorities, for servers, in force. Nothing is asked over the network: an authority of a laboratory's own has no address
    /// at which its list of revoked certificates could be had.
    /// </summary>
    public static X509ChainPolicy PolicyOf(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true, ApplicationPolicy = { new Oid(ServerUse) } };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    /// <summary>A chain of that policy, to build for a server's certificate and to dispose of.</summary>
    /// <param name="authorities">The authorities.</param>
    /// <param name="sent">What came with the certificate, as a <see cref="RemoteCertificateValidationCallback"/> is given it.</param>
    public static X509Chain ChainOf(X509Certificate2Collection authorities, X509Chain? sent)
    {
        var chain = new X509Chain { ChainPolicy = PolicyOf(authorities) };
        foreach (var element in sent?.ChainElements ?? Enumerable.Empty<X509ChainElement>()) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain;
    }
}
