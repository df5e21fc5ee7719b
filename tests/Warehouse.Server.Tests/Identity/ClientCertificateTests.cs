using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Which client certificates are taken, of the local authority and of configured ones.</summary>
public sealed class ClientCertificateTests : IDisposable
{
    private readonly FakeClock _clock = new();
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Local_certificates_are_taken_until_they_end_and_only_while_the_list_names_them()
    {
        using var identity = ServerIdentity.Open(_folder["server"], [], _clock);
        var clients = new ClientCertificates([CertificateTrust.Local(identity, _clock)], new(), _clock);
        using var alice = X509Certificate2.CreateFromPem(identity.Issue("alice", 1).Pem);
        Assert.Equal(CertificateFactory.IdOf(alice), clients.Find(alice)?.Caller.Id);
        Assert.False(clients.Find(alice)!.Caller.IsService);
        using var key = CertificateFactory.NewKey();
        using var unlisted = CertificateFactory.NewClient(identity.Authority, "alice", key, _clock.GetUtcNow(), TimeSpan.FromDays(1));
        Assert.Null(clients.Find(unlisted));
        _clock.Advance(TimeSpan.FromDays(1) - TimeSpan.FromSeconds(2));
        Assert.NotNull(clients.Find(alice));
        _clock.Advance(3);
        Assert.Null(clients.Find(alice));
        Assert.False(clients.IsTaken(alice, null, default));
    }

    [Fact]
    public void A_stranger_with_the_same_names_is_refused()
    {
        using var identity = ServerIdentity.Open(_folder["server"], [], _clock);
        using var other = ServerIdentity.Open(_folder["other"], [], _clock);
        var clients = new ClientCertificates([CertificateTrust.Local(identity, _clock)], new(), _clock);
        using var stranger = X509Certificate2.CreateFromPem(other.Issue("alice", 1).Pem);
        using var self = NewAuthority("alice");
        Assert.Null(clients.Find(stranger));
        Assert.Null(clients.Find(self));
        Assert.Null(clients.Find(identity.ServerCertificate));
        Assert.Null(clients.Find(identity.Authority));
    }

    [Fact]
    public void Configured_authority_takes_what_its_list_does_not_revoke()
    {
        using var authority = NewAuthority("hospital");
        using X509Certificate2 good = NewClient(authority, "good"), bad = NewClient(authority, "bad");
        var clients = Configured([authority], List(authority, [bad]), CertificateFactory.IdOf(good));
        Assert.True(clients.Find(good)!.Caller.IsService);
        Assert.Null(clients.Find(bad));
    }

    [Fact]
    public void An_authority_is_no_client_whatever_its_certificate_is_for()
    {
        using var key = CertificateFactory.NewKey();
        var request = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(CertificateFactory.ClientAuthentication)], false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var root = request.CreateSelfSigned(_clock.GetUtcNow().AddDays(-1), _clock.GetUtcNow().AddDays(100));
        using var client = NewClient(root, "client");
        var clients = Configured([root], List(root, []));
        Assert.NotNull(clients.Find(client));
        Assert.Null(clients.Find(root));
    }

    [Fact]
    public void A_list_older_than_seven_days_refuses_everybody_and_a_fresh_one_takes_them_again()
    {
        using var authority = NewAuthority("hospital");
        using var good = NewClient(authority, "good");
        var clients = Configured([authority], List(authority, [], life: TimeSpan.FromDays(30)));
        _clock.Advance(TimeSpan.FromDays(7) - TimeSpan.FromSeconds(1));
        Assert.NotNull(clients.Find(good));
        _clock.Advance(6);
        Assert.Null(clients.Find(good));
        File.WriteAllText(_folder["list"], List(authority, []));
        _clock.PassCheck();
        using var again = X509CertificateLoader.LoadCertificate(good.RawData);
        Assert.NotNull(clients.Find(again));
    }

    [Fact]
    public void A_list_that_is_over_of_the_future_or_signed_by_another_refuses()
    {
        using X509Certificate2 authority = NewAuthority("hospital"), impostor = NewAuthority("hospital");
        using var good = NewClient(authority, "good");
        Assert.NotNull(Configured([authority], List(authority, [])).Find(good));
        Assert.Null(Configured([authority], List(authority, [], life: TimeSpan.FromSeconds(1), begin: -10)).Find(good));
        Assert.Null(Configured([authority], List(authority, [], begin: 120)).Find(good));
        Assert.Null(Configured([authority], List(impostor, [])).Find(good));
    }

    [Fact]
    public void A_revocation_is_noticed_while_the_connection_lives_and_a_torn_file_changes_nothing()
    {
        using var authority = NewAuthority("hospital");
        using X509Certificate2 one = NewClient(authority, "one"), two = NewClient(authority, "two");
        var clients = Configured([authority], List(authority, []));
        Assert.NotNull(clients.Find(one));
        Assert.NotNull(clients.Find(two));
        File.WriteAllText(_folder["list"], "torn");
        _clock.PassCheck();
        Assert.NotNull(clients.Find(one));
        File.WriteAllText(_folder["list"], List(authority, [one]));
        _clock.PassCheck();
        Assert.Null(clients.Find(one));
        Assert.NotNull(clients.Find(two));
        Assert.Null(clients.Find(one));
    }

    [Fact]
    public void A_chain_over_an_intermediate_needs_the_lists_of_both()
    {
        using X509Certificate2 root = NewAuthority("root"), middle = NewAuthority("middle", root);
        using var client = NewClient(middle, "client");
        Assert.NotNull(Configured([root, middle], List(root, []) + "\n" + List(middle, [])).Find(client));
        Assert.Null(Configured([root, middle], List(middle, [])).Find(client));
        Assert.Null(Configured([root, middle], List(root, [middle]) + "\n" + List(middle, [])).Find(client));
        Assert.Null(Configured([root], List(root, []) + "\n" + List(middle, [])).Find(client));
    }

    [Theory]
    [InlineData("1.3.6.1.5.5.7.3.1", "P-256")]
    [InlineData("", "P-256")]
    [InlineData("1.3.6.1.5.5.7.3.2", "RSA-1024")]
    public void Another_purpose_none_and_a_weak_key_are_refused(string purpose, string algorithm)
    {
        using var authority = NewAuthority("hospital");
        using var client = NewClient(authority, "client", purpose, algorithm);
        Assert.Null(Configured([authority], List(authority, [])).Find(client));
    }

    [Fact]
    public void A_certificate_that_begins_tomorrow_is_refused_today()
    {
        using var authority = NewAuthority("hospital");
        _clock.Advance(TimeSpan.FromDays(1));
        using var client = NewClient(authority, "client");
        _clock.Advance(TimeSpan.FromDays(-1));
        Assert.Null(Configured([authority], List(authority, [])).Find(client));
    }

    [Fact]
    public void Files_that_are_not_what_they_should_be_are_named()
    {
        using var authority = NewAuthority("hospital");
        using var client = NewClient(authority, "client");
        Assert.Equal("revocation-list", Code(() => Configured([authority], "nothing")));
        Assert.Equal("revocation-list", Code(() => Configured([authority], authority.ExportCertificatePem())));
        Assert.Equal("authorities", Code(() => Configured([authority, client], List(authority, []))));
        Assert.Equal("authorities", Code(() => Configured([], List(authority, []))));
        Assert.Equal("revocation-list-missing", Code(() => CertificateTrust.Configured(WriteAuthorities([authority]), _folder["nowhere"], _clock)));
        static string Code(Action act) => Assert.Throws<InputException>(act).Code;
    }

    [Fact]
    public void Revocation_lists_that_are_cut_or_changed_are_refused()
    {
        using var authority = NewAuthority("hospital");
        using var client = NewClient(authority, "client");
        var der = Convert.FromBase64String(string.Concat(List(authority, [client]).Split('\n').Where(l => !l.StartsWith('-'))));
        for (var i = 0; i < der.Length; i++)
        {
            Assert.Null(TryRead(der[..i]));
            byte[] changed = [.. der];
            changed[i] ^= 0x21;
            Assert.True(TryRead(changed) is not { } list || !list.IsOf(authority), $"byte {i}");
        }
        Assert.True(TryRead(der)!.Has(client) && TryRead(der)!.IsOf(authority));
    }

    private RevocationList? TryRead(byte[] der)
    {
        File.WriteAllBytes(_folder["crl.der"], der);
        try
        {
            return RevocationList.ReadFile(_folder["crl.der"]).Single();
        }
        catch (InputException)
        {
            return null;
        }
    }

    /// <summary>C16: a certificate is one factor, unless whoever issued it, or configured its authority, says that there is another.</summary>
    [Fact]
    public void A_certificate_counts_as_a_second_factor_only_where_that_was_said()
    {
        using var authority = NewAuthority("hospital");
        using X509Certificate2 plain = NewClient(authority, "plain"), named = NewClient(authority, "named"), card = NewClient(authority, "card", policy: "1.3.6.1.4.1.99999.7"), other = NewClient(authority, "other", policy: "1.3.6.1.4.1.99999.8"), machine = NewClient(authority, "machine", policy: "1.3.6.1.4.1.99999.7");
        var clients = Configured([authority], List(authority, []), new ClientConfiguration { Services = [CertificateFactory.IdOf(machine)], SecondFactor = [CertificateFactory.IdOf(named)], SecondFactorPolicies = ["1.3.6.1.4.1.99999.7"] });
        Assert.Equal([false, true, true, false, false], ((X509Certificate2[])[plain, named, card, other, machine]).Select(c => clients.Find(c)!.Caller.HasSecondFactor));

        using var identity = ServerIdentity.Open(_folder["state"], [], _clock);
        var local = new ClientCertificates([CertificateTrust.Local(identity, _clock)], new(), _clock);
        using X509Certificate2 alice = X509Certificate2.CreateFromPem(identity.Issue("alice", 1).Pem), bob = X509Certificate2.CreateFromPem(identity.Issue("bob", 1, hasSecondFactor: true).Pem), spoke = X509Certificate2.CreateFromPem(identity.Issue("spoke", 1, isService: true).Pem);
        using var administrator = X509Certificate2.CreateFromPemFile(Path.Combine(identity.Folder, ServerIdentity.AdministratorFile));
        Assert.Equal([false, true, false, true], ((X509Certificate2[])[alice, bob, spoke, administrator]).Select(c => local.Find(c)!.Caller.HasSecondFactor));
        Assert.Equal("second-factor", Assert.Throws<InputException>(() => identity.Issue("m", 1, isService: true, hasSecondFactor: true)).Code);
        Assert.Equal("second-factor", Assert.Throws<InputException>(() => identity.Issue("s", 1, roles: [Role.Spoke], hasSecondFactor: true)).Code);
    }

    private ClientCertificates Configured(X509Certificate2[] authorities, string list, params string[] services) => Configured(authorities, list, new ClientConfiguration { Services = services });

    private ClientCertificates Configured(X509Certificate2[] authorities, string list, ClientConfiguration rules)
    {
        File.WriteAllText(_folder["list"], list);
        return new([CertificateTrust.Configured(WriteAuthorities(authorities), _folder["list"], _clock)], rules, _clock);
    }

    private string WriteAuthorities(X509Certificate2[] authorities)
    {
        File.WriteAllText(_folder["authorities"], string.Join('\n', authorities.Select(a => a.ExportCertificatePem())));
        return _folder["authorities"];
    }

    private string List(X509Certificate2 authority, X509Certificate2[] revoked, TimeSpan? life = null, double begin = 0)
    {
        var list = new CertificateRevocationListBuilder();
        foreach (var r in revoked) list.AddEntry(r, _clock.GetUtcNow());
        var at = _clock.GetUtcNow().AddSeconds(begin);
        return PemEncoding.WriteString("X509 CRL", list.Build(authority, 1, at + (life ?? TimeSpan.FromDays(7)), HashAlgorithmName.SHA256, thisUpdate: at));
    }

    private X509Certificate2 NewAuthority(string name, X509Certificate2? issuer = null)
    {
        using var key = CertificateFactory.NewKey();
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        DateTimeOffset begin = _clock.GetUtcNow().AddDays(-1), end = begin.AddDays(1000);
        if (issuer is null) return request.CreateSelfSigned(begin, end);
        using var made = request.Create(issuer, begin, issuer.NotAfter, RandomNumberGenerator.GetBytes(8));
        return made.CopyWithPrivateKey(key);
    }

    private X509Certificate2 NewClient(X509Certificate2 authority, string name, string purpose = CertificateFactory.ClientAuthentication, string algorithm = "P-256", string? policy = null)
    {
        using var ec = CertificateFactory.NewKey();
        using var rsa = RSA.Create(1024);
        var request = algorithm == "P-256" ? new CertificateRequest("CN=" + name, ec, HashAlgorithmName.SHA256) : new("CN=" + name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (policy is not null)
        {
            var policies = new AsnWriter(AsnEncodingRules.DER);
            using (policies.PushSequence())
            using (policies.PushSequence()) policies.WriteObjectIdentifier(policy);
            request.CertificateExtensions.Add(new X509Extension("2.5.29.32", policies.Encode(), critical: false));
        }
        if (purpose.Length > 0) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(purpose)], false));
        return request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(authority.GetECDsaPrivateKey()!), _clock.GetUtcNow().AddMinutes(-1), _clock.GetUtcNow().AddDays(100), [0x40, .. RandomNumberGenerator.GetBytes(8)]);
    }
}
