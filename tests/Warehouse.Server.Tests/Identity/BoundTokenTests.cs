using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Xunit;

namespace Warehouse.Server.Tests.Identity;

/// <summary>Tokens that only their owner can use: bound to a certificate (RFC 8705), or to a key (RFC 9449).</summary>
public sealed class BoundTokenTests
{
    private readonly FakeClock _clock = new();

    [Fact]
    public async Task A_token_of_a_certificate_needs_that_certificate_on_this_connection()
    {
        await using var host = await TokenHost.StartAsync(_clock);
        using var own = host.Host.Administrator();
        var (pem, _) = host.Host.Identity.Issue("thief", 1);
        using var other = X509Certificate2.CreateFromPem(pem, pem);
        var token = host.Mint.Make(c => c["cnf"] = new JsonObject { ["x5t#S256"] = TokenHost.ThumbprintOf(own) });
        Assert.Equal("oidc:https://issuer.test|alice", await host.AskAsync(token, own));
        await host.AssertRefusedAsync("other-certificate", token, other);
        await host.AssertRefusedAsync("other-certificate", token);
        await host.AssertRefusedAsync("proof-missing", token, own, scheme: "DPoP");
        Assert.Equal("oidc:https://issuer.test|alice", await host.AskAsync(token, own));
        Assert.Equal("oidc:https://issuer.test|alice", await host.AskAsync(host.Mint.Make(), other));
    }

    [Fact]
    public async Task A_token_of_a_key_needs_a_proof_for_each_call()
    {
        await using var host = await TokenHost.StartAsync(_clock);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256), other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var mint = host.Mint;
        var token = mint.Make(c => c["cnf"] = new JsonObject { ["jkt"] = TokenMint.ThumbprintOf(key) });
        string Prove(Action<JsonObject>? claims = null, Action<JsonObject>? header = null) => mint.Prove(key, token, host.Url, claims, header);
        var proof = Prove();
        Assert.Equal("oidc:https://issuer.test|alice", await host.AskAsync(token, proof: proof));
        Assert.NotNull(await host.AskAsync(token, proof: Prove(c => c["htu"] = host.Url + "?q=1#f")));
        Assert.NotNull(await host.AskAsync(token, proof: Prove(c => c["htu"] = host.Url.Replace("https://localhost", "HTTPS://LOCALHOST", StringComparison.Ordinal))));
        (string Reason, string Proof)[] cases =
        [
            ("proof-replayed", proof),
            ("proof-key", mint.Prove(other, token, host.Url)),
            ("proof-signature", mint.Prove(other, token, host.Url, header: h => h["jwk"] = TokenMint.JwkOf(key))),
            ("proof-key", Prove(header: h => h["jwk"]!["d"] = "AAAA")),
            ("proof-key", Prove(header: h => h.Remove("jwk"))),
            ("proof-typ", Prove(header: h => h["typ"] = "JWT")),
            ("proof-typ", Prove(header: h => h["typ"] = "at+jwt")),
            ("alg", Prove(header: h => h["alg"] = "none")),
            ("alg", Prove(header: h => h["alg"] = "HS256")),
            ("crit", Prove(header: h => h["crit"] = new JsonArray("x"))),
            ("proof-method", Prove(c => c["htm"] = "GET")),
            ("proof-method", Prove(c => c["htm"] = "post")),
            ("proof-url", Prove(c => c["htu"] = host.Url.Replace("Info", "Verify", StringComparison.Ordinal))),
            ("proof-url", Prove(c => c["htu"] = host.Url.Replace("https:", "http:", StringComparison.Ordinal))),
            ("proof-url", Prove(c => c["htu"] = host.Url.Replace("localhost", "other.test", StringComparison.Ordinal))),
            ("proof-url", Prove(c => c["htu"] = "https://localhost/warehouse.v1.Store/Info")),
            ("proof-url", Prove(c => c.Remove("htu"))),
            ("proof-token", Prove(c => c["ath"] = "AAAA")),
            ("proof-token", Prove(c => c.Remove("ath"))),
            ("proof-token", mint.Prove(key, mint.Make(), host.Url)),
            ("proof-iat", Prove(c => c["iat"] = mint.Now - 300)),
            ("proof-iat", Prove(c => c["iat"] = mint.Now + 61)),
            ("proof-iat", Prove(c => c.Remove("iat"))),
            ("proof-id", Prove(c => c.Remove("jti"))),
            ("proof-id", Prove(c => c["jti"] = "")),
            ("proof-id", Prove(c => c["jti"] = new string('a', 257))),
            ("parts", "x"),
            ("proof-typ", token),
        ];
        foreach (var (reason, hostile) in cases) await host.AssertRefusedAsync(reason, token, proof: hostile);
        await host.AssertRefusedAsync("proof-missing", token);
        await host.AssertRefusedAsync("proof-missing", token, scheme: "DPoP");
        await host.AssertRefusedAsync("proof-missing", token, proof: Prove(), scheme: "Bearer");
        await host.AssertRefusedAsync("proof-missing", mint.Make(), proof: Prove());
        await AuthenticatorTests.AssertRefusedAsync(() => host.Host.AskAsync(null, ("authorization", "DPoP " + token), ("dpop", Prove()), ("dpop", Prove())));
        await AuthenticatorTests.AssertRefusedAsync(() => host.Host.AskAsync(null, ("dpop", Prove())));
        Assert.NotNull(await host.AskAsync(token, proof: Prove()));
    }

    [Fact]
    public async Task A_token_of_certificate_and_key_needs_both()
    {
        await using var host = await TokenHost.StartAsync(_clock);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var own = host.Host.Administrator();
        var token = host.Mint.Make(c => c["cnf"] = new JsonObject { ["jkt"] = TokenMint.ThumbprintOf(key), ["x5t#S256"] = TokenHost.ThumbprintOf(own) });
        Assert.NotNull(await host.AskAsync(token, own, host.Mint.Prove(key, token, host.Url)));
        await host.AssertRefusedAsync("other-certificate", token, null, host.Mint.Prove(key, token, host.Url));
        await host.AssertRefusedAsync("proof-missing", token, own);
    }

    [Fact]
    public async Task A_proof_from_before_the_process_began_is_refused_for_nobody_knows_whether_it_was_used()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await using var host = await TokenHost.StartAsync(_clock);
        var token = host.Mint.Make(c => c["cnf"] = new JsonObject { ["jkt"] = TokenMint.ThumbprintOf(key) });
        await host.AssertRefusedAsync("proof-iat", token, proof: host.Mint.Prove(key, token, host.Url, c => c["iat"] = host.Mint.Now - 62));
        _clock.Advance(1);
        Assert.NotNull(await host.AskAsync(token, proof: host.Mint.Prove(key, token, host.Url, c => c["iat"] = host.Mint.Now - 60)));
    }
}
