using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Warehouse.Rpc.Client;
using Xunit;
using TestClient = Grpc.Testing.TestService.TestServiceClient;

namespace Warehouse.Tests.Rpc;

/// <summary>TLS: who is asked for a certificate, and what a handler learns of it.</summary>
public sealed class TlsTests
{
    private static readonly DateTimeOffset Begin = DateTimeOffset.UtcNow.AddDays(-1), End = Begin.AddDays(30);

    [Fact]
    public async Task A_client_is_asked_for_a_certificate_and_the_handler_sees_it_with_the_credentials_of_the_call()
    {
        using X509Certificate2 authority = NewAuthority(), server = NewCertificate(authority, "localhost"), certificate = NewCertificate(authority, "client.test"), stranger = NewCertificate(NewAuthority(), "client.test");
        var seen = new Seeing();
        await using var host = await RpcHost.StartAsync(options => options with { Certificate = server, IsClientCertificateTaken = (shown, _, _) => IsOf(shown, authority), Interceptors = [seen] });
        using (var channel = Open(certificate, CallCredentials.FromInterceptor((context, metadata) =>
        {
            metadata.Add("authorization", context.ServiceUrl + " " + context.MethodName);
            return Task.CompletedTask;
        })))
        {
            await new TestClient(channel).EmptyCallAsync(new());
            Assert.Equal(("x509_subject_alternative_name=client.test", $"https://localhost:{host.Port}/grpc.testing.TestService EmptyCall", certificate.Thumbprint), seen.Last);
            Assert.StartsWith("ipv4:127.0.0.1:", seen.Peer, StringComparison.Ordinal);
        }
        using (var channel = Open(null))
        {
            await new TestClient(channel).EmptyCallAsync(new());
            Assert.Equal(("", null, null), seen.Last);
        }
        using RpcChannel strange = Open(stranger), distrusting = new(new Uri($"https://localhost:{host.Port}"));
        foreach (var channel in new[] { strange, distrusting })
        {
            var e = await Assert.ThrowsAsync<RpcException>(async () => await new TestClient(channel).EmptyCallAsync(new()));
            Assert.True(e.StatusCode == StatusCode.Unavailable, e.ToString());
        }

        RpcChannel Open(X509Certificate2? shown, CallCredentials? credentials = null) =>
            new(new Uri($"https://localhost:{host.Port}"), new() { ClientCertificate = shown, Credentials = credentials, IsServerCertificateTaken = (of, _, _) => IsOf(of, authority) });
    }

    [RpcPeerFact("grpcio")]
    public async Task Client_of_grpcio_passes_every_case_over_tls_with_a_certificate()
    {
        using X509Certificate2 authority = NewAuthority(), server = NewCertificate(authority, "localhost"), certificate = NewCertificate(authority, "client.test");
        using var folder = new TempFolder();
        File.WriteAllText(folder["ca.pem"], authority.ExportCertificatePem());
        File.WriteAllText(folder["client.pem"], certificate.ExportCertificatePem());
        File.WriteAllText(folder["client.key"], certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var seen = new Seeing();
        await using var host = await RpcHost.StartAsync(options => options with { Certificate = server, IsClientCertificateTaken = (shown, _, _) => IsOf(shown, authority), Interceptors = [seen] });
        Assert.DoesNotContain(RpcPeer.Of("grpcio").RunClient(host.Port, folder.Path), line => !line.StartsWith("ok ", StringComparison.Ordinal));
        Assert.Equal("x509_subject_alternative_name=client.test", seen.Last.Identity);
    }

    private static bool IsOf(X509Certificate2 shown, X509Certificate2 authority)
    {
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        return chain.Build(shown);
    }

    private static X509Certificate2 NewAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(Begin, End);
    }

    private static X509Certificate2 NewCertificate(X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, Begin, End, RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    private sealed class Seeing : Interceptor
    {
        public (string Identity, string? Authorization, string? Thumbprint) Last { get; private set; }

        public string Peer { get; private set; } = "";

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            Last = (string.Join(' ', context.AuthContext.PeerIdentity.Select(p => $"{p.Name}={p.Value}")), context.RequestHeaders.GetValue("authorization"), context.GetHttpContext().Connection.ClientCertificate?.Thumbprint);
            Peer = context.Peer;
            return continuation(request, context);
        }
    }
}
