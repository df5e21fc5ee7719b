using System.Text.Json;
using System.Text.Json.Nodes;
using Warehouse.Client.Login;
using Warehouse.Engine.Access;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Tests;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Against a foreign identity provider: its tokens are taken, and what its library makes of them is not.</summary>
public sealed class IdentityProviderTests
{
    private const string Package = "oidc-provider";

    private static readonly string[] HostileKinds = ["none", "secret", "stranger", "jwk", "jku", "kid", "crit", "typ", "audience", "issuer", "expired", "not-yet", "long", "other-certificate"];

    [NodeFact(Package)]
    public async Task Its_tokens_are_taken_plain_proven_and_bound_and_hostile_ones_get_one_answer()
    {
        using var provider = await IdentityProvider.StartAsync();
        await using var host = await StartAsync(provider);
        using var administrator = host.Administrator();
        var plain = await provider.TokenAsync("pipeline");
        Assert.Equal($"oidc:{provider.Issuer}|pipeline", await host.AskAsync(null, ("authorization", "Bearer " + plain)));

        var proven = await provider.TokenAsync("prover", key: "a");
        var url = $"{host.Address.GetLeftPart(UriPartial.Authority)}/warehouse.v1.Store/Info";
        async Task<string> ProveAsync(string key) => (await provider.DoAsync(new() { ["do"] = "proof", ["key"] = key, ["token"] = proven, ["url"] = url })).GetProperty("proof").GetString()!;
        var proof = await ProveAsync("a");
        Assert.Equal($"oidc:{provider.Issuer}|prover", await host.AskAsync(null, ("authorization", "DPoP " + proven), ("dpop", proof)));
        var others = await ProveAsync("b");
        await AuthenticatorTests.AssertRefusedAsync(() => host.AskAsync(null, ("authorization", "DPoP " + proven), ("dpop", proof)));
        await AuthenticatorTests.AssertRefusedAsync(() => host.AskAsync(null, ("authorization", "DPoP " + proven), ("dpop", others)));
        await AuthenticatorTests.AssertRefusedAsync(() => host.AskAsync(null, ("authorization", "Bearer " + proven)));

        var bound = await provider.TokenAsync("bound", certificate: administrator.ExportCertificatePem());
        Assert.Equal($"oidc:{provider.Issuer}|bound", await host.AskAsync(administrator, ("authorization", "Bearer " + bound)));
        await AuthenticatorTests.AssertRefusedAsync(() => host.AskAsync(null, ("authorization", "Bearer " + bound)));

        using var http = new HttpClient();
        var keys = JsonNode.Parse(await http.GetStringAsync(provider.Issuer + "/jwks"));
        async Task<string> HostileAsync(string kind) =>
            (await provider.DoAsync(new() { ["do"] = "hostile", ["kind"] = kind, ["token"] = plain, ["keys"] = keys!.DeepClone(), ["certificate"] = administrator.ExportCertificatePem() })).GetProperty("token").GetString()!;
        Assert.NotNull(await host.AskAsync(null, ("authorization", "Bearer " + await HostileAsync("good"))));
        foreach (var kind in HostileKinds)
        {
            var hostile = await HostileAsync(kind);
            await AuthenticatorTests.AssertRefusedAsync(() => host.AskAsync(null, ("authorization", "Bearer " + hostile)));
        }
    }

    [NodeFact(Package)]
    public async Task A_new_key_is_fetched_once_a_minute_at_most_and_old_tokens_end_with_their_key()
    {
        var clock = new FakeClock();
        using var provider = await IdentityProvider.StartAsync();
        using var tokens = Tokens(provider, clock);
        async Task<string> ReadAsync(string token) => (await tokens.ReadAsync(token, TokenDigest.Of(token), default)).Caller.Id;
        Assert.NotNull(await ReadAsync(await provider.TokenAsync("pipeline")));
        await provider.DoAsync(new() { ["do"] = "rotate" });
        var token = await provider.TokenAsync("pipeline");
        Assert.Equal("key", (await Assert.ThrowsAsync<TokenRefusedException>(() => ReadAsync(token))).Message);
        clock.Advance(61);
        Assert.NotNull(await ReadAsync(token));
    }

    [NodeFact(Package)]
    public async Task Last_keys_count_while_the_provider_is_away_and_for_a_day_at_most()
    {
        var clock = new FakeClock();
        AccessTokens tokens;
        string token;
        Func<bool> hasKey;
        using (var provider = await IdentityProvider.StartAsync())
        {
            tokens = Tokens(provider, clock);
            token = await provider.TokenAsync("pipeline");
            hasKey = (await tokens.ReadAsync(token, TokenDigest.Of(token), default)).HasKey;
        }
        using (tokens)
        {
            clock.Advance(500);
            Assert.NotNull(await tokens.ReadAsync(token, TokenDigest.Of(token), default));
            clock.Advance(TimeSpan.FromHours(23));
            Assert.True(hasKey());
            clock.Advance(TimeSpan.FromHours(1));
            Assert.False(hasKey());
        }
    }

    [NodeFact(Package)]
    public async Task A_person_logs_in_by_another_device()
    {
        using var provider = await IdentityProvider.StartAsync();
        using var http = new HttpClient();
        var login = new DeviceLoginOptions { Issuer = new(provider.Issuer), Client = "cli", Audience = IdentityProvider.Audience, Scope = "openid ask", Clock = new HurriedClock() };
        Task<JsonElement>? approving = null;
        var token = await new DeviceLogin(http, login).RunAsync(prompt => approving = provider.DoAsync(new() { ["do"] = "approve", ["code"] = prompt.Code }));
        await approving!;
        using var tokens = Tokens(provider, TimeProvider.System);
        var caller = (await tokens.ReadAsync(token.Token, TokenDigest.Of(token.Token), default)).Caller;
        Assert.Equal($"oidc:{provider.Issuer}|alice", caller.Id);
        Assert.True(caller is { HasSecondFactor: true, IsService: false });
        Assert.Equal([Role.Analyst], caller.Roles);

        var denied = await Assert.ThrowsAsync<LoginException>(() => new DeviceLogin(http, login).RunAsync(prompt => approving = provider.DoAsync(new() { ["do"] = "approve", ["code"] = prompt.Code, ["deny"] = true })));
        Assert.Equal("access_denied", denied.Code);
    }

    private static ServerConfiguration ConfigurationOf(IdentityProvider provider) => new()
    {
        Issuers =
        [
            new()
            {
                Issuer = provider.Issuer,
                Audience = IdentityProvider.Audience,
                IsTest = true,
                Roles = new Dictionary<string, Role> { ["wh-analyst"] = Role.Analyst },
                SecondFactorAmr = ["otp"],
                ServiceClients = ["pipeline", "prover", "bound"],
            },
        ],
    };

    private static AccessTokens Tokens(IdentityProvider provider, TimeProvider clock) => new(ConfigurationOf(provider), new(new(), clock), null, clock);

    private static Task<IdentityHost> StartAsync(IdentityProvider provider) =>
        IdentityHost.StartAsync(TimeProvider.System, parts => parts with { Tokens = new(ConfigurationOf(provider), parts.Sessions, null, parts.Clock) });
}
