using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>What a configuration puts together.</summary>
public sealed class CallerChecksTests
{
    [Fact]
    public void Nothing_configured_has_the_local_certificate_beside_the_store_and_takes_its_administrator()
    {
        using var folder = new TempFolder();
        using var checks = CallerChecks.Open(new(), folder["store"], TimeProvider.System);
        Assert.Equal(folder["store.server"], checks.Identity.Folder);
        Assert.Same(checks.Identity.ServerCertificate, checks.ServerCertificate);
        Assert.Empty(checks.ServerChain);
        using var administrator = X509Certificate2.CreateFromPemFile(folder["store.server/administrator.pem"]);
        Assert.Equal(checks.Identity.AdministratorId, checks.Certificates.Find(administrator)?.Caller.Id);
    }

    [Fact]
    public void A_configured_certificate_is_shown_with_its_chain_and_names_are_added()
    {
        using var folder = new TempFolder();
        using var other = ServerIdentity.Open(folder["other"], ["warehouse.test"], TimeProvider.System);
        var key = other.ServerCertificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
        PrivateFolder.WriteFile(folder["key.pem"], System.Text.Encoding.ASCII.GetBytes(key));
        File.WriteAllText(folder["certificate.pem"], $"{other.ServerCertificate.ExportCertificatePem()}\n{other.Authority.ExportCertificatePem()}\n");
        var configuration = new ServerConfiguration { Listen = new() { Certificate = folder["certificate.pem"], Key = folder["key.pem"], Names = ["warehouse.test"] } };
        using var checks = CallerChecks.Open(configuration, folder["store"], TimeProvider.System);
        Assert.Equal(other.ServerCertificate.Thumbprint, checks.ServerCertificate.Thumbprint);
        Assert.True(checks.ServerCertificate.HasPrivateKey);
        Assert.Equal(2, checks.ServerChain.Count);
        Assert.Contains("warehouse.test", checks.Identity.Names);
    }

    [Fact]
    public void What_is_not_safe_makes_no_folder()
    {
        using var folder = new TempFolder();
        Assert.Equal("audit-disabled", Assert.Throws<InputException>(() => CallerChecks.Open(new() { Audit = new() { Enabled = false } }, folder["store"], TimeProvider.System)).Code);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Once_a_day_it_is_told_that_a_certificate_ends_which_nobody_renews()
    {
        using var folder = new TempFolder();
        var clock = new FakeClock();
        var told = new List<(bool IsAdministrator, int Days)>();
        using var checks = CallerChecks.Open(new(), folder["store"], clock, new() { Ends = (isAdministrator, days) => told.Add((isAdministrator, days)) });
        clock.Advance(TimeSpan.FromDays(59));
        checks.Renew();
        Assert.Empty(told);
        clock.Advance(TimeSpan.FromDays(2));
        checks.Renew();
        clock.Advance(TimeSpan.FromHours(1));
        checks.Renew();
        Assert.Equal((true, 28), Assert.Single(told));
        clock.Advance(TimeSpan.FromDays(30));
        checks.Renew();
        Assert.Equal((true, -2), told[^1]);
        checks.Identity.RenewAdministrator();
        clock.Advance(TimeSpan.FromDays(1));
        checks.Renew();
        Assert.Equal(2, told.Count);
    }
}
