using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Warehouse.Server.Identity;

/// <summary>A public key as JSON (RFC 7517): RSA, or one of the three curves. Immutable, any thread.</summary>
internal sealed class JsonKey
{
    private const int MinRsaBytes = 2048 / 8, MaxRsaBytes = 8192 / 8, MaxExponentBytes = 8;

    private readonly RSAParameters _rsa;
    private readonly ECParameters _ec;
    private readonly string _curve;

    private JsonKey(RSAParameters rsa, ECParameters ec, string curve, string canonical)
    {
        (_rsa, _ec, _curve) = (rsa, ec, curve);
        Thumbprint = SHA256.HashData(Encoding.UTF8.GetBytes(canonical));
    }

    /// <summary>What the key's owner calls it; compared, and nothing else.</summary>
    public string? Id { get; private init; }

    /// <summary>The one algorithm that it is for; null when it does not say.</summary>
    public string? Algorithm { get; private init; }

    /// <summary>SHA-256 of its canonical form (RFC 7638).</summary>
    public byte[] Thumbprint { get; }

    /// <summary>Reads a key for signatures; null when it is for something else, of a kind that is not understood here, or too short.</summary>
    public static JsonKey? TryRead(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object || Text(key, "use") is not (null or "sig")) return null;
        if (key.TryGetProperty("key_ops", out var operations) && !(operations.ValueKind == JsonValueKind.Array && operations.EnumerateArray().Any(o => o.ValueKind == JsonValueKind.String && o.ValueEquals("verify")))) return null;
        try
        {
            return Text(key, "kty") switch { "RSA" => ReadRsa(key), "EC" => ReadCurve(key), _ => null };
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>True when the key can have made signatures of the algorithm.</summary>
    public bool Fits(SignatureAlgorithm algorithm) => algorithm.Curve == _curve && (Algorithm is null || Algorithm == algorithm.Name);

    /// <summary>True when the signature is of this key over the bytes.</summary>
    public bool Verifies(SignatureAlgorithm algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (!Fits(algorithm)) return false;
        try
        {
            // Made for each use: the objects are not said to be usable by several threads, and what was verified is remembered.
            if (algorithm.Padding is { } padding)
            {
                using var rsa = RSA.Create(_rsa);
                return signature.Length == _rsa.Modulus!.Length && rsa.VerifyData(signed, signature, algorithm.Hash, padding);
            }
            using var ec = ECDsa.Create(_ec);
            return signature.Length == algorithm.SignatureBytes && ec.VerifyData(signed, signature, algorithm.Hash);
        }
        catch (CryptographicException)
        {
            // A point that is not on the curve.
            return false;
        }
    }

    private static JsonKey? ReadRsa(JsonElement key)
    {
        if (Bytes(key, "n") is not { Length: >= MinRsaBytes and <= MaxRsaBytes } modulus || modulus[0] == 0 || modulus[0] < 0x80 && modulus.Length == MinRsaBytes) return null;
        if (Bytes(key, "e") is not { Length: > 0 and <= MaxExponentBytes } exponent) return null;
        return new(new() { Modulus = modulus, Exponent = exponent }, default, "", $$"""{"e":"{{Text(key, "e")}}","kty":"RSA","n":"{{Text(key, "n")}}"}""") { Id = Text(key, "kid"), Algorithm = Text(key, "alg") };
    }

    private static JsonKey? ReadCurve(JsonElement key)
    {
        (string Name, ECCurve Curve, int Bytes)? found = Text(key, "crv") switch
        {
            "P-256" => ("P-256", ECCurve.NamedCurves.nistP256, 32),
            "P-384" => ("P-384", ECCurve.NamedCurves.nistP384, 48),
            "P-521" => ("P-521", ECCurve.NamedCurves.nistP521, 66),
            _ => null,
        };
        if (found is not { } curve || Bytes(key, "x") is not { } x || Bytes(key, "y") is not { } y || x.Length != curve.Bytes || y.Length != curve.Bytes) return null;
        return new(default, new() { Curve = curve.Curve, Q = new() { X = x, Y = y } }, curve.Name, $$"""{"crv":"{{curve.Name}}","kty":"EC","x":"{{Text(key, "x")}}","y":"{{Text(key, "y")}}"}""") { Id = Text(key, "kid"), Algorithm = Text(key, "alg") };
    }

    /// <summary>Decoded, and spelled as the encoding spells it, since the thumbprint is of the text.</summary>
    private static byte[]? Bytes(JsonElement key, string name)
    {
        if (Text(key, name) is not { } text) return null;
        var bytes = Base64Url.DecodeFromChars(text);
        return Base64Url.EncodeToString(bytes) == text ? bytes : null;
    }

    private static string? Text(JsonElement key, string name) => key.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
