using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Server.Identity;
using Warehouse.Tests;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>What a first start makes, and who its clients are.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class ServerIdentityTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public void First_start_makes_everything_private_and_the_second_uses_it()
    {
        using var folder = new TempFolder();
        string administrator;
        using (var first = ServerIdentity.Open(folder["server"], ["warehouse.example.org", "10.1.2.3"], _clock))
        {
            Assert.True(first.IsFirstStart);
            administrator = first.AdministratorId;
            Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(folder["server"]));
            Assert.All(Directory.GetFiles(folder["server"]), f => Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(f)));
            foreach (var name in new[] { "localhost", "127.0.0.1", "::1", "warehouse.example.org", "10.1.2.3" })
                Assert.True(first.ServerCertificate.MatchesHostname(name, allowWildcards: false, allowCommonName: false), name);
            Assert.True(first.ServerCertificate.HasPrivateKey);
            Assert.Contains("https://localhost:8443", first.ConnectLines(new("https://localhost:8443/"))[0], StringComparison.Ordinal);
            Assert.Equal([Role.DataSteward, Role.Operator], Assert.Single(first.Issued).Roles);
        }
        using var second = ServerIdentity.Open(folder["server"], ["warehouse.example.org", "10.1.2.3"], _clock);
        Assert.False(second.IsFirstStart);
        Assert.Equal(administrator, second.AdministratorId);
        Assert.Equal(administrator, CertificateFactory.IdOf(Pem(folder["server/administrator.pem"])));
    }

    /// <summary>Processes that start for the first time at once: one makes what the others find.</summary>
    [Fact]
    public async Task First_starts_at_once_make_one_authority_and_one_administrator()
    {
        for (var round = 0; round < 10; round++)
        {
            using var folder = new TempFolder();
            using var together = new Barrier(4);
            var starts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
            {
                together.SignalAndWait();
                using var identity = ServerIdentity.Open(folder["server"], [], _clock);
                return (identity.IsFirstStart, identity.Authority.Thumbprint, identity.AdministratorId);
            }, TaskCreationOptions.LongRunning)));
            Assert.Single(starts, s => s.IsFirstStart);
            Assert.Single(starts.Select(s => (s.Thumbprint, s.AdministratorId)).Distinct());
        }
    }

    [Fact]
    public void A_first_start_that_was_cut_off_is_a_first_start_again()
    {
        using var folder = new TempFolder();
        using (var first = Open(folder)) File.Delete(folder["server/clients.json"]);
        using var second = Open(folder);
        Assert.True(second.IsFirstStart);
        Assert.Equal(second.AdministratorId, CertificateFactory.IdOf(Pem(folder["server/administrator.pem"])));
    }

    [Theory]
    [InlineData("server", "state-folder-open")]
    [InlineData("server/authority.pem", "key-open")]
    [InlineData("server/server.pem", "key-open")]
    [InlineData("server/clients.json", "key-open")]
    public void What_others_can_read_is_refused(string opened, string code)
    {
        using var folder = new TempFolder();
        Open(folder).Dispose();
        File.SetUnixFileMode(folder[opened], File.GetUnixFileMode(folder[opened]) | UnixFileMode.GroupRead);
        Assert.Equal(code, Assert.Throws<InputException>(() => Open(folder)).Code);
    }

    /// <summary>Who may write to a folder above puts a folder of his own in the place of this one.</summary>
    [Fact]
    public void A_folder_that_another_account_could_replace_is_refused()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["a/b"]);
        const UnixFileMode Own = (UnixFileMode)0b111_101_101;
        foreach (var (mode, isRefused) in (IEnumerable<(UnixFileMode, bool)>)[(Own, false), (Own | UnixFileMode.GroupWrite, true), (Own | UnixFileMode.OtherWrite, true), (Own | UnixFileMode.OtherWrite | UnixFileMode.StickyBit, false)])
        {
            File.SetUnixFileMode(folder["a"], mode);
            Assert.Equal((mode, isRefused), (mode, IsRefused(folder["a/b/server"])));
        }
        // A link leads where it leads: what is above its target counts, and what is above itself.
        File.SetUnixFileMode(folder["a"], Own | UnixFileMode.GroupWrite);
        Directory.CreateSymbolicLink(folder["link"], folder["a/b"]);
        Assert.True(IsRefused(folder["link/server"]));
        File.SetUnixFileMode(folder["a"], Own);
        Assert.False(IsRefused(folder["link/server"]));
        Directory.CreateDirectory(folder["open"]);
        File.SetUnixFileMode(folder["open"], Own | UnixFileMode.GroupWrite);
        Directory.CreateSymbolicLink(folder["open/link"], folder["a/b"]);
        Assert.True(IsRefused(folder["open/link/server"]));
    }

    /// <summary>Who starts a server for the first time reads which folder it is, what it is like, what it must be like, and what to type; and that line does it.</summary>
    [Theory]
    [InlineData("a", "775", "its group may write to it", "g-w")]
    [InlineData("a", "757", "everybody may write to it", "o-w")]
    [InlineData("a b's", "777", "everybody may write to it", "go-w")]
    public void A_refused_folder_says_what_to_type(string name, string mode, string why, string rights)
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder[name + "/b"]);
        Peer.Output("chmod", mode, folder[name]);
        var path = folder[name + "/b/server"];
        var quoted = name == "a" ? folder[name] : $"'{folder[name].Replace("'", "'\\''", StringComparison.Ordinal)}'";
        var line = $"chmod {rights} {quoted}";
        Assert.Equal($"{path}: another account could put a folder of its own in its place: {quoted} has mode 0{mode}, so {why}, and must be writable by its owner alone, or have the sticky bit: {line}. Or name a folder elsewhere by --state [state-folder-parent]",
            Assert.Throws<InputException>(() => PrivateFolder.Open(path)).Message);
        Peer.Output("sh", "-c", line);
        PrivateFolder.Open(path);

        Peer.Output("chmod", "750", path);
        var open = Assert.Throws<InputException>(() => PrivateFolder.Open(path)).Message;
        var own = name == "a" ? path : quoted[..^1] + "/b/server'";
        Assert.Equal($"{path}: the state folder is open to others: its mode must be 0700, and is 0750: chmod 700 {own} [state-folder-open]", open);
        Peer.Output("sh", "-c", open[open.IndexOf("chmod", StringComparison.Ordinal)..open.LastIndexOf(" [", StringComparison.Ordinal)]);
        PrivateFolder.Open(path);
    }

    /// <summary>The folders that every machine has: root's, and the sticky one for everybody. A sticky folder of another account is that account's.</summary>
    [Fact]
    public void Folders_of_root_and_sticky_ones_are_no_danger()
    {
        var shared = Directory.CreateTempSubdirectory("sticky-").FullName;
        try
        {
            Peer.Output("chmod", "1777", shared);
            PrivateFolder.Open(Path.Combine(shared, "server"));
            if (!Environment.IsPrivilegedProcess) return; // nobody else can give a folder away
            Peer.Output("chown", "65533", shared);
            Assert.EndsWith($"{shared} belongs to account 65533, and must belong to account 0 or to root; as root: chown 0 {shared}. Or name a folder elsewhere by --state [state-folder-parent]",
                Assert.Throws<InputException>(() => PrivateFolder.Open(Path.Combine(shared, "server"))).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(shared, recursive: true);
        }
    }

    [Fact]
    public void A_folder_of_another_account_is_refused()
    {
        if (!Environment.IsPrivilegedProcess) return; // nobody else can give a folder away
        using var folder = new TempFolder();
        Open(folder).Dispose();
        Peer.Output("chown", "65533", folder["server"]);
        var refused = Assert.Throws<InputException>(() => Open(folder));
        Assert.Equal("state-folder-owner", refused.Code);
        Assert.Contains($"another account's (65533): it must be that of the account that the server runs as; as root: chown 0 {folder["server"]} [", refused.Message, StringComparison.Ordinal);
        Peer.Output("chown", "0", folder["server"]);
        Directory.CreateDirectory(folder["above"]);
        Peer.Output("chown", "65533", folder["above"]);
        Assert.True(IsRefused(folder["above/server"]));
    }

    private static bool IsRefused(string path)
    {
        try
        {
            PrivateFolder.Open(path);
            return false;
        }
        catch (InputException e) when (e.Code == "state-folder-parent")
        {
            return true;
        }
    }

    [Fact]
    public void A_lost_authority_is_not_made_anew_in_silence()
    {
        using var folder = new TempFolder();
        Open(folder).Dispose();
        File.Delete(folder["server/authority.pem"]);
        Assert.Equal("authority-missing", Assert.Throws<InputException>(() => Open(folder)).Code);
    }

    [Fact]
    public void Servers_certificate_is_renewed_thirty_days_before_it_ends_and_when_a_name_is_new()
    {
        using var folder = new TempFolder();
        using var identity = Open(folder);
        var first = identity.ServerCertificate;
        _clock.Advance(TimeSpan.FromDays(60) - TimeSpan.FromMinutes(1));
        Assert.False(identity.RenewWhenDue());
        Assert.Same(first, identity.ServerCertificate);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.True(identity.RenewWhenDue());
        Assert.Equal(_clock.GetUtcNow().AddDays(90), identity.ServerCertificate.NotAfter, TimeSpan.FromSeconds(2));
        using var named = ServerIdentity.Open(folder["server"], ["other.example.org"], _clock);
        Assert.True(named.ServerCertificate.MatchesHostname("other.example.org", allowWildcards: false, allowCommonName: false));
    }

    /// <summary>C18: nothing that is shown lasts by itself.</summary>
    [Fact]
    public void Administrators_certificate_ends_unless_somebody_renews_it_and_names_the_same_caller_then()
    {
        using var folder = new TempFolder();
        using var identity = Open(folder);
        Assert.Equal(identity.Issued[0].NotAfter, identity.AdministratorEnd);
        using var first = Pem(folder["server/administrator.pem"]);
        _clock.Advance(TimeSpan.FromDays(61));
        identity.RenewWhenDue();
        Assert.NotNull(Clients(identity).Find(first));
        _clock.Advance(TimeSpan.FromDays(30));
        identity.RenewWhenDue();
        Assert.Single(identity.Issued);
        Assert.Null(Clients(identity).Find(first));
        identity.RenewAdministrator();
        using var renewed = Pem(folder["server/administrator.pem"]);
        Assert.Equal(2, identity.Issued.Count);
        Assert.Equal(identity.AdministratorId, CertificateFactory.IdOf(renewed));
        Assert.Equal(_clock.GetUtcNow().AddDays(90), identity.AdministratorEnd!.Value, TimeSpan.FromSeconds(2));
        var caller = Clients(identity).Find(renewed)!.Caller;
        Assert.Equal((identity.AdministratorId, true), (caller.Id, caller.HasSecondFactor));
        Assert.Equal([Role.DataSteward, Role.Operator], caller.Roles.Order());
        identity.Revoke(identity.AdministratorId);
        Assert.Null(identity.AdministratorEnd);
        Assert.Equal("certificate-revoked", Assert.Throws<InputException>(identity.RenewAdministrator).Code);
    }

    [Fact]
    public void Openssl_verifies_certificates_and_list()
    {
        using var folder = new TempFolder();
        using var identity = Open(folder);
        var (pem, _) = identity.Issue("alice", 30);
        identity.Revoke("alice");
        File.WriteAllText(folder["alice.pem"], pem);
        string authority = folder["server/authority.crt"], list = folder["server/revoked.crl"];
        Peer.Output("openssl", "verify", "-x509_strict", "-CAfile", authority, "-purpose", "sslserver", "-verify_hostname", "localhost", folder["server/server.pem"]);
        Peer.Output("openssl", "verify", "-x509_strict", "-CAfile", authority, "-purpose", "sslclient", "-crl_check", "-CRLfile", list, folder["server/administrator.pem"]);
        Assert.Contains("certificate revoked", Peer.Run("openssl", "verify", "-CAfile", authority, "-crl_check", "-CRLfile", list, folder["alice.pem"]).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Commands_issue_list_and_revoke()
    {
        using var folder = new TempFolder();
        Assert.Equal((2, ""), Run("list", "--state", folder["lab.server"]));
        using var identity = ServerIdentity.Open(folder["lab.server"], [], _clock);
        Assert.Equal((2, ""), Run("revoke", "--state", folder["lab.server"], "administrator")); // no store, no log
        VariantStore.Create(new CreateOptions { Path = folder["lab"], Assembly = "GRCh38" }).Dispose();
        var (exit, id) = Run("issue", "--state", folder["lab.server"], "--name", "spoke-2", "--out", folder["spoke.pem"], "--days", "10", "--service", "--role", "spoke");
        Assert.Equal(0, exit);
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(folder["spoke.pem"]));
        using var spoke = Pem(folder["spoke.pem"]);
        var clients = Clients(identity);
        var caller = clients.Find(spoke)!.Caller;
        Assert.Equal((id, true, false), (caller.Id, caller.IsService, caller.HasSecondFactor));
        Assert.Equal((2, ""), Run("issue", "--state", folder["lab.server"], "--name", "machine", "--out", folder["again.pem"], "--service", "--second-factor"));
        Assert.Equal([Role.Spoke], caller.Roles);
        Assert.Equal((2, ""), Run("issue", "--state", folder["lab.server"], "--name", "spoke-2", "--out", folder["again.pem"]));
        Assert.Equal((2, ""), Run("issue", "--state", folder["lab.server"], "--name", "../x", "--out", folder["again.pem"]));
        Assert.Equal((2, ""), Run("issue", "--state", folder["lab.server"], "--name", "x", "--role", "king", "--out", folder["again.pem"]));
        Assert.Contains($"spoke-2\t{id}\t", Run("list", "--state", folder["lab.server"]).Output, StringComparison.Ordinal);
        Assert.Equal((0, "1"), Run("revoke", "--state", folder["lab.server"], "spoke-2"));
        Assert.Equal((1, ""), Run("revoke", "--state", folder["lab.server"], "spoke-2"));
        Assert.NotNull(clients.Find(spoke));
        _clock.PassCheck();
        Assert.Null(clients.Find(spoke));
    }

    /// <summary>Who has a certificate, and since when, stands in the audit log before it holds; where it cannot, nothing changes.</summary>
    [Fact]
    public void Changes_of_certificates_are_in_the_audit_log_before_they_hold()
    {
        using var folder = new TempFolder();
        VariantStore.Create(new CreateOptions { Path = folder["lab"], Assembly = "GRCh38" }).Dispose();
        using var identity = ServerIdentity.Open(folder["lab.server"], [], _clock);
        var (_, id) = Run("issue", "--state", folder["lab.server"], "--name", "alice", "--out", folder["alice.pem"], "--second-factor", "--role", "analyst");
        Assert.Equal(0, Run("renew", "--state", folder["lab.server"]).Exit);
        Assert.Equal((0, "1"), Run("revoke", "--state", folder["lab.server"], "alice"));
        var entries = Entries();
        Assert.Equal(
        [
            (AuditKind.Begin, "certificate issue", ""), (AuditKind.End, "certificate issue", "done"), (AuditKind.Begin, "certificate renew", ""), (AuditKind.End, "certificate renew", "done"),
            (AuditKind.Begin, "certificate revoke", ""), (AuditKind.End, "certificate revoke", "done"),
        ], entries.Select(e => (e.Kind, e.Verb, e.Outcome ?? "")));
        Assert.All(entries, e => Assert.Equal((Environment.UserName, "operator"), (e.Who, e.Role)));
        Assert.StartsWith(id + " until ", entries[0].Note, StringComparison.Ordinal);
        Assert.EndsWith(", second factor, analyst", entries[0].Note, StringComparison.Ordinal);
        Assert.StartsWith(identity.AdministratorId + " until ", entries[2].Note, StringComparison.Ordinal);
        Assert.StartsWith(id, entries[4].Note, StringComparison.Ordinal);
        Assert.DoesNotContain("alice", string.Concat(entries.Select(e => e.Note)), StringComparison.Ordinal);

        Run("issue", "--state", folder["lab.server"], "--name", "bob", "--out", folder["bob.pem"]);
        Directory.Move(folder["lab.audit"], folder["away"]);
        File.WriteAllText(folder["lab.audit"], ""); // no folder can be made there
        var before = File.ReadAllText(folder["lab.server/clients.json"]);
        Assert.Equal((5, ""), Run("issue", "--state", folder["lab.server"], "--name", "carol", "--out", folder["carol.pem"]));
        Assert.Equal((5, ""), Run("renew", "--state", folder["lab.server"]));
        Assert.Equal((5, ""), Run("revoke", "--state", folder["lab.server"], "bob"));
        Assert.False(File.Exists(folder["carol.pem"]));
        Assert.Equal(before, File.ReadAllText(folder["lab.server/clients.json"]));
        using var bob = Pem(folder["bob.pem"]);
        Assert.NotNull(Clients(identity).Find(bob));

        List<AuditEntry> Entries()
        {
            using var audit = StoreAudit.Open(folder["lab"], null, null);
            return [.. audit.Reader().Entries().Select(e => e.Entry).Where(e => e.Verb.StartsWith("certificate", StringComparison.Ordinal))];
        }
    }

    private (int Exit, string Output) Run(params string[] words)
    {
        using StringWriter output = new(), error = new();
        var exit = CertificateCommand.Run(words, output, error, _clock);
        return (exit, output.ToString().TrimEnd());
    }

    private ClientCertificates Clients(ServerIdentity identity) => new([CertificateTrust.Local(identity, _clock)], new(), _clock);

    private ServerIdentity Open(TempFolder folder) => ServerIdentity.Open(folder["server"], [], _clock);

    private static X509Certificate2 Pem(string path) => X509Certificate2.CreateFromPemFile(path);
}
