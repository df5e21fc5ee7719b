using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Warehouse.Server.Identity;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Who calls, over real connections.</summary>
public sealed class AuthenticatorTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task A_certificate_names_its_key_and_nothing_shown_is_refused()
    {
        await using var host = await IdentityHost.StartAsync(_clock);
        using var administrator = host.Administrator();
        Assert.Equal(host.Identity.AdministratorId, await host.AskAsync(administrator));
        await AssertRefusedAsync(() => host.AskAsync(null));
        await AssertRefusedAsync(() => host.AskAsync(administrator, ("authorization", "Bearer x")));
        await AssertRefusedAsync(() => host.AskAsync(null, ("x-forwarded-client-cert", administrator.ExportCertificatePem().ReplaceLineEndings("")), ("principal", host.Identity.AdministratorId)));
    }

    [Fact]
    public async Task Revoked_ended_and_strange_certificates_get_no_connection()
    {
        await using var host = await IdentityHost.StartAsync(_clock);
        await using var other = await IdentityHost.StartAsync(_clock);
        using X509Certificate2 revoked = Issue(host, "revoked", 2), ended = Issue(host, "ended", 1), stranger = other.Administrator();
        Assert.Equal(CertificateFactory.IdOf(ended), await host.AskAsync(ended));
        host.Identity.Revoke("revoked");
        _clock.Advance(TimeSpan.FromDays(1.1));
        foreach (var certificate in new[] { revoked, ended, stranger })
            Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => host.AskAsync(certificate))).StatusCode);
    }

    internal static async Task AssertRefusedAsync(Func<Task> act) =>
        Assert.Equal(new Status(StatusCode.Unauthenticated, "not authenticated"), (await Assert.ThrowsAsync<RpcException>(act)).Status);

    private static X509Certificate2 Issue(IdentityHost host, string name, int days)
    {
        var (pem, _) = host.Identity.Issue(name, days);
        return X509Certificate2.CreateFromPem(pem, pem);
    }
}
