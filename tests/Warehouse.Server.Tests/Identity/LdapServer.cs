using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Tests;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>A test with Debian's slapd: skipped where it is not installed, unless peers are required.</summary>
public sealed class LdapFactAttribute : FactAttribute
{
    public LdapFactAttribute()
    {
        if (!TestData.Required && !File.Exists(LdapServer.Program)) Skip = "slapd is not installed";
    }
}

/// <summary>A directory of a few people and groups, over TLS and in clear text on loopback ports, as long as this lives.</summary>
internal sealed class LdapServer : IDisposable
{
    public const string Program = "/usr/sbin/slapd", Password = "a password of a test";

    private const string Entries = """
        dn: dc=test
        objectClass: dcObject
        objectClass: organization
        o: test
        dc: test

        dn: ou=people,dc=test
        objectClass: organizationalUnit
        ou: people

        dn: ou=groups,dc=test
        objectClass: organizationalUnit
        ou: groups

        dn: uid=alice,ou=people,dc=test
        objectClass: inetOrgPerson
        uid: alice
        cn: Alice
        sn: A
        mail: shared@example.org

        dn: uid=b(o)b*\5C,ou=people,dc=test
        objectClass: inetOrgPerson
        uid: b(o)b*\
        cn: Bob
        sn: B
        mail: shared@example.org

        dn: uid=carol,ou=people,dc=test
        objectClass: inetOrgPerson
        uid: carol
        cn: Carol
        sn: C

        dn: cn=analysts,ou=groups,dc=test
        objectClass: groupOfNames
        cn: analysts
        member: uid=alice,ou=people,dc=test

        dn: cn=laboratory,ou=groups,dc=test
        objectClass: groupOfNames
        cn: laboratory
        member: cn=analysts,ou=groups,dc=test
        member: cn=hospital,ou=groups,dc=test

        dn: cn=hospital,ou=groups,dc=test
        objectClass: groupOfNames
        cn: hospital
        member: cn=laboratory,ou=groups,dc=test

        dn: cn=laboratory,ou=people,dc=test
        objectClass: groupOfNames
        cn: laboratory
        member: uid=carol,ou=people,dc=test

        dn: cn=bobs \2A,ou=groups,dc=test
        objectClass: groupOfNames
        cn: bobs *
        member: uid=b(o)b*\5C,ou=people,dc=test

        """;

    private readonly TempFolder _folder = new();
    private Process? _process;

    public LdapServer()
    {
        (ClearPort, Port) = (FreePort(), FreePort());
        Authorities = Directory.CreateDirectory(_folder["authorities"]).FullName;
        using var authority = CertificateFactory.NewAuthority("directory", DateTimeOffset.UtcNow, TimeSpan.FromDays(10));
        using var certificate = CertificateFactory.NewServer(authority, ["127.0.0.1"], DateTimeOffset.UtcNow, TimeSpan.FromDays(5));
        File.WriteAllText(Path.Combine(Authorities, "authority.pem"), authority.ExportCertificatePem());
        Peer.Output("openssl", "rehash", Authorities);
        File.WriteAllText(_folder["server.pem"], certificate.ExportCertificatePem());
        File.WriteAllText(_folder["server.key"], System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions.GetECDsaPrivateKey(certificate)!.ExportPkcs8PrivateKeyPem());
        Directory.CreateDirectory(_folder["data"]);
        File.WriteAllText(_folder["slapd.conf"], $"""
            include /etc/ldap/schema/core.schema
            include /etc/ldap/schema/cosine.schema
            include /etc/ldap/schema/inetorgperson.schema
            pidfile {_folder["pid"]}
            modulepath /usr/lib/ldap
            moduleload back_mdb
            TLSCACertificateFile {Path.Combine(Authorities, "authority.pem")}
            TLSCertificateFile {_folder["server.pem"]}
            TLSCertificateKeyFile {_folder["server.key"]}
            database mdb
            suffix "dc=test"
            rootdn "cn=reader,dc=test"
            rootpw "{Password}"
            directory {_folder["data"]}

            """);
        File.WriteAllText(_folder["init.ldif"], Entries);
        PrivateFolder.WriteFile(_folder["password"], System.Text.Encoding.UTF8.GetBytes(Password + "\n"));
        var (exit, _, error) = Peer.Run("/usr/sbin/slapadd", "-f", _folder["slapd.conf"], "-l", _folder["init.ldif"]);
        Assert.True(exit == 0, error);
        Start();
    }

    public int Port { get; }

    public int ClearPort { get; }

    public string Authorities { get; }

    /// <summary>How to reach it.</summary>
    public DirectoryConfiguration Configuration => new()
    {
        Host = "127.0.0.1",
        Port = Port,
        Authorities = Authorities,
        BindName = "cn=reader,dc=test",
        PasswordFile = _folder["password"],
        PeopleBase = "ou=people,dc=test",
        GroupsBase = "ou=groups,dc=test",
        CacheSeconds = 60,
    };

    public void Start()
    {
        _process = Process.Start(new ProcessStartInfo(Program) { ArgumentList = { "-f", _folder["slapd.conf"], "-h", $"ldap://127.0.0.1:{ClearPort}/ ldaps://127.0.0.1:{Port}/", "-d", "conns" }, RedirectStandardError = true })!;
        // It says so when it listens on all ports; what it says afterwards is read so that it can go on.
        var listens = new TaskCompletionSource<bool>();
        _process.ErrorDataReceived += (_, said) =>
        {
            if (said.Data is not { } line) listens.TrySetResult(false);
            else if (line.Contains("daemon: epoll: listen=", StringComparison.Ordinal)) listens.TrySetResult(true);
        };
        _process.BeginErrorReadLine();
        Assert.True(listens.Task.GetAwaiter().GetResult(), "slapd does not start");
    }

    public void Stop()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
    }

    /// <summary>A password that is not the account's.</summary>
    public string WriteOtherPassword()
    {
        PrivateFolder.WriteFile(_folder["other"], "not the password"u8);
        return _folder["other"];
    }

    public void Dispose()
    {
        Stop();
        _folder.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
