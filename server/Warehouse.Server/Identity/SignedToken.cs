using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Identity;

/// <summary>A JSON Web Token in compact form, taken apart; nothing of it is believed yet.</summary>
/// <param name="Header">Its header, an object without a name that stands twice.</param>
/// <param name="Claims">Its claims, the same.</param>
/// <param name="Signed">What the signature is over.</param>
/// <param name="Signature">The signature.</param>
internal sealed record SignedToken(JsonElement Header, JsonElement Claims, byte[] Signed, byte[] Signature)
{
    /// <summary>Longest token that is looked at.</summary>
    public const int MaxLength = 16 << 10;

    private const int MaxDepth = 8;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    /// <summary>Takes a token apart. Throws <see cref="TokenRefusedException"/> when it is not one, in exactly one spelling.</summary>
    public static SignedToken Parse(string text)
    {
        if (text.Length > MaxLength) throw new TokenRefusedException(CredentialFault.Size);
        if (text.Split('.') is not [var header, var claims, var signature]) throw new TokenRefusedException(CredentialFault.Parts);
        return new(Json(header), Json(claims), Encoding.ASCII.GetBytes(text, 0, header.Length + 1 + claims.Length), Decode(signature));
    }

    /// <summary>The algorithm that the header names, of those allowed; a header that must be understood and is not refuses the token.</summary>
    public SignatureAlgorithm AlgorithmOf(IReadOnlyCollection<string> allowed)
    {
        if (Header.TryGetProperty("crit", out _) || Header.TryGetProperty("b64", out _)) throw new TokenRefusedException(CredentialFault.Crit);
        return Text(Header, "alg") is { } name && allowed.Contains(name, StringComparer.Ordinal) && SignatureAlgorithm.Find(name) is { } algorithm ? algorithm : throw new TokenRefusedException(CredentialFault.Alg);
    }

    /// <summary>A member that is a text; null when it is missing. Throws when it is something else.</summary>
    public static string? Text(JsonElement of, string name)
    {
        if (!of.TryGetProperty(name, out var value)) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw new TokenRefusedException(CredentialFault.ClaimType);
    }

    /// <summary>A member that is a text or a list of texts, as a list; empty when it is missing. Throws when it is something else.</summary>
    public static IReadOnlyList<string> Texts(JsonElement of, string name)
    {
        if (!of.TryGetProperty(name, out var value)) return [];
        if (value.ValueKind == JsonValueKind.String) return [value.GetString()!];
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(v => v.ValueKind != JsonValueKind.String)) throw new TokenRefusedException(CredentialFault.ClaimType);
        return [.. value.EnumerateArray().Select(v => v.GetString()!)];
    }

    /// <summary>A member that is a time in seconds; null when it is missing. Throws when it is something else.</summary>
    public static DateTimeOffset? Time(JsonElement of, string name)
    {
        const double MaxSeconds = 253_402_300_799;
        if (!of.TryGetProperty(name, out var value)) return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var seconds) || !(seconds is >= 0 and <= MaxSeconds)) throw new TokenRefusedException(CredentialFault.ClaimType);
        return DateTimeOffset.UnixEpoch.AddSeconds(Math.Floor(seconds));
    }

    private static JsonElement Json(string part)
    {
        var bytes = Decode(part);
        if (!Utf8.IsValid(bytes)) throw new TokenRefusedException(CredentialFault.Json);
        try
        {
            using var document = JsonDocument.Parse(bytes, Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw new TokenRefusedException(CredentialFault.Json);
        }
        catch (JsonException)
        {
            throw new TokenRefusedException(CredentialFault.Json);
        }
    }

    /// <summary>Decodes; padding, white space and bits behind the last byte are refused, so that no token has two spellings.</summary>
    private static byte[] Decode(string part)
    {
        try
        {
            var bytes = Base64Url.DecodeFromChars(part);
            return Base64Url.EncodeToString(bytes) == part ? bytes : throw new TokenRefusedException(CredentialFault.Base64);
        }
        catch (FormatException)
        {
            throw new TokenRefusedException(CredentialFault.Base64);
        }
    }
}
