using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Warehouse.Client.Login;

/// <summary>What a person has to do to log in a program without a browser.</summary>
/// <param name="Page">Where to go.</param>
/// <param name="Code">What to enter there.</param>
/// <param name="CompletePage">The page with the code already entered; null when the provider has none.</param>
/// <param name="Until">When the code ends.</param>
public sealed record DevicePrompt(Uri Page, string Code, Uri? CompletePage, DateTimeOffset Until);

/// <summary>An access token, as the provider gave it.</summary>
/// <param name="Token">The token.</param>
/// <param name="Until">When it ends.</param>
public sealed record AccessToken(string Token, DateTimeOffset Until)
{
    /// <summary>What a new token is got with; null when the person has to log in again.</summary>
    public string? Refresh { get; init; }

    /// <summary>PEM of the <see cref="ProofKey"/> that it is bound to; null when whoever has it can use it.</summary>
    public string? Key { get; init; }

    /// <summary>That it is one, and until when: what it is shows nowhere.</summary>
    public override string ToString() => FormattableString.Invariant($"a token until {Until:u}");
}

/// <summary>The provider did not log the person in. The code is the one of RFC 6749 and 8628 (<c>access_denied</c>, <c>expired_token</c> …) or one of ours (<c>answer</c>, <c>issuer</c>, <c>https</c>, <c>no_device_login</c>, <c>unbound</c>, <c>no_login</c>, <c>over</c>).</summary>
/// <param name="code">The code.</param>
public sealed class LoginException(string code) : Exception($"{TextOf(code)} ({code})")
{
    /// <summary>Why.</summary>
    public string Code => code;

    private static string TextOf(string code) => code switch
    {
        "access_denied" => "the login was denied", "expired_token" => "the code ended before the login was done", "invalid_grant" or "over" or "no_login" => "there is no login that holds",
        "answer" => "the identity provider's answer is not understood", "issuer" => "the identity provider calls itself by another name", "https" => "the identity provider is not reached over https",
        "no_device_login" => "the identity provider has no login by another device", "unbound" => "the identity provider did not bind the token to the key or certificate, as it was asked to",
        _ => "the identity provider refused",
    };
}

/// <summary>How a program logs a person in.</summary>
public sealed record DeviceLoginOptions
{
    /// <summary>The identity provider, as its discovery document spells it; https, or http on a loopback address for tests.</summary>
    public required Uri Issuer { get; init; }

    /// <summary>The program's name at the provider; it has no secret.</summary>
    public required string Client { get; init; }

    /// <summary>What the token is for.</summary>
    public required string Audience { get; init; }

    /// <summary>Scopes asked for, by spaces; <c>offline_access</c>, which stands for renewal, is added where the provider has it.</summary>
    public string Scope { get; init; } = "openid";

    /// <summary>The token has to be bound to a key (DPoP).</summary>
    public bool NeedsProof { get; init; }

    /// <summary>SHA-256 of the certificate, base64url, that the token has to be bound to (RFC 8705), and that the client of HTTP shows; null = to none.</summary>
    public string? Certificate { get; init; }

    /// <summary>Measures the waits between two questions.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>
/// Logs in a person by another device (RFC 8628): the program shows a page and a code, and asks the provider until the person is done. It asks no more often than
/// the provider says, and more slowly each time that it is told to or gets no answer. Threads: one login at a time.
/// </summary>
public sealed class DeviceLogin(HttpClient http, DeviceLoginOptions options)
{
    private const string Grant = "urn:ietf:params:oauth:grant-type:device_code", Offline = "offline_access";
    private const int DefaultIntervalSeconds = 5, SlowerSeconds = 5, MaxSeconds = 3600, MaxAnswerBytes = 1 << 20, MaxTextLength = 1 << 14;

    /// <summary>A client of HTTP for logins: a redirection is not followed, since it would take secrets along, and an answer is short and comes soon.</summary>
    /// <param name="certificate">Shown to the provider, which binds tokens to it; null = none.</param>
    public static HttpClient NewHttp(X509Certificate2? certificate = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(10) };
        if (certificate is not null) handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        return new(handler) { Timeout = TimeSpan.FromSeconds(30), MaxResponseContentBufferSize = MaxAnswerBytes };
    }

    /// <summary>Logs in. Throws <see cref="LoginException"/> when the person does not, <see cref="HttpRequestException"/> when the provider is not reached.</summary>
    /// <param name="show">Shows the person what to do.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<AccessToken> RunAsync(Action<DevicePrompt> show, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(show);
        using var key = options.NeedsProof ? ProofKey.Create() : null;
        var provider = await DiscoverAsync(cancellationToken).ConfigureAwait(false);
        List<(string, string)> asked = [("client_id", options.Client), ("scope", provider.Scope), ("resource", options.Audience), ("audience", options.Audience)];
        if (provider.Scope.Split(' ').Contains(Offline)) asked.Add(("prompt", "consent")); // without it a provider may leave that scope out
        var (isDone, begun) = await PostAsync(provider.Device ?? throw new LoginException("no_device_login"), null, cancellationToken, [.. asked]).ConfigureAwait(false);
        if (!isDone) throw new LoginException(ErrorOf(begun));
        var until = options.Clock.GetUtcNow().AddSeconds(Seconds(begun, "expires_in", MaxSeconds));
        show(new(Page(begun, "verification_uri"), Required(begun, "user_code"), begun.TryGetProperty("verification_uri_complete", out _) ? Page(begun, "verification_uri_complete") : null, until));
        var interval = TimeSpan.FromSeconds(Math.Max(1, Seconds(begun, "interval", DefaultIntervalSeconds)));
        var code = Required(begun, "device_code");
        while (true)
        {
            await Task.Delay(interval, options.Clock, cancellationToken).ConfigureAwait(false);
            if (options.Clock.GetUtcNow() >= until) throw new LoginException("expired_token");
            try
            {
                return await AskTokenAsync(provider.Token, key, cancellationToken, ("grant_type", Grant), ("device_code", code), ("client_id", options.Client), ("resource", options.Audience)).ConfigureAwait(false);
            }
            catch (LoginException e) when (e.Code == "slow_down")
            {
                interval += TimeSpan.FromSeconds(SlowerSeconds);
            }
            catch (LoginException e) when (e.Code == "authorization_pending")
            {
            }
            catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                // The person may be half way: a provider that does not answer now is asked later, until the code ends.
                interval *= 2;
            }
        }
    }

    /// <summary>Gets a new token in place of one. Throws as <see cref="RunAsync"/> does.</summary>
    /// <param name="token">The one that ends; it has what a new one is got with.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<AccessToken> RefreshAsync(AccessToken token, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(token);
        using var key = token.Key is { } pem ? ProofKey.FromPem(pem) : null;
        var provider = await DiscoverAsync(cancellationToken).ConfigureAwait(false);
        var renewed = await AskTokenAsync(provider.Token, key, cancellationToken, ("grant_type", "refresh_token"), ("refresh_token", token.Refresh ?? throw new LoginException("over")), ("client_id", options.Client), ("resource", options.Audience)).ConfigureAwait(false);
        return renewed with { Refresh = renewed.Refresh ?? token.Refresh };
    }

    /// <summary>Tells the provider that a login is over. Throws as <see cref="RunAsync"/> does.</summary>
    /// <returns>Whether it took that: false when it cannot be told, or does not agree.</returns>
    public async Task<bool> RevokeAsync(AccessToken token, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(token);
        if ((await DiscoverAsync(cancellationToken).ConfigureAwait(false)).Revocation is not { } revocation) return false;
        return (await PostAsync(revocation, null, cancellationToken, ("token", token.Refresh ?? token.Token), ("token_type_hint", token.Refresh is null ? "access_token" : "refresh_token"), ("client_id", options.Client)).ConfigureAwait(false)).IsDone;
    }

    private async Task<(Uri? Device, Uri Token, Uri? Revocation, string Scope)> DiscoverAsync(CancellationToken cancellationToken)
    {
        CheckReach(options.Issuer);
        using var answer = await http.GetAsync(new Uri(options.Issuer.OriginalString.TrimEnd('/') + "/.well-known/openid-configuration"), cancellationToken).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
        var document = await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
        if (Required(document, "issuer") != options.Issuer.OriginalString) throw new LoginException("issuer");
        var hasOffline = document.TryGetProperty("scopes_supported", out var scopes) && scopes.ValueKind == JsonValueKind.Array && scopes.EnumerateArray().Any(s => s.ValueKind == JsonValueKind.String && s.GetString() == Offline);
        var scope = hasOffline && !options.Scope.Split(' ').Contains(Offline) ? $"{options.Scope} {Offline}".TrimStart() : options.Scope;
        return (At("device_authorization_endpoint"), At("token_endpoint") ?? throw new LoginException("answer"), At("revocation_endpoint"), scope);

        // Where the provider asks for certificates it may answer at another address (RFC 8705, 5).
        Uri? At(string name) => options.Certificate is not null && document.TryGetProperty("mtls_endpoint_aliases", out var aliases) && aliases.ValueKind == JsonValueKind.Object && EndPoint(aliases, name) is { } alias ? alias : EndPoint(document, name);
    }

    /// <summary>Asks for a token: bound to the key where there is one, and to none otherwise.</summary>
    private async Task<AccessToken> AskTokenAsync(Uri at, ProofKey? key, CancellationToken cancellationToken, params (string Name, string Value)[] fields)
    {
        var askedAt = options.Clock.GetUtcNow();
        var (isDone, answer) = await PostAsync(at, key, cancellationToken, fields).ConfigureAwait(false);
        if (!isDone) throw new LoginException(ErrorOf(answer));
        var isBound = Required(answer, "token_type").Equals("DPoP", StringComparison.OrdinalIgnoreCase);
        if (!isBound && !Required(answer, "token_type").Equals("Bearer", StringComparison.OrdinalIgnoreCase)) throw new LoginException("answer");
        if (isBound != key is not null) throw new LoginException("unbound");
        var token = Token(answer, "access_token") ?? throw new LoginException("answer");
        if (options.Certificate is { } certificate && CertificateOf(token) != certificate) throw new LoginException("unbound");
        return new(token, askedAt.AddSeconds(Seconds(answer, "expires_in", 0))) { Refresh = Token(answer, "refresh_token"), Key = key?.ToPem() };
    }

    /// <summary>The certificate that a token (a JWT) says it is bound to; null when it does not say.</summary>
    private static string? CertificateOf(string token)
    {
        try
        {
            if (token.Split('.') is not [_, var claims, _]) return null;
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(claims));
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("cnf", out var bound) && bound.ValueKind == JsonValueKind.Object && bound.TryGetProperty("x5t#S256", out var to) && to.ValueKind == JsonValueKind.String ? to.GetString() : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Posts a form, with a proof of the key where there is one; once more when the provider wants to find a word of its own in the proof.</summary>
    private async Task<(bool IsDone, JsonElement Answer)> PostAsync(Uri to, ProofKey? key, CancellationToken cancellationToken, params (string Name, string Value)[] fields)
    {
        string? nonce = null;
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, to) { Content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value))) };
            if (key is not null) request.Headers.Add("DPoP", key.Prove(to.GetLeftPart(UriPartial.Path), options.Clock.GetUtcNow(), nonce: nonce));
            using var answer = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if ((int)answer.StatusCode >= 500) answer.EnsureSuccessStatusCode();
            var read = await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode || key is null || nonce is not null || ErrorOf(read) != "use_dpop_nonce" || (nonce = NonceOf(answer)) is null) return (answer.IsSuccessStatusCode, read);
        }
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            var bytes = await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
            if (bytes.Length == 0 && answer.IsSuccessStatusCode) return default; // "done", where there is nothing to say
            using var document = JsonDocument.Parse(bytes);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw new LoginException("answer");
        }
        catch (JsonException)
        {
            throw new LoginException("answer");
        }
    }

    private static Uri? EndPoint(JsonElement document, string name)
    {
        if (!document.TryGetProperty(name, out _)) return null;
        var uri = Page(document, name);
        CheckReach(uri);
        return uri;
    }

    private static Uri Page(JsonElement answer, string name) =>
        Uri.TryCreate(Required(answer, name), UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp) ? uri : throw new LoginException("answer");

    private static void CheckReach(Uri uri)
    {
        if (uri.Scheme != Uri.UriSchemeHttps && !(uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)) throw new LoginException("https");
    }

    private static string? NonceOf(HttpResponseMessage answer) => answer.Headers.TryGetValues("DPoP-Nonce", out var values) && values.ToArray() is [{ Length: > 0 and < 512 } nonce] ? nonce : null;

    /// <summary>A token: printable ASCII without spaces, so that it makes a header of one line.</summary>
    private static string? Token(JsonElement answer, string name) =>
        !answer.TryGetProperty(name, out _) ? null : Required(answer, name) is { Length: < MaxTextLength } text && text.All(c => c is > ' ' and < '\x7f') ? text : throw new LoginException("answer");

    private static string Required(JsonElement answer, string name) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : throw new LoginException("answer");

    private static int Seconds(JsonElement answer, string name, int otherwise) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var seconds) ? Math.Clamp(seconds, 0, MaxSeconds) : otherwise;

    /// <summary>The provider's code, as far as it is one.</summary>
    private static string ErrorOf(JsonElement answer) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("error", out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and < 64 } text && text.All(c => char.IsAsciiLetter(c) || c == '_') ? text.ToLower(CultureInfo.InvariantCulture) : "answer";
}
