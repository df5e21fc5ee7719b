using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Server.Configuration;
using Warehouse.Server.Telemetry;

namespace Warehouse.Server.Identity;

/// <summary>
/// Access tokens of configured issuers (RFC 9068, checked as RFC 8725 asks). A token that was found good is remembered by its digest until it ends; what
/// can change before (its key, its revocation, its session) is asked at each use. Nothing in a token is used to find anything but the issuer's
/// configuration and, among that issuer's keys, one by its name. Any thread.
/// </summary>
internal sealed class AccessTokens : IDisposable
{
    private const int MaxRemembered = 20_000, MaxTextLength = 255;

    /// <summary>How far the clock of an issuer may be ahead. What a token says of its end is never stretched.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, (IssuerConfiguration Rules, IssuerKeys Keys)> _issuers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<TokenDigest, ValidToken> _remembered = new();
    private readonly TimeSpan _maxLife;
    private readonly Sessions _sessions;
    private readonly RevokedTokens _revoked;
    private readonly LdapDirectory? _directory;
    private readonly TimeProvider _clock;
    private long _sweptAt;

    public AccessTokens(ServerConfiguration configuration, Sessions sessions, LdapDirectory? directory, TimeProvider clock, Action<int, Exception?>? keysHeard = null)
    {
        foreach (var issuer in configuration.Issuers) _issuers.Add(issuer.Issuer, (issuer, new(issuer, configuration, clock, keysHeard)));
        _maxLife = TimeSpan.FromMinutes(configuration.Sessions.TokenMinutes);
        _revoked = new(configuration.RevokedTokens is { } file ? configuration.Resolve(file) : null, clock);
        (_sessions, _directory, _clock, _sweptAt) = (sessions, directory, clock, clock.GetTimestamp());
    }

    /// <summary>The keys of an issuer cannot be had.</summary>
    public bool HasLostKeys => _issuers.Values.Any(i => i.Keys.IsLost);

    /// <summary>A token that was found good before and has not ended; null when it has to be read.</summary>
    public ValidToken? Recall(TokenDigest digest) => _remembered.TryGetValue(digest, out var token) && _clock.GetUtcNow() < token.Expires ? token : null;

    /// <summary>Reads a token, and remembers it. Throws <see cref="TokenRefusedException"/>.</summary>
    public async ValueTask<ValidToken> ReadAsync(string text, TokenDigest digest, CancellationToken cancellationToken)
    {
        try
        {
            var token = SignedToken.Parse(text);
            if (SignedToken.Text(token.Header, "typ") is not { } type || !IsAccessToken(type)) throw new TokenRefusedException(CredentialFault.Typ);
            if (SignedToken.Text(token.Claims, "iss") is not { } named || !_issuers.TryGetValue(named, out var issuer)) throw new TokenRefusedException(CredentialFault.Issuer);
            var algorithm = token.AlgorithmOf(issuer.Rules.Algorithms);
            var key = await issuer.Keys.FindAsync(SignedToken.Text(token.Header, "kid"), algorithm, cancellationToken).ConfigureAwait(false) ?? throw new TokenRefusedException(CredentialFault.Key);
            if (!key.Verifies(algorithm, token.Signed, token.Signature)) throw new TokenRefusedException(CredentialFault.Signature);
            var valid = await BelieveAsync(token.Claims, issuer.Rules, () => issuer.Keys.Has(key), cancellationToken).ConfigureAwait(false);
            if (_remembered.Count < MaxRemembered || Sweep()) _remembered.TryAdd(digest, valid);
            return valid;
        }
        catch (InvalidOperationException)
        {
            // A text that is no Unicode, which only shows when it is read.
            throw new TokenRefusedException(CredentialFault.Json);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, keys) in _issuers.Values) keys.Dispose();
    }

    /// <summary>What a token says whose signature is the issuer's.</summary>
    private async ValueTask<ValidToken> BelieveAsync(JsonElement claims, IssuerConfiguration rules, Func<bool> hasKey, CancellationToken cancellationToken)
    {
        var now = _clock.GetUtcNow();
        if (!SignedToken.Texts(claims, "aud").Contains(rules.Audience, StringComparer.Ordinal)) throw new TokenRefusedException(CredentialFault.Audience);
        var expires = SignedToken.Time(claims, "exp") ?? throw new TokenRefusedException(CredentialFault.Exp);
        var issued = SignedToken.Time(claims, "iat") ?? throw new TokenRefusedException(CredentialFault.Iat);
        if (now >= expires) throw new TokenRefusedException(CredentialFault.Expired);
        if (issued > now + Skew || SignedToken.Time(claims, "nbf") > now + Skew) throw new TokenRefusedException(CredentialFault.NotYet);
        if (expires - issued > _maxLife) throw new TokenRefusedException(CredentialFault.Life);
        string subject = RequiredText(claims, "sub", CredentialFault.Sub), client = RequiredText(claims, "client_id", CredentialFault.ClientId), id = RequiredText(claims, "jti", CredentialFault.Jti);
        if (rules.Clients.Count > 0 && !rules.Clients.Contains(client, StringComparer.Ordinal)) throw new TokenRefusedException(CredentialFault.Client);
        var (certificate, key) = ReadBinding(claims);
        if (rules.RequireBinding && certificate is null && key is null) throw new TokenRefusedException(CredentialFault.Unbound);

        var caller = await CallerAsync(claims, rules, subject, client, cancellationToken).ConfigureAwait(false);
        return new()
        {
            Caller = caller,
            Name = RevokedTokens.NameOf(rules.Issuer, id),
            Issued = issued,
            Expires = expires,
            CertificateThumbprint = certificate,
            KeyThumbprint = key,
            HasKey = hasKey,
            Session = caller.IsService ? null : SessionOf(claims, caller, client, issued),
            Revoked = _revoked,
            Clock = _clock,
        };
    }

    /// <summary>The principal. One of whom the audit log would have a part alone is nobody: two of them were one there.</summary>
    private static string PrincipalOf(IssuerConfiguration rules, string subject) =>
        $"oidc:{rules.Issuer}|{subject}" is { Length: <= AuditEntry.MaxTextLength } id ? id : throw new TokenRefusedException(CredentialFault.Sub);

    private async ValueTask<Caller> CallerAsync(JsonElement claims, IssuerConfiguration rules, string subject, string client, CancellationToken cancellationToken)
    {
        var principal = PrincipalOf(rules, subject);
        IReadOnlyList<string> stated = SignedToken.Texts(claims, rules.RolesClaim), groups = SignedToken.Texts(claims, rules.GroupsClaim);
        var roles = stated.Concat(groups).Where(rules.Roles.ContainsKey).Select(r => rules.Roles[r]).ToHashSet();
        var allGroups = groups.ToHashSet(StringComparer.Ordinal);
        if (_directory is not null && rules.DirectoryClaim is { } name && SignedToken.Text(claims, name) is { Length: > 0 } person)
        {
            var found = await _directory.FindAsync(person, cancellationToken).ConfigureAwait(false) ?? throw new TokenRefusedException(CredentialFault.Directory);
            roles.UnionWith(found.Roles);
            allGroups.UnionWith(found.Groups);
        }
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (attribute, claim) in rules.Attributes)
            if (SignedToken.Text(claims, claim) is { } value) attributes.Add(attribute, value);
        return new()
        {
            Id = principal,
            Roles = roles,
            Groups = allGroups,
            Attributes = attributes,
            HasSecondFactor = SignedToken.Text(claims, "acr") is { } acr && rules.SecondFactorAcr.Contains(acr, StringComparer.Ordinal) || SignedToken.Texts(claims, "amr").Intersect(rules.SecondFactorAmr, StringComparer.Ordinal).Any(),
            IsService = rules.ServiceClients.Contains(client, StringComparer.Ordinal),
        };
    }

    private Sessions.Session SessionOf(JsonElement claims, Caller caller, string client, DateTimeOffset issued)
    {
        var begun = SignedToken.Time(claims, "auth_time");
        if (begun > _clock.GetUtcNow() + Skew) throw new TokenRefusedException(CredentialFault.NotYet);
        var name = SignedToken.Text(claims, "sid") ?? begun?.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        return _sessions.Find(name is null ? $"{caller.Id}\nclient\n{client}" : $"{caller.Id}\nsession\n{name}", begun, issued, name is not null) ?? throw new TokenRefusedException(CredentialFault.Sessions);
    }

    /// <summary>What a token is bound to. A way that is not understood refuses it: it would be taken unbound.</summary>
    private static (byte[]? Certificate, byte[]? Key) ReadBinding(JsonElement claims)
    {
        if (!claims.TryGetProperty("cnf", out var binding)) return (null, null);
        if (binding.ValueKind != JsonValueKind.Object) throw new TokenRefusedException(CredentialFault.Cnf);
        var (certificate, key) = (Thumbprint(binding, "x5t#S256"), Thumbprint(binding, "jkt"));
        if (binding.EnumerateObject().Count() != (certificate is null ? 0 : 1) + (key is null ? 0 : 1) || certificate is null && key is null) throw new TokenRefusedException(CredentialFault.Cnf);
        return (certificate, key);
    }

    private static byte[]? Thumbprint(JsonElement of, string name)
    {
        if (SignedToken.Text(of, name) is not { } text) return null;
        if (!Base64Url.IsValid(text) || Base64Url.DecodeFromChars(text) is not { Length: SHA256.HashSizeInBytes } bytes || Base64Url.EncodeToString(bytes) != text) throw new TokenRefusedException(CredentialFault.Cnf);
        return bytes;
    }

    private static string RequiredText(JsonElement claims, string name, CredentialFault fault) =>
        SignedToken.Text(claims, name) is { Length: > 0 and <= MaxTextLength } text && !text.Any(char.IsControl) ? text : throw new TokenRefusedException(fault);

    private static bool IsAccessToken(string type) => type.Equals("at+jwt", StringComparison.OrdinalIgnoreCase) || type.Equals("application/at+jwt", StringComparison.OrdinalIgnoreCase);

    /// <summary>Forgets what has ended, at most once a second.</summary>
    private bool Sweep()
    {
        var at = Volatile.Read(ref _sweptAt);
        if (_clock.GetElapsedTime(at) < TimeSpan.FromSeconds(1) || Interlocked.CompareExchange(ref _sweptAt, _clock.GetTimestamp(), at) != at) return false;
        var now = _clock.GetUtcNow();
        foreach (var (digest, token) in _remembered)
            if (now >= token.Expires) _remembered.TryRemove(digest, out _);
        return _remembered.Count < MaxRemembered;
    }
}

/// <summary>SHA-256 of a token: what is remembered of it, and what a proof of possession names.</summary>
internal readonly record struct TokenDigest(UInt128 High, UInt128 Low)
{
    private const int StackBytes = 2048;

    /// <summary>Digest of a token. What is not ASCII becomes a question mark, and is refused when it is read.</summary>
    public static TokenDigest Of(ReadOnlySpan<char> token)
    {
        Span<byte> bytes = token.Length <= StackBytes ? stackalloc byte[StackBytes] : new byte[token.Length];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Encoding.ASCII.GetBytes(token, bytes)], digest);
        return new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(digest), System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(digest[16..]));
    }

    /// <summary>Its bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[SHA256.HashSizeInBytes];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(16), Low);
        return bytes;
    }
}
