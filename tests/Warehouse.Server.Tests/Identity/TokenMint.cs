using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Tests.Identity;

/// <summary>An issuer of tokens, good ones and others.</summary>
internal sealed class TokenMint(TimeProvider clock) : IDisposable
{
    public const string Issuer = "https://issuer.test", Audience = "https://warehouse.test";

    private int _made;

    public ECDsa Curve { get; private set; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public RSA Rsa { get; } = RSA.Create(2048);

    public void Dispose()
    {
        Curve.Dispose();
        Rsa.Dispose();
    }

    public void Rotate() => Curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static IssuerConfiguration Rules(string keys) => new() { Issuer = Issuer, Audience = Audience, Keys = keys };

    /// <summary>The public keys, as a set.</summary>
    public string Keys(string curveId = "ec") => new JsonObject { ["keys"] = new JsonArray(JwkOf(Curve, curveId), JwkOf(Rsa, "rsa")) }.ToJsonString();

    public static JsonObject JwkOf(ECDsa key, string? id = null)
    {
        var q = key.ExportParameters(false).Q;
        var jwk = new JsonObject { ["kty"] = "EC", ["crv"] = $"P-{key.KeySize}", ["x"] = Base64Url.EncodeToString(q.X), ["y"] = Base64Url.EncodeToString(q.Y) };
        if (id is not null) jwk["kid"] = id;
        return jwk;
    }

    public static JsonObject JwkOf(RSA key, string? id = null)
    {
        var p = key.ExportParameters(false);
        var jwk = new JsonObject { ["kty"] = "RSA", ["n"] = Base64Url.EncodeToString(p.Modulus), ["e"] = Base64Url.EncodeToString(p.Exponent) };
        if (id is not null) jwk["kid"] = id;
        return jwk;
    }

    public long Now => clock.GetUtcNow().ToUnixTimeSeconds();

    public JsonObject Header() => new() { ["alg"] = "ES256", ["typ"] = "at+jwt", ["kid"] = "ec" };

    public JsonObject Claims() => new()
    {
        ["iss"] = Issuer,
        ["sub"] = "alice",
        ["aud"] = Audience,
        ["client_id"] = "cli",
        ["jti"] = $"t{Interlocked.Increment(ref _made)}",
        ["iat"] = Now,
        ["exp"] = Now + 900,
    };

    /// <summary>A token with some members of the claims and of the header changed; null removes one.</summary>
    public string Make(Action<JsonObject>? claims = null, Action<JsonObject>? header = null)
    {
        var (h, c) = (Header(), Claims());
        claims?.Invoke(c);
        header?.Invoke(h);
        return Sign(h.ToJsonString(), c.ToJsonString(), h["alg"]?.GetValue<string>() ?? "ES256");
    }

    /// <summary>Signs texts as they are.</summary>
    public string Sign(string header, string claims, string algorithm = "ES256")
    {
        var signed = $"{Encode(header)}.{Encode(claims)}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        var hash = new HashAlgorithmName("SHA" + (algorithm.Length == 5 ? algorithm[2..] : "256"));
        var signature = algorithm switch
        {
            "none" => [],
            // The classic: the public key, which everybody has, as if it were a secret.
            "HS256" => HMACSHA256.HashData(Encoding.ASCII.GetBytes(Rsa.ExportSubjectPublicKeyInfoPem()), bytes),
            ['R', 'S', ..] => Rsa.SignData(bytes, hash, RSASignaturePadding.Pkcs1),
            ['P', 'S', ..] => Rsa.SignData(bytes, hash, RSASignaturePadding.Pss),
            _ => Curve.SignData(bytes, hash),
        };
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>A proof of possession for a token.</summary>
    public string Prove(ECDsa key, string token, string url, Action<JsonObject>? claims = null, Action<JsonObject>? header = null)
    {
        var h = new JsonObject { ["typ"] = "dpop+jwt", ["alg"] = "ES256", ["jwk"] = JwkOf(key) };
        var c = new JsonObject { ["jti"] = $"p{Interlocked.Increment(ref _made)}", ["htm"] = "POST", ["htu"] = url, ["iat"] = Now, ["ath"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(token))) };
        claims?.Invoke(c);
        header?.Invoke(h);
        var signed = $"{Encode(h.ToJsonString())}.{Encode(c.ToJsonString())}";
        return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    public static string ThumbprintOf(ECDsa key)
    {
        var jwk = JwkOf(key);
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes($$"""{"crv":"{{jwk["crv"]}}","kty":"EC","x":"{{jwk["x"]}}","y":"{{jwk["y"]}}"}""")));
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
