using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Identity;

/// <summary>
/// Proofs that a caller has the key that his token is bound to (DPoP, RFC 9449): one for each call, for this method of this server, a few minutes
/// old at most, used once. What was used is remembered in memory; so a proof from before the process began is refused. Any thread.
/// </summary>
/// <param name="hosts">Names by which this server is reached: a proof for another one is not taken, whatever host the request states.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class PossessionProofs(IReadOnlySet<string> hosts, TimeProvider clock)
{
    /// <summary>Age at which a proof is too old.</summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    private const int MaxRemembered = 500_000, MaxIdLength = 256;

    private static readonly string[] Algorithms = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
    private static readonly string[] PrivateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

    private readonly DateTimeOffset _began = clock.GetUtcNow();
    private readonly ReplayCache _used = new(MaxRemembered, clock);

    /// <summary>Checks a proof, and uses it up. Throws <see cref="TokenRefusedException"/>.</summary>
    /// <param name="proof">The proof.</param>
    /// <param name="bound">Who the token is of, and the thumbprint of the key that it is bound to.</param>
    /// <param name="token">Digest of the token.</param>
    /// <param name="authority">Host and port that the call names.</param>
    /// <param name="path">Path of the method.</param>
    public void Use(string proof, (string Caller, byte[]? Thumbprint) bound, TokenDigest token, string authority, string path)
    {
        try
        {
            var parsed = SignedToken.Parse(proof);
            if (SignedToken.Text(parsed.Header, "typ")?.Equals("dpop+jwt", StringComparison.OrdinalIgnoreCase) != true) throw new TokenRefusedException(CredentialFault.ProofTyp);
            var algorithm = parsed.AlgorithmOf(Algorithms);
            if (!parsed.Header.TryGetProperty("jwk", out var member) || member.ValueKind != JsonValueKind.Object || PrivateMembers.Any(p => member.TryGetProperty(p, out _)) || JsonKey.TryRead(member) is not { } key) throw new TokenRefusedException(CredentialFault.ProofKey);
            if (!CryptographicOperations.FixedTimeEquals(key.Thumbprint, bound.Thumbprint)) throw new TokenRefusedException(CredentialFault.ProofKey);
            if (!key.Verifies(algorithm, parsed.Signed, parsed.Signature)) throw new TokenRefusedException(CredentialFault.ProofSignature);
            CheckClaims(parsed.Claims, token, authority, path, out var id, out var issued);
            if (!_used.TryUse(bound.Caller, $"{Convert.ToHexString(key.Thumbprint)}{id}", issued + MaxAge + AccessTokens.Skew)) throw new TokenRefusedException(CredentialFault.ProofReplayed);
        }
        catch (InvalidOperationException)
        {
            throw new TokenRefusedException(CredentialFault.Json);
        }
    }

    private void CheckClaims(JsonElement claims, TokenDigest token, string authority, string path, out string id, out DateTimeOffset issued)
    {
        if (SignedToken.Text(claims, "htm") != "POST") throw new TokenRefusedException(CredentialFault.ProofMethod);
        if (!IsHere(SignedToken.Text(claims, "htu"), authority, path)) throw new TokenRefusedException(CredentialFault.ProofUrl);
        if (SignedToken.Text(claims, "ath") is not { } ath || ath != Base64Url.EncodeToString(token.ToBytes())) throw new TokenRefusedException(CredentialFault.ProofToken);
        var now = clock.GetUtcNow();
        issued = SignedToken.Time(claims, "iat") ?? throw new TokenRefusedException(CredentialFault.ProofIat);
        if (issued > now + AccessTokens.Skew || now - issued >= MaxAge || issued + AccessTokens.Skew < _began) throw new TokenRefusedException(CredentialFault.ProofIat);
        id = SignedToken.Text(claims, "jti") is { Length: > 0 and <= MaxIdLength } text ? text : throw new TokenRefusedException(CredentialFault.ProofId);
    }

    /// <summary>True when a URL, without query and fragment, is that of the called method on this server.</summary>
    private bool IsHere(string? url, string authority, string path) =>
        Uri.TryCreate(url, UriKind.Absolute, out var stated) && Uri.TryCreate($"https://{authority}{path}", UriKind.Absolute, out var called)
        && stated.UserInfo.Length == 0 && hosts.Contains(called.IdnHost.Trim('[', ']'))
        && stated.GetLeftPart(UriPartial.Path) == called.GetLeftPart(UriPartial.Path);
}
