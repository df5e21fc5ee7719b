using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Warehouse.Engine.Access;
using Warehouse.Server.Identity;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Access tokens: which are taken, what is read from them, and that all others get the one answer.</summary>
public sealed class AccessTokenTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task A_good_token_names_issuer_and_subject_with_every_algorithm()
    {
        string[] algorithms = ["ES256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
        await using var host = await TokenHost.StartAsync(_clock, i => i with { Algorithms = algorithms });
        foreach (var algorithm in algorithms)
        {
            var token = host.Mint.Make(header: h => (h["alg"], h["kid"]) = (algorithm, algorithm == "ES256" ? "ec" : "rsa"));
            for (var i = 0; i < 2; i++) Assert.Equal("oidc:https://issuer.test|alice", await host.AskAsync(token));
        }
        Assert.NotNull(await host.AskAsync(host.Mint.Make(c => c["aud"] = new JsonArray("other", TokenMint.Audience), h => h["typ"] = "application/AT+JWT")));
        Assert.NotNull(await host.AskAsync(host.Mint.Make(header: h => h.Remove("kid"))));
        var longest = "oidc:https://issuer.test|" + new string('a', 256 - "oidc:https://issuer.test|".Length);
        Assert.Equal(longest, await host.AskAsync(host.Mint.Make(c => c["sub"] = longest["oidc:https://issuer.test|".Length..])));
        Assert.NotNull(await host.AskAsync(host.Mint.Make(), scheme: "bEARER"));
        Assert.Empty(host.Host.Reasons);
    }

    [Theory]
    [InlineData("ES384", 384)]
    [InlineData("ES512", 521)]
    public void Longer_curves_verify_too(string algorithm, int bits)
    {
        using var key = ECDsa.Create(bits == 384 ? ECCurve.NamedCurves.nistP384 : ECCurve.NamedCurves.nistP521);
        var jwk = JsonKey.TryRead(System.Text.Json.JsonSerializer.SerializeToElement(TokenMint.JwkOf(key)))!;
        var found = SignatureAlgorithm.Find(algorithm)!;
        var signature = key.SignData([1, 2, 3], found.Hash);
        Assert.True(jwk.Verifies(found, [1, 2, 3], signature));
        Assert.False(jwk.Verifies(found, [1, 2, 4], signature));
        Assert.False(jwk.Verifies(SignatureAlgorithm.Find("ES256")!, [1, 2, 3], signature));
        Assert.False(jwk.Verifies(found, [1, 2, 3], key.SignData([1, 2, 3], found.Hash, DSASignatureFormat.Rfc3279DerSequence)));
    }

    [Fact]
    public async Task Hostile_tokens_get_one_answer()
    {
        await using var host = await TokenHost.StartAsync(_clock);
        var mint = host.Mint;
        var good = mint.Make();
        Assert.NotNull(await host.AskAsync(good));
        using var other = new TokenMint(_clock);
        var cases = HostileHeaders(mint, other, good).Concat(HostileClaims(mint)).Concat(HostileForms(mint, good));
        foreach (var (reason, token) in cases)
            await host.AssertRefusedAsync(reason, token);
        foreach (var scheme in new[] { "Basic", "Bearer,", "", "DPoPBearer" }) await host.AssertRefusedAsync("scheme", good, scheme: scheme);
        await AuthenticatorTests.AssertRefusedAsync(() => host.Host.AskAsync(null, ("authorization", "Bearer " + good), ("authorization", "Bearer " + good)));
        await AuthenticatorTests.AssertRefusedAsync(() => host.Host.AskAsync(null, ("authorization", "Bearer")));
        Assert.NotNull(await host.AskAsync(good));
    }

    [Fact]
    public async Task Signatures_have_one_spelling_and_no_changed_byte_passes()
    {
        using var folder = new TempFolder();
        using var mint = new TokenMint(_clock);
        File.WriteAllText(folder["keys"], mint.Keys());
        using var tokens = new AccessTokens(new() { Issuers = [TokenMint.Rules(folder["keys"])] }, new(new(), _clock), null, _clock);
        var good = mint.Make();
        Assert.NotNull(await tokens.ReadAsync(good, TokenDigest.Of(good), default));
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 3000; i++)
        {
            var changed = good.ToCharArray();
            for (var n = random.Next(1, 4); n > 0; n--) changed[random.Next(changed.Length)] = (char)random.Next(0x20, 0x7F);
            var text = new string(changed);
            if (text == good) continue;
            var e = await Record.ExceptionAsync(() => tokens.ReadAsync(text, TokenDigest.Of(text), default).AsTask());
            Assert.True(e is TokenRefusedException, $"seed {seed}: {e?.GetType().Name ?? "taken"}: {text}");
        }
    }

    [Fact]
    public async Task Claims_become_roles_groups_attributes_and_a_second_factor_as_configured()
    {
        using var folder = new TempFolder();
        using var mint = new TokenMint(_clock);
        File.WriteAllText(folder["keys"], mint.Keys());
        var rules = TokenMint.Rules(folder["keys"]) with
        {
            Roles = new Dictionary<string, Role> { ["wh-analyst"] = Role.Analyst, ["lab"] = Role.LabDirector },
            Attributes = new Dictionary<string, string> { ["department"] = "dept" },
            SecondFactorAcr = ["mfa"],
            SecondFactorAmr = ["otp", "hwk"],
            ServiceClients = ["pipeline"],
        };
        using var tokens = new AccessTokens(new() { Issuers = [rules] }, new(new(), _clock), null, _clock);
        async Task<Caller> CallerOf(Action<JsonObject> change)
        {
            var token = mint.Make(change);
            return (await tokens.ReadAsync(token, TokenDigest.Of(token), default)).Caller;
        }
        var caller = await CallerOf(c => (c["roles"], c["groups"], c["dept"], c["amr"]) = (new JsonArray("wh-analyst", "operator"), new JsonArray("lab", "x"), "onco", new JsonArray("pwd", "otp")));
        Assert.Equal([Role.LabDirector, Role.Analyst], caller.Roles.Order());
        Assert.Equal(["lab", "x"], caller.Groups.Order());
        Assert.Equal("onco", caller.Attributes["department"]);
        Assert.True(caller is { HasSecondFactor: true, IsService: false });
        Assert.True((await CallerOf(c => c["acr"] = "mfa")).HasSecondFactor);
        Assert.False((await CallerOf(c => (c["acr"], c["amr"]) = ("pwd", new JsonArray("pwd")))).HasSecondFactor);
        Assert.True((await CallerOf(c => c["client_id"] = "pipeline")).IsService);
        Assert.Empty((await CallerOf(c => c["roles"] = "Operator")).Roles);
    }

    [Fact]
    public async Task Same_subject_of_another_issuer_is_another_caller_and_its_keys_are_its_own()
    {
        using var folder = new TempFolder();
        using TokenMint mint = new(_clock), other = new(_clock);
        File.WriteAllText(folder["keys"], mint.Keys());
        File.WriteAllText(folder["other"], other.Keys());
        using var tokens = new AccessTokens(new() { Issuers = [TokenMint.Rules(folder["keys"]), TokenMint.Rules(folder["other"]) with { Issuer = "https://tenant-b.test" }] }, new(new(), _clock), null, _clock);
        var own = other.Make(c => c["iss"] = "https://tenant-b.test");
        Assert.Equal("oidc:https://tenant-b.test|alice", (await tokens.ReadAsync(own, TokenDigest.Of(own), default)).Caller.Id);
        var crossed = mint.Make(c => c["iss"] = "https://tenant-b.test");
        Assert.Equal("signature", (await Assert.ThrowsAsync<TokenRefusedException>(() => tokens.ReadAsync(crossed, TokenDigest.Of(crossed), default).AsTask())).Message);
    }

    [Fact]
    public async Task Rotation_takes_new_keys_and_ends_tokens_and_streams_of_old_ones()
    {
        await using var host = await TokenHost.StartAsync(_clock);
        var old = host.Mint.Make();
        await host.AskAsync(old);
        host.Mint.Rotate();
        host.WriteKeys("ec-2");
        _clock.PassCheck();
        Assert.NotNull(await host.AskAsync(host.Mint.Make(header: h => h["kid"] = "ec-2")));
        await host.AssertRefusedAsync("over", old);
    }

    [Fact]
    public async Task Revoked_token_is_refused_within_seconds_and_others_of_its_person_are_not()
    {
        await using var host = await TokenHost.StartAsync(_clock);
        string revoked = host.Mint.Make(c => c["jti"] = "stolen"), other = host.Mint.Make();
        await host.AskAsync(revoked);
        File.WriteAllText(host.RevokedFile, $"{TokenMint.Issuer} stolen\n");
        _clock.PassCheck();
        await host.AssertRefusedAsync("over", revoked);
        Assert.NotNull(await host.AskAsync(other));
        // A file that is gone takes nothing back, one that says otherwise does.
        File.Delete(host.RevokedFile);
        _clock.PassCheck();
        await host.AssertRefusedAsync("over", revoked);
        File.WriteAllText(host.RevokedFile, "");
        _clock.PassCheck();
        Assert.NotNull(await host.AskAsync(revoked));
    }

    [Fact]
    public async Task Client_list_and_required_binding_are_held()
    {
        await using var host = await TokenHost.StartAsync(_clock, i => i with { Clients = ["portal"], RequireBinding = true });
        using var certificate = host.Host.Administrator();
        var binding = TokenHost.ThumbprintOf(certificate);
        await host.AssertRefusedAsync("client", host.Mint.Make());
        await host.AssertRefusedAsync("unbound", host.Mint.Make(c => c["client_id"] = "portal"));
        Assert.NotNull(await host.AskAsync(host.Mint.Make(c => (c["client_id"], c["cnf"]) = ("portal", new JsonObject { ["x5t#S256"] = binding })), certificate));
    }

    private static (string Reason, string Token)[] HostileHeaders(TokenMint mint, TokenMint other, string good) =>
    [
        ("alg", mint.Make(header: h => h["alg"] = "none")),
        ("alg", mint.Make(header: h => h["alg"] = "None")),
        ("alg", mint.Make(header: h => (h["alg"], h["kid"]) = ("HS256", "rsa"))),
        ("alg", mint.Make(header: h => h.Remove("alg"))),
        ("alg", mint.Make(header: h => (h["alg"], h["kid"]) = ("RS512", "rsa"))),
        ("claim-type", mint.Sign("""{"alg":5,"typ":"at+jwt"}""", mint.Claims().ToJsonString())),
        ("key", mint.Make(header: h => h["alg"] = "RS256")),
        ("key", mint.Make(header: h => h["kid"] = "../../etc/passwd")),
        ("key", mint.Make(header: h => h["kid"] = "' OR 1=1 --")),
        ("key", mint.Make(header: h => h["kid"] = "https://attacker.test/keys")),
        ("key", mint.Make(header: h => h["kid"] = "")),
        ("claim-type", mint.Make(header: h => h["kid"] = 1)),
        ("signature", other.Make()),
        ("signature", other.Make(header: h => (h["jwk"], h["jku"], h["x5u"]) = (TokenMint.JwkOf(other.Curve), "https://attacker.test/jwks", "https://attacker.test/x5u"))),
        ("signature", good[..^4] + (good[^4] == 'A' ? "B" : "A") + good[^3..]),
        ("signature", string.Join('.', good.Split('.')[..2]) + "."),
        ("crit", mint.Make(header: h => h["crit"] = new JsonArray("exp"))),
        ("crit", mint.Make(header: h => h["crit"] = new JsonArray())),
        ("crit", mint.Make(header: h => h["b64"] = false)),
        ("typ", mint.Make(header: h => h["typ"] = "JWT")),
        ("typ", mint.Make(header: h => h["typ"] = "dpop+jwt")),
        ("typ", mint.Make(header: h => h["typ"] = "logout+jwt")),
        ("typ", mint.Make(header: h => h.Remove("typ"))),
    ];

    private static (string Reason, string Token)[] HostileClaims(TokenMint mint) =>
    [
        ("issuer", mint.Make(c => c["iss"] = TokenMint.Issuer + "/")),
        ("issuer", mint.Make(c => c["iss"] = "https://other.test")),
        ("issuer", mint.Make(c => c.Remove("iss"))),
        ("audience", mint.Make(c => c["aud"] = "https://other.test")),
        ("audience", mint.Make(c => c["aud"] = TokenMint.Audience + "/")),
        ("audience", mint.Make(c => c.Remove("aud"))),
        ("audience", mint.Make(c => c["aud"] = new JsonArray())),
        ("claim-type", mint.Make(c => c["aud"] = new JsonArray(TokenMint.Audience, 1))),
        ("claim-type", mint.Make(c => c["aud"] = new JsonObject { [TokenMint.Audience] = true })),
        ("expired", mint.Make(c => (c["iat"], c["exp"]) = (mint.Now - 900, mint.Now))),
        ("exp", mint.Make(c => c.Remove("exp"))),
        ("claim-type", mint.Make(c => c["exp"] = (mint.Now + 600).ToString(System.Globalization.CultureInfo.InvariantCulture))),
        ("claim-type", mint.Make(c => c["exp"] = 1e300)),
        ("claim-type", mint.Make(c => c["exp"] = -1)),
        ("claim-type", mint.Make(c => c["exp"] = null)),
        ("iat", mint.Make(c => c.Remove("iat"))),
        ("not-yet", mint.Make(c => (c["iat"], c["exp"]) = (mint.Now + 61, mint.Now + 600))),
        ("not-yet", mint.Make(c => c["nbf"] = mint.Now + 61)),
        ("life", mint.Make(c => c["exp"] = mint.Now + 901)),
        ("life", mint.Make(c => (c["iat"], c["exp"]) = (mint.Now - 1, mint.Now + 900))),
        ("sub", mint.Make(c => c.Remove("sub"))),
        ("sub", mint.Make(c => c["sub"] = "")),
        ("sub", mint.Make(c => c["sub"] = "alice\nroot")),
        ("sub", mint.Make(c => c["sub"] = new string('a', 256))),
        ("sub", mint.Make(c => c["sub"] = new string('a', 256 - "oidc:https://issuer.test|".Length + 1))), // the audit log would cut it
        ("claim-type", mint.Make(c => c["sub"] = 7)),
        ("claim-type", mint.Make(c => c["sub"] = null)),
        ("client-id", mint.Make(c => c.Remove("client_id"))),
        ("jti", mint.Make(c => c.Remove("jti"))),
        ("cnf", mint.Make(c => c["cnf"] = "x")),
        ("cnf", mint.Make(c => c["cnf"] = new JsonObject())),
        ("cnf", mint.Make(c => c["cnf"] = new JsonObject { ["kid"] = "a" })),
        ("cnf", mint.Make(c => c["cnf"] = new JsonObject { ["x5t#S256"] = "AAAA" })),
        ("claim-type", mint.Make(c => c["roles"] = new JsonArray(1))),
    ];

    private static (string Reason, string Token)[] HostileForms(TokenMint mint, string good)
    {
        var (header, claims) = (mint.Header().ToJsonString(), mint.Claims().ToJsonString());
        return
        [
            ("json", mint.Sign(header, claims[..^1] + ""","sub":"root"}""")),
            ("json", mint.Sign(header, claims[..^1] + ""","\u0073ub":"root"}""")),
            ("json", mint.Sign(header[..^1] + ""","alg":"none"}""", claims)),
            ("json", mint.Sign(header, $"[{claims}]")),
            ("json", mint.Sign(header, claims + "x")),
            ("json", mint.Sign(header, "")),
            ("json", mint.Sign(header, claims.Replace("alice", "\\ud800", StringComparison.Ordinal))),
            ("json", mint.Sign(header, claims[..^1] + ""","deep":[[[[[[[[[[1]]]]]]]]]]}""")),
            ("parts", "x"),
            ("parts", good + "."),
            ("parts", good + ".AAAA.AAAA"),
            ("base64", good + "="),
            ("base64", good.Replace(".", ". ", StringComparison.Ordinal)),
            ("base64", good[..^1] + (char)(good[^1] + 1)),
            ("base64", " " + good),
        ];
    }
}
