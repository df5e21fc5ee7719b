using System.Text.Json.Nodes;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Units;
using Xunit;
using Detail = Warehouse.Engine.Access.Detail;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Groups of people, from a real directory.</summary>
public sealed class LdapDirectoryTests
{
    private readonly FakeClock _clock = new();

    [LdapFact]
    public async Task Groups_are_found_over_tls_with_the_groups_that_they_are_in_and_circles_end()
    {
        using var server = new LdapServer();
        using var directory = Open(server.Configuration with { Roles = new Dictionary<string, Role> { ["CN=Laboratory, OU=Groups, DC=test"] = Role.Reviewer, ["cn=bobs \\2A,ou=groups,dc=test"] = Role.Clinician } });
        var alice = await directory.FindAsync("alice", default);
        Assert.Equal(["cn=analysts,ou=groups,dc=test", "cn=hospital,ou=groups,dc=test", "cn=laboratory,ou=groups,dc=test"], alice!.Groups.Order());
        Assert.Equal([Role.Reviewer], alice.Roles);
        var bob = await directory.FindAsync("b(o)b*\\", default);
        Assert.Equal(["cn=bobs *,ou=groups,dc=test"], bob!.Groups);
        Assert.Equal([Role.Clinician], bob.Roles);
        Assert.Empty((await directory.FindAsync("carol", default))!.Groups);
        foreach (var nobody in new[] { "*", "dave", "alice)(uid=*", "", "\0", "a*", "(", "é" }) Assert.Null(await directory.FindAsync(nobody, default));
    }

    [LdapFact]
    public async Task Somebody_is_one_entry_or_nobody_by_name_and_by_attribute()
    {
        using var server = new LdapServer();
        using var byMail = Open(server.Configuration with { PeopleAttribute = "mail" });
        Assert.Null(await byMail.FindAsync("shared@example.org", default));
        using var byName = Open(server.Configuration with { PeopleAttribute = null });
        Assert.Equal(3, (await byName.FindAsync("uid=alice,ou=people,dc=test", default))!.Groups.Count);
        foreach (var nobody in new[] { "uid=dave,ou=people,dc=test", "cn=analysts,ou=groups,dc=test", "ou=people,dc=test", "no name", "dc=test" }) Assert.Null(await byName.FindAsync(nobody, default));
    }

    [LdapFact]
    public async Task Answers_are_used_again_for_their_time_and_a_directory_that_came_back_is_asked_anew()
    {
        using var server = new LdapServer();
        using var directory = Open(server.Configuration);
        Assert.NotNull(await directory.FindAsync("alice", default));
        server.Stop();
        _clock.Advance(59);
        Assert.NotNull(await directory.FindAsync("alice", default));
        await Assert.ThrowsAsync<DirectoryUnavailableException>(() => directory.FindAsync("carol", default).AsTask());
        _clock.Advance(2);
        await Assert.ThrowsAsync<DirectoryUnavailableException>(() => directory.FindAsync("alice", default).AsTask());
        server.Start();
        Assert.NotNull(await directory.FindAsync("alice", default));
    }

    [LdapFact]
    public async Task An_untrusted_certificate_and_a_wrong_password_are_no_answer()
    {
        using var server = new LdapServer();
        using var folder = new TempFolder();
        using LdapDirectory untrusting = Open(server.Configuration with { Authorities = folder.Path }), wrong = Open(server.Configuration with { PasswordFile = server.WriteOtherPassword() }), clear = Open(server.Configuration with { Port = server.ClearPort });
        foreach (var directory in new[] { untrusting, wrong, clear })
            await Assert.ThrowsAsync<DirectoryUnavailableException>(() => directory.FindAsync("alice", default).AsTask());
        using var test = Open(server.Configuration with { Port = server.ClearPort, IsTest = true });
        Assert.NotNull(await test.FindAsync("alice", default));
    }

    [LdapFact]
    public async Task A_tokens_person_gets_roles_and_groups_of_the_directory_and_a_stranger_to_it_is_refused()
    {
        using var server = new LdapServer();
        using var folder = new TempFolder();
        using var mint = new TokenMint(_clock);
        File.WriteAllText(folder["keys"], mint.Keys());
        using var directory = Open(server.Configuration with { Roles = new Dictionary<string, Role> { ["analysts"] = Role.Analyst }, GroupAttribute = "cn" });
        using var tokens = new AccessTokens(new() { Issuers = [TokenMint.Rules(folder["keys"]) with { DirectoryClaim = "login" }] }, new(new(), _clock), directory, _clock);
        async Task<Caller> ReadAsync(string login)
        {
            var token = mint.Make(c => (c["login"], c["groups"]) = (login, new JsonArray("of the issuer")));
            return (await tokens.ReadAsync(token, TokenDigest.Of(token), default)).Caller;
        }
        var caller = await ReadAsync("alice");
        Assert.Equal(["analysts", "hospital", "laboratory", "of the issuer"], caller.Groups.Order());
        Assert.Equal([Role.Analyst], caller.Roles);
        Assert.Equal("directory", (await Assert.ThrowsAsync<TokenRefusedException>(() => ReadAsync("dave"))).Message);
        server.Stop();
        await Assert.ThrowsAsync<DirectoryUnavailableException>(() => ReadAsync("carol"));
    }

    /// <summary>The whole way: a token of the issuer, a group of the directory, a role by the configuration, grants to that role and to a group, answers of the server.</summary>
    [LdapFact]
    public async Task The_server_answers_people_by_the_groups_that_they_are_in()
    {
        using var server = new LdapServer();
        using var mint = new TokenMint(TimeProvider.System);
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 40, configure: folder =>
        {
            File.WriteAllText(folder["keys"], mint.Keys());
            return new()
            {
                Issuers = [TokenMint.Rules(folder["keys"]) with { DirectoryClaim = "login" }],
                Directory = server.Configuration with { Roles = new Dictionary<string, Role> { ["analysts"] = Role.Analyst }, GroupAttribute = "cn" },
            };
        });
        var client = new V1.Variants.VariantsClient(served.Channel(null));
        async Task<StatusCode> AskAsync(string login)
        {
            try
            {
                await client.SeenAsync(new() { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } }, new Metadata { { "authorization", "Bearer " + mint.Make(c => (c["sub"], c["login"]) = ("of " + login, login)) } });
                return StatusCode.OK;
            }
            catch (RpcException e)
            {
                return e.StatusCode;
            }
        }
        var ofRole = served.Grant(Subject.Parse("role:analyst"), null, Detail.Record);
        Assert.Equal((StatusCode.OK, StatusCode.PermissionDenied, StatusCode.Unauthenticated), (await AskAsync("alice"), await AskAsync("carol"), await AskAsync("dave")));
        served.Owner((store, owner) =>
        {
            store.Revoke(owner, ofRole);
            return true;
        });
        Assert.Equal(StatusCode.PermissionDenied, await AskAsync("alice"));
        served.Grant(Subject.Parse("group:hospital"), null, Detail.Record);
        Assert.Equal((StatusCode.OK, StatusCode.PermissionDenied), (await AskAsync("alice"), await AskAsync("carol")));
        Assert.Contains(served.Entries(), e => e.Who == $"oidc:{TokenMint.Issuer}|of alice" && e.Outcome == "done");
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a*b", @"a\2ab")]
    [InlineData(@"\()*", @"\5c\28\29\2a")]
    [InlineData("\0", @"\00")]
    public void Values_of_filters_are_escaped(string value, string escaped) => Assert.Equal(escaped, LdapDirectory.EscapeFilter(value));

    [Theory]
    [InlineData("uid=a,ou=people,dc=test", true)]
    [InlineData("uid=a, OU=People, dc=test", true)]
    [InlineData(@"uid=a\\,ou=people,dc=test", true)]
    [InlineData(@"uid=a\,ou=people,dc=test", false)]
    [InlineData("ou=people,dc=test", false)]
    [InlineData("uid=a,ou=others,dc=test", false)]
    public void An_entry_lies_below_another_by_whole_names(string name, bool isBelow) => Assert.Equal(isBelow, DistinguishedName.IsBelow(name, "ou=people,dc=test"));

    [Theory]
    [InlineData("cn=A,ou=g,dc=test", "CN=a, OU=G , dc=TEST", true)]
    [InlineData("cn=a b,dc=test", "cn= a   b ,dc=test", true)]
    [InlineData(@"cn=a\,b,dc=test", @"cn=a\2cb,dc=test", true)]
    [InlineData(@"cn=a\,b,dc=test", "cn=a,b=c,dc=test", false)]
    [InlineData("cn=a+uid=1,dc=test", "UID=1+cn=a,dc=test", true)]
    [InlineData("cn=a,dc=test", "cn=a,ou=other,dc=test", false)]
    [InlineData("OID.2.5.4.3=a,dc=test", "2.5.4.3=a,dc=test", true)]
    [InlineData(@"cn=\c3\a4,dc=test", "cn=Ä,dc=test", true)]
    [InlineData(@"cn=\#a,dc=test", @"cn=\23A,dc=test", true)]
    [InlineData(@"cn=a\5c,dc=test", @"cn=a\\,dc=test", true)]
    public void Distinguished_names_are_equal_by_their_rules(string one, string other, bool areEqual) => Assert.Equal(areEqual, DistinguishedName.TryNormalize(one)! == DistinguishedName.TryNormalize(other)!);

    [Theory]
    [InlineData("")]
    [InlineData("laboratory")]
    [InlineData("cn=a,")]
    [InlineData("=a,dc=test")]
    [InlineData("c n=a")]
    [InlineData("cn=a\\")]
    [InlineData("cn=a;dc=test")]
    [InlineData("cn=\"a\"")]
    public void What_is_no_distinguished_name_is_refused(string text) => Assert.Null(DistinguishedName.TryNormalize(text));

    /// <summary>Who may make groups somewhere makes one that is called as another one is called elsewhere.</summary>
    [LdapFact]
    public async Task A_group_of_the_same_name_elsewhere_is_another_group()
    {
        using var server = new LdapServer();
        using var directory = Open(server.Configuration with { GroupsBase = "dc=test", Roles = new Dictionary<string, Role> { ["cn=laboratory,ou=groups,dc=test"] = Role.Reviewer } });
        Assert.Equal([Role.Reviewer], (await directory.FindAsync("alice", default))!.Roles);
        var carol = (await directory.FindAsync("carol", default))!;
        Assert.Contains("cn=laboratory,ou=people,dc=test", carol.Groups);
        Assert.Empty(carol.Roles);
    }

    [Fact]
    public void Settings_of_the_library_that_weaken_the_check_of_the_directory_are_named()
    {
        using var folder = new TempFolder();
        Assert.Null(LdapDirectory.WeakenedBy(_ => null, [folder["none"]]));
        foreach (var name in (string[])["LDAPTLS_REQCERT", "LDAPTLS_REQSAN", "LDAPCONF", "LDAPRC"]) Assert.Equal(name, LdapDirectory.WeakenedBy(n => n == name ? "x" : null, []));
        foreach (var (line, weak) in (IEnumerable<(string, bool)>)[("TLS_REQCERT never", true), ("  tls_reqcert\tallow", true), ("TLS_REQSAN never", true), ("TLS_REQCERT demand", false), ("TLS_REQCERT hard", false), ("# TLS_REQCERT never", false), ("TLS_CACERT /x", false)])
        {
            File.WriteAllText(folder["ldaprc"], "BASE dc=test\n" + line + "\n");
            Assert.Equal(weak, LdapDirectory.WeakenedBy(_ => null, [folder["ldaprc"]]) is not null);
        }
    }

    private LdapDirectory Open(DirectoryConfiguration rules) => new(new ServerConfiguration { Directory = rules }, _clock);
}
