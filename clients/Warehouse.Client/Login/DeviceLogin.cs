using System.Globalization;
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
public sealed record AccessToken(string Token, DateTimeOffset Until);

/// <summary>The provider did not log the person in. The code is the one of RFC 6749 and 8628: <c>access_denied</c>, <c>expired_token</c> …</summary>
/// <param name="code">The code.</param>
public sealed class LoginException(string code) : Exception($"not logged in: {code}")
{
    /// <summary>Why.</summary>
    public string Code => code;
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

    /// <summary>Scopes asked for.</summary>
    public string Scope { get; init; } = "openid";

    /// <summary>Measures the waits between two questions.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>
/// Logs in a person by another device (RFC 8628): the program shows a page and a code, and asks the provider until the person is done. It asks no more often than
/// the provider says, and more slowly each time that it is told to. Threads: one login at a time.
/// </summary>
public sealed class DeviceLogin(HttpClient http, DeviceLoginOptions options)
{
    private const string Grant = "urn:ietf:params:oauth:grant-type:device_code";
    private const int DefaultIntervalSeconds = 5, SlowerSeconds = 5, MaxSeconds = 3600;

    /// <summary>Logs in. Throws <see cref="LoginException"/> when the person does not, <see cref="HttpRequestException"/> when the provider is not reached.</summary>
    /// <param name="show">Shows the person what to do.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<AccessToken> RunAsync(Action<DevicePrompt> show, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(show);
        var (device, token) = await DiscoverAsync(cancellationToken).ConfigureAwait(false);
        var (isDone, begun) = await PostAsync(device, cancellationToken, ("client_id", options.Client), ("scope", options.Scope), ("resource", options.Audience), ("audience", options.Audience)).ConfigureAwait(false);
        if (!isDone) throw new LoginException(ErrorOf(begun));
        var until = options.Clock.GetUtcNow().AddSeconds(Seconds(begun, "expires_in", MaxSeconds));
        show(new(new(Required(begun, "verification_uri")), Required(begun, "user_code"), begun.TryGetProperty("verification_uri_complete", out var complete) ? new(complete.GetString()!) : null, until));
        var interval = TimeSpan.FromSeconds(Seconds(begun, "interval", DefaultIntervalSeconds));
        var code = Required(begun, "device_code");
        while (true)
        {
            await Task.Delay(interval, options.Clock, cancellationToken).ConfigureAwait(false);
            if (options.Clock.GetUtcNow() >= until) throw new LoginException("expired_token");
            var askedAt = options.Clock.GetUtcNow();
            (isDone, var answer) = await PostAsync(token, cancellationToken, ("grant_type", Grant), ("device_code", code), ("client_id", options.Client), ("resource", options.Audience)).ConfigureAwait(false);
            if (isDone) return new(Required(answer, "access_token"), askedAt.AddSeconds(Seconds(answer, "expires_in", 0)));
            var error = ErrorOf(answer);
            if (error == "slow_down") interval += TimeSpan.FromSeconds(SlowerSeconds);
            else if (error != "authorization_pending") throw new LoginException(error);
        }
    }

    private async Task<(Uri Device, Uri Token)> DiscoverAsync(CancellationToken cancellationToken)
    {
        CheckReach(options.Issuer);
        using var answer = await http.GetAsync(new Uri(options.Issuer.OriginalString.TrimEnd('/') + "/.well-known/openid-configuration"), cancellationToken).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
        var document = await ReadAsync(answer, cancellationToken).ConfigureAwait(false);
        if (Required(document, "issuer") != options.Issuer.OriginalString) throw new LoginException("issuer");
        Uri device = new(Required(document, "device_authorization_endpoint")), token = new(Required(document, "token_endpoint"));
        CheckReach(device);
        CheckReach(token);
        return (device, token);
    }

    private async Task<(bool IsDone, JsonElement Answer)> PostAsync(Uri to, CancellationToken cancellationToken, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));
        using var answer = await http.PostAsync(to, content, cancellationToken).ConfigureAwait(false);
        if ((int)answer.StatusCode >= 500) answer.EnsureSuccessStatusCode();
        return (answer.IsSuccessStatusCode, await ReadAsync(answer, cancellationToken).ConfigureAwait(false));
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw new LoginException("answer");
        }
        catch (JsonException)
        {
            throw new LoginException("answer");
        }
    }

    private static void CheckReach(Uri uri)
    {
        if (uri.Scheme != Uri.UriSchemeHttps && !(uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)) throw new LoginException("https");
    }

    private static string Required(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : throw new LoginException("answer");

    private static int Seconds(JsonElement answer, string name, int otherwise) =>
        answer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var seconds) ? Math.Clamp(seconds, 0, MaxSeconds) : otherwise;

    /// <summary>The provider's code, as far as it is one.</summary>
    private static string ErrorOf(JsonElement answer) =>
        answer.TryGetProperty("error", out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and < 64 } text && text.All(c => char.IsAsciiLetter(c) || c == '_') ? text.ToLower(CultureInfo.InvariantCulture) : "answer";
}
