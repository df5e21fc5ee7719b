using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Warehouse.Client.Login;

/// <summary>
/// A key that an access token is bound to, and the proofs of having it (DPoP, RFC 9449): who steals the token alone cannot use it. Any thread.
/// </summary>
public sealed class ProofKey : IDisposable
{
    private const int IdBytes = 16;

    private readonly ECDsa _key;
    private readonly Lock _gate = new();

    private ProofKey(ECDsa key) => _key = key;

    /// <summary>Makes a key.</summary>
    public static ProofKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Takes a key that <see cref="ToPem"/> gave.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    /// <exception cref="CryptographicException">It is none.</exception>
    public static ProofKey FromPem(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return new(key);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>The key, for a file that nobody else can read.</summary>
    public string ToPem()
    {
        lock (_gate) return _key.ExportPkcs8PrivateKeyPem();
    }

    /// <summary>A proof for one POST, to be used once.</summary>
    /// <param name="url">What is called, without query and fragment.</param>
    /// <param name="now">When.</param>
    /// <param name="token">The access token that goes with it; null where it is asked for.</param>
    /// <param name="nonce">What the other side wants to find in it; null when it has named none.</param>
    public string Prove(string url, DateTimeOffset now, string? token = null, string? nonce = null)
    {
        lock (_gate)
        {
            var point = _key.ExportParameters(includePrivateParameters: false).Q;
            var signed = $"{Part(header => WriteHeader(header, point))}.{Part(claims => WriteClaims(claims, (url, now, token, nonce)))}";
            // ES256 signatures are the two numbers one behind the other, which is what this makes.
            return $"{signed}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static void WriteHeader(Utf8JsonWriter json, ECPoint point)
    {
        json.WriteString("typ", "dpop+jwt");
        json.WriteString("alg", "ES256");
        json.WriteStartObject("jwk");
        json.WriteString("kty", "EC");
        json.WriteString("crv", "P-256");
        json.WriteString("x", Base64Url.EncodeToString(point.X));
        json.WriteString("y", Base64Url.EncodeToString(point.Y));
        json.WriteEndObject();
    }

    private static void WriteClaims(Utf8JsonWriter json, (string Url, DateTimeOffset Now, string? Token, string? Nonce) claims)
    {
        json.WriteString("jti", Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(IdBytes)));
        json.WriteString("htm", "POST");
        json.WriteString("htu", claims.Url);
        json.WriteNumber("iat", claims.Now.ToUnixTimeSeconds());
        if (claims.Token is { } token) json.WriteString("ath", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(token))));
        if (claims.Nonce is { } nonce) json.WriteString("nonce", nonce);
    }

    private static string Part(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return Base64Url.EncodeToString(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }
}
