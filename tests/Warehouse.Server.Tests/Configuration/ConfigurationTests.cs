using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Tests;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Configuration;

/// <summary>The configuration file: what is not known is named with its place, and what is not safe does not start (C37).</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class ConfigurationTests : IDisposable
{
    private const string Issuer = """{"issuer": "https://idp.test", "audience": "a" """;
    private const string Directory = """{"host": "127.0.0.1", "bindName": "cn=x", "peopleBase": "ou=p", "groupsBase": "ou=g", "passwordFile": "secret" """;

    private readonly TempFolder _folder = new();

    public ConfigurationTests()
    {
        PrivateFolder.WriteFile(_folder["secret"], "long enough, and nobody's guess"u8);
        PrivateFolder.WriteFile(_folder["sample"], "changeme\n"u8);
        File.WriteAllText(_folder["open"], "long enough, and nobody's guess");
        File.SetUnixFileMode(_folder["open"], (UnixFileMode)0b110_100_100);
        File.WriteAllText(_folder["writable"], "{}");
        File.SetUnixFileMode(_folder["writable"], (UnixFileMode)0b110_110_110);
        File.CreateSymbolicLink(_folder["link"], _folder["writable"]);
        WritePair("one", "CN=one");
        WritePair("two", "CN=two");
        WritePair("snakeoil", "CN=ssl-cert-snakeoil");
        WritePair("development", "CN=localhost", "1.3.6.1.4.1.311.84.1.1");
        WritePair("shared", "CN=shared");
        File.SetUnixFileMode(_folder["shared.key"], (UnixFileMode)0b110_100_000);
        foreach (var (name, mode) in new[] { ("readable", 0b111_101_101), ("private", 0b111_000_000) })
            System.IO.Directory.CreateDirectory(_folder[name], (UnixFileMode)mode);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Nothing_configured_is_safe_and_so_is_everything_done_right()
    {
        ConfigurationCheck.Check(new(), _folder["store"]);
        var full = Read($$"""
            {
              // a comment
              "listen": {"address": "0.0.0.0", "port": 443, "names": ["warehouse.test", "10.0.0.1"], "tls": "1.2", "certificate": "one.pem", "key": "one.key"},
              "state": "private", "audit": {"folder": "private/audit"},
              "sessions": {"tokenMinutes": 5, "idleMinutes": 10, "administratorIdleMinutes": 5, "hours": 8},
              "clients": {"authorities": "one.pem", "revocationLists": "secret", "services": ["cert:{{new string('a', 64)}}"]},
              "issuers": [{{Issuer}}, "roles": {"wh": "data-steward"}, "directoryClaim": "uid", "clients": ["cli"], "login": {"client": "cli", "scope": "openid ask"} }],
              "directory": {{Directory}}},
              "collector": {"address": "https://collector.test:4317", "protocol": "grpc", "intervalSeconds": 10, "tracedPart": 1}
            }
            """);
        ConfigurationCheck.Check(full, _folder["store"]);
        Assert.Equal(Role.DataSteward, full.Issuers[0].Roles["wh"]);
        Assert.Equal(_folder["private"], full.Resolve(full.State!));
        using var pair = ConfigurationCheck.LoadPair(_folder["one.pem"], _folder["one.key"]);
        Assert.True(pair.HasPrivateKey);
    }

    public static TheoryData<string, string, string> Insecure => new()
    {
        { "tls-off", "listen.tls", """{"listen": {"address": "0.0.0.0", "tls": "off"}}""" },
        { "tls-version", "listen.tls", """{"listen": {"tls": "1.1"}}""" },
        { "tls-version", "listen.tls", """{"listen": {"tls": "1.0"}}""" },
        { "key-open", "", """{"listen": {"certificate": "shared.pem", "key": "shared.key"}}""" },
        { "certificate-key", "listen.key", """{"listen": {"certificate": "one.pem", "key": "two.key"}}""" },
        { "certificate-pair", "listen", """{"listen": {"certificate": "one.pem"}}""" },
        { "certificate-sample", "listen.certificate", """{"listen": {"certificate": "snakeoil.pem", "key": "snakeoil.key"}}""" },
        { "certificate-sample", "listen.certificate", """{"listen": {"certificate": "development.pem", "key": "development.key"}}""" },
        { "certificate-file", "listen.certificate", """{"listen": {"certificate": "secret", "key": "one.key"}}""" },
        { "state-folder-open", "state", """{"state": "readable"}""" },
        { "state-in-store", "state", """{"state": "store/server"}""" },
        { "audit-disabled", "audit.enabled", """{"audit": {"enabled": false}}""" },
        { "audit-in-store", "audit.folder", """{"audit": {"folder": "store/audit"}}""" },
        { "audit-folder-open", "audit.folder", """{"audit": {"folder": "readable"}}""" },
        { "not-a-folder", "audit.folder", """{"audit": {"folder": "secret"}}""" },
        { "no-folder", "audit.folder", """{"audit": {"folder": "nowhere/audit"}}""" },
        { "folder-shared", "audit.folder", """{"state": "private", "audit": {"folder": "private"}}""" },
        { "debug-errors", "debugErrors", """{"debugErrors": true}""" },
        { "token-life", "sessions.tokenMinutes", """{"sessions": {"tokenMinutes": 16}}""" },
        { "token-life", "sessions.tokenMinutes", """{"sessions": {"tokenMinutes": 0}}""" },
        { "session-idle", "sessions.idleMinutes", """{"sessions": {"idleMinutes": 31}}""" },
        { "session-idle", "sessions.administratorIdleMinutes", """{"sessions": {"administratorIdleMinutes": 16}}""" },
        { "session-life", "sessions.hours", """{"sessions": {"hours": 13}}""" },
        { "revocation-list-missing", "clients.revocationLists", """{"clients": {"authorities": "one.pem"}}""" },
        { "revocation-list-missing", "clients.revocationLists", """{"clients": {"authorities": "one.pem", "revocationLists": "nowhere"}}""" },
        { "clients-services", "clients.services", """{"clients": {"services": ["alice"]}}""" },
        { "clients-second-factor", "clients.secondFactorPolicies", """{"clients": {"secondFactorPolicies": ["2.5.29.32.0"]}}""" },
        { "clients-authorities", "clients.authorities", """{"clients": {"secondFactorPolicies": ["1.3.6.1.4.1.99999.7"]}}""" },
        { "issuer-http", "issuers[0].issuer", """{"issuers": [{"issuer": "http://idp.test", "audience": "a"}]}""" },
        { "issuer-http", "issuers[0].issuer", """{"issuers": [{"issuer": "http://127.0.0.1:1", "audience": "a"}]}""" },
        { "issuer-http", "issuers[0].issuer", """{"issuers": [{"issuer": "http://idp.test", "audience": "a", "isTest": true}]}""" },
        { "issuer", "issuers[0].issuer", """{"issuers": [{"issuer": "https://idp.test/a|b", "audience": "a"}]}""" },
        { "issuer-twice", "issuers[1].issuer", $$"""{"issuers": [{{Issuer}}}, {{Issuer}}}]}""" },
        { "audience", "issuers[0].audience", """{"issuers": [{"issuer": "https://idp.test"}]}""" },
        { "algorithm-none", "issuers[0].algorithms", $$"""{"issuers": [{{Issuer}}, "algorithms": ["ES256", "None"]}]}""" },
        { "algorithm-secret", "issuers[0].algorithms", $$"""{"issuers": [{{Issuer}}, "algorithms": ["HS256"]}]}""" },
        { "algorithm", "issuers[0].algorithms", $$"""{"issuers": [{{Issuer}}, "algorithms": ["RS1"]}]}""" },
        { "algorithm", "issuers[0].algorithms", $$"""{"issuers": [{{Issuer}}, "algorithms": []}]}""" },
        { "login-client", "issuers[0].login.client", $$"""{"issuers": [{{Issuer}}, "login": {} }]}""" },
        { "login-client", "issuers[0].login.client", $$"""{"issuers": [{{Issuer}}, "login": {"client": "cli"}, "clients": ["portal"]}]}""" },
        { "login-client", "issuers[0].login.client", $$"""{"issuers": [{{Issuer}}, "login": {"client": "cli"}, "serviceClients": ["cli"]}]}""" },
        { "directory", "issuers[0].directoryClaim", $$"""{"issuers": [{{Issuer}}, "directoryClaim": "uid"}]}""" },
        { "key-open", "", $$$"""{"directory": {{{Directory.Replace("\"secret\"", "\"open\"", StringComparison.Ordinal)}}}}}""" },
        { "password-sample", "directory.passwordFile", $$$"""{"directory": {{{Directory.Replace("\"secret\"", "\"sample\"", StringComparison.Ordinal)}}}}}""" },
        { "directory-clear", "directory.isTest", $$$"""{"directory": {{{Directory.Replace("127.0.0.1", "ldap.test", StringComparison.Ordinal)}}}, "isTest": true}}""" },
        { "second-factor", "issuers[0]", $$"""{"issuers": [{{Issuer}}, "secondFactorAmr": ["otp", "pwd"]}]}""" },
        { "second-factor", "issuers[0]", $$"""{"issuers": [{{Issuer}}, "secondFactorAcr": ["0"]}]}""" },
        { "second-factor", "issuers[0]", $$"""{"issuers": [{{Issuer}}, "secondFactorAcr": ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"]}]}""" },
        { "file-open", "issuers[0].keys", $$"""{"issuers": [{{Issuer}}, "keys": "writable"}]}""" },
        { "file-open", "issuers[0].authorities", $$"""{"issuers": [{{Issuer}}, "authorities": "link"}]}""" },
        { "file-open", "clients.authorities", """{"clients": {"authorities": "writable", "revocationLists": "secret"}}""" },
        { "file-open", "clients.revocationLists", """{"clients": {"authorities": "one.pem", "revocationLists": "writable"}}""" },
        { "revoked-tokens-missing", "revokedTokens", """{"revokedTokens": "mistyped"}""" },
        { "directory-authorities", "directory.authorities", $$$"""{"directory": {{{Directory}}}, "authorities": "mistyped"}}""" },
        { "directory-group", "directory.roles", $$$"""{"directory": {{{Directory}}}, "roles": {"laboratory": "reviewer"} } }""" },
        { "file-open", "revokedTokens", """{"revokedTokens": "writable"}""" },
        { "file-open", "listen.certificate", """{"listen": {"certificate": "writable", "key": "one.key"}}""" },
        { "authorities", "issuers[0].authorities", $$"""{"issuers": [{{Issuer}}, "authorities": "nowhere"}]}""" },
        { "authorities", "issuers[0].authorities", $$"""{"issuers": [{{Issuer}}, "authorities": "secret"}]}""" },
        { "collector-clear", "collector.address", """{"collector": {"address": "http://collector.test:4318"}}""" },
        { "collector-clear", "collector.address", """{"collector": {"address": "https://user:word@collector.test"}}""" },
        { "collector-clear", "collector.address", """{"collector": {}}""" },
        { "collector-protocol", "collector.protocol", """{"collector": {"address": "https://collector.test", "protocol": "udp"}}""" },
        { "collector-interval", "collector.intervalSeconds", """{"collector": {"address": "https://collector.test", "intervalSeconds": 0}}""" },
        { "collector-part", "collector.tracedPart", """{"collector": {"address": "https://collector.test", "tracedPart": 1.5}}""" },
        { "directory-cache", "directory.cacheSeconds", $$$"""{"directory": {{{Directory}}}, "cacheSeconds": 901}}""" },
    };

    public static TheoryData<string, string, string> OutOfRange => new()
    {
        { "limit", "limits.calls", """{"limits": {"calls": 0}}""" },
        { "limit", "limits.calls", """{"limits": {"calls": 100}}""" },
        { "limit", "limits.seenStreams", """{"limits": {"seenStreams": 0}}""" },
        { "limit", "limits.drainSeconds", """{"limits": {"drainSeconds": 0}}""" },
        { "limit", "limits.person.calls", """{"limits": {"person": {"calls": 0}}}""" },
        { "limit", "limits.person.callsPerSecond", """{"limits": {"person": {"callsPerSecond": 0}}}""" },
        { "limit", "limits.person.burst", """{"limits": {"person": {"burst": 0}}}""" },
        { "limit", "limits.person.scanUnitsPerMinute", """{"limits": {"person": {"scanUnitsPerMinute": 0}}}""" },
        { "limit", "limits.service.scanUnitsPerMinute", """{"limits": {"service": {"scanUnitsPerMinute": 9000000000000000000}}}""" },
        { "limit", "limits.service.calls", """{"limits": {"service": {"calls": -1}}}""" },
        { "limit", "limits.call.receiveBytes", """{"limits": {"call": {"receiveBytes": 1073741824}}}""" },
        { "limit", "limits.call.sendBytes", """{"limits": {"call": {"sendBytes": 1048576}}}""" },
        { "limit", "limits.call.seconds", """{"limits": {"call": {"seconds": 61}}}""" },
        { "limit", "limits.call.longestSeconds", """{"limits": {"call": {"longestSeconds": 601}}}""" },
        { "limit", "limits.call.streamIdleSeconds", """{"limits": {"call": {"streamIdleSeconds": 0}}}""" },
        { "limit", "limits.connection.connections", """{"limits": {"connection": {"connections": 1}}}""" },
        { "limit", "limits.connection.unknownSeconds", """{"limits": {"connection": {"unknownSeconds": 3600}}}""" },
        { "limit", "limits.connection.streams", """{"limits": {"connection": {"streams": 0}}}""" },
        { "limit", "limits.connection.headerFields", """{"limits": {"connection": {"headerFields": 1000}}}""" },
        { "limit", "limits.connection.headerBytes", """{"limits": {"connection": {"headerBytes": 1048576}}}""" },
        { "limit", "limits.connection.headerSeconds", """{"limits": {"connection": {"headerSeconds": 0}}}""" },
        { "limit", "limits.connection.handshakeSeconds", """{"limits": {"connection": {"handshakeSeconds": 61}}}""" },
        { "limit", "limits.connection.keepAliveSeconds", """{"limits": {"connection": {"keepAliveSeconds": 0}}}""" },
        { "limit", "limits.connection.pingSeconds", """{"limits": {"connection": {"pingSeconds": 0}}}""" },
        { "limit", "limits.connection.pingAnswerSeconds", """{"limits": {"connection": {"pingAnswerSeconds": 61}}}""" },
        { "limit", "limits.connection.slowReaderSeconds", """{"limits": {"connection": {"slowReaderSeconds": 0}}}""" },
        { "limit", "limits.connection.controlFrames", """{"limits": {"connection": {"controlFrames": 999}}}""" },
        { "limit", "limits.connection.replyBytesPerSecond", """{"limits": {"connection": {"replyBytesPerSecond": 0}}}""" },
        { "limit", "limits.strangers.calls", """{"limits": {"strangers": {"calls": 1}}}""" },
        { "limit", "limits.strangers.callsOfOne", """{"limits": {"strangers": {"callsOfOne": 33}}}""" },
        { "limit", "limits.strangers.seconds", """{"limits": {"strangers": {"seconds": 61}}}""" },
    };

    [Theory]
    [MemberData(nameof(Insecure))]
    [MemberData(nameof(OutOfRange))]
    public void What_is_not_safe_does_not_start(string code, string place, string json)
    {
        var e = Assert.Throws<InputException>(() => ConfigurationCheck.Check(Read(json), _folder["store"]));
        Assert.Equal((code, place), (e.Code, e.Place.Field));
    }

    [Fact]
    public void Each_refusal_has_a_message_of_its_own()
    {
        var messages = Insecure.Concat(OutOfRange).Select(row => ((string)row[0], Assert.Throws<InputException>(() => ConfigurationCheck.Check(Read((string)row[2]), _folder["store"])).Expected)).Distinct().ToList();
        Assert.True(messages.Select(m => m.Item1).Distinct().Count() >= 25);
        Assert.Empty(messages.GroupBy(m => m.Expected).Where(g => g.Count() > 1).SelectMany(g => g));
    }

    [Theory]
    [InlineData("DOTNET_DbgEnableMiniDump", "1", true)]
    [InlineData("COMPlus_DbgEnableMiniDump", "1", true)]
    [InlineData("DOTNET_EnableEventPipe", "1", true)]
    [InlineData("DOTNET_EnableEventPipe", "0", false)]
    [InlineData("DOTNET_Something", "1", false)]
    public void An_environment_that_writes_out_memory_is_refused(string name, string value, bool isRefused) => Assert.Equal(isRefused, ConfigurationCheck.WritesOut(n => n == name ? value : null) is not null);

    /// <summary>The program itself, as an administrator starts it: it says what is wrong and where, and has made, opened and answered nothing.</summary>
    [Theory]
    [InlineData("listen.tls", """{"listen": {"address": "0.0.0.0", "tls": "off"}}""")]
    [InlineData("listen.tls", """{"listen": {"tls": "1.1"}}""")]
    [InlineData("shared.key", """{"listen": {"certificate": "shared.pem", "key": "shared.key"}}""")]
    [InlineData("listen.certificate", """{"listen": {"certificate": "snakeoil.pem", "key": "snakeoil.key"}}""")]
    [InlineData("state", """{"state": "readable"}""")]
    [InlineData("audit.enabled", """{"audit": {"enabled": false}}""")]
    [InlineData("audit.folder", """{"audit": {"folder": "readable"}}""")]
    [InlineData("debugErrors", """{"debugErrors": true}""")]
    [InlineData("issuers[0].issuer", """{"issuers": [{"issuer": "http://idp.test", "audience": "a"}]}""")]
    [InlineData("issuers[0].algorithms", """{"issuers": [{"issuer": "https://idp.test", "audience": "a", "algorithms": ["ES256", "None"]}]}""")]
    [InlineData("directory.isTest", """{"directory": {"host": "ldap.test", "bindName": "cn=x", "peopleBase": "ou=p", "groupsBase": "ou=g", "passwordFile": "secret", "isTest": true}}""")]
    public void What_is_insecure_does_not_start_the_program(string place, string json)
    {
        VariantStore.Create(new CreateOptions { Path = _folder["store"], Assembly = "GRCh37" }).Dispose();
        File.WriteAllText(_folder["server.json"], json);
        var before = Names();
        var (exit, output, error) = Peer.Run(Path.Combine(TestData.ProjectRoot, "artifacts/bin/Warehouse.Server/release/warehouse-server"), _folder["store"], "--config", _folder["server.json"], "--check"); // one that starts ends too
        Assert.True((2, "") == (exit, output), $"{exit}: {output}{error}");
        Assert.Contains(place, error, StringComparison.Ordinal);
        Assert.DoesNotContain("\"Started\"", error, StringComparison.Ordinal);
        Assert.Equal(before, Names());

        string[] Names() => [.. System.IO.Directory.GetFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void A_configuration_that_everybody_can_change_is_refused()
    {
        var read = Read("{}");
        ConfigurationCheck.Check(read, _folder["store"]);
        File.SetUnixFileMode(_folder["server.json"], (UnixFileMode)0b110_100_110);
        Assert.Equal("file-open", Assert.Throws<InputException>(() => ConfigurationCheck.Check(read, _folder["store"])).Code);
    }

    [Theory]
    [InlineData("""{"listem": {}}""", "listem")]
    [InlineData("{\n\n\"listen\": {\"prt\": 1}}", "listen.prt")]
    [InlineData("""{"issuers": [{"issuer": "x", "audiense": "y"}]}""", "issuers[0].audiense")]
    [InlineData("""{"listen": {"port": 1, "port": 2}}""", "listen.port")]
    [InlineData("""{"listen": {"port": "1"}}""", "listen.port")]
    [InlineData("""{"listen": null}""", "listen")]
    [InlineData("""{"issuers": [{"roles": {"a": "king"}}]}""", "issuers[0].roles.a")]
    [InlineData("""{"issuers": [{"roles": {"a": 3}}]}""", "issuers[0].roles.a")]
    [InlineData("[]", "$")]
    [InlineData("{", "$")]
    [InlineData("null", "")]
    public void What_is_not_understood_is_named_with_its_place(string json, string place)
    {
        var e = Assert.Throws<InputException>(() => Read(json));
        Assert.Equal((place, "configuration"), (e.Place.Field, e.Code));
        Assert.Equal(json.Count(c => c == '\n') + 1, e.Place.Line);
    }

    [Fact]
    public void A_missing_file_is_named() => Assert.Equal("configuration", Assert.Throws<InputException>(() => ServerConfiguration.Read(_folder["nowhere"])).Code);

    private ServerConfiguration Read(string json)
    {
        File.WriteAllText(_folder["server.json"], json);
        return ServerConfiguration.Read(_folder["server.json"]);
    }

    private void WritePair(string name, string subject, string? extension = null)
    {
        using var key = CertificateFactory.NewKey();
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (extension is not null) request.CertificateExtensions.Add(new X509Extension(extension, [5, 0], false));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
        File.WriteAllText(_folder[name + ".pem"], certificate.ExportCertificatePem());
        PrivateFolder.WriteFile(_folder[name + ".key"], Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
    }
}
