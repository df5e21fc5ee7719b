using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Warehouse.Engine;
using Warehouse.Rpc.Client;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Identity;

/// <summary>
/// The keys of an issuer: of a file, or asked for where its discovery document says (RFC 8414), over TLS only. They are fetched anew when they are
/// old, and when a token names one that is not there, then at most once a minute; while that fails, the last ones count for a day. Any thread.
/// </summary>
internal sealed class IssuerKeys : IDisposable
{
    private const int MaxKeys = 100, MaxAnswerBytes = 1 << 20;

    private static readonly TimeSpan MinAge = TimeSpan.FromMinutes(5), DefaultAge = TimeSpan.FromMinutes(15), MaxAge = TimeSpan.FromDays(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1), FirstRetryAfter = TimeSpan.FromSeconds(5), AnswerWithin = TimeSpan.FromSeconds(5);

    private readonly IssuerConfiguration _issuer;
    private readonly TimeProvider _clock;
    private readonly Action<int, Exception?>? _heard;
    private readonly HttpClient? _http;
    private readonly Watched<KeySet>? _file;
    private readonly SemaphoreSlim _fetching = new(1);
    private volatile KeySet? _fetched;
    private long? _triedAt;
    private volatile bool _hasFailed;

    /// <param name="issuer">The issuer.</param>
    /// <param name="configuration">Where its files lie.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="heard">Hears how many keys were fetched, or why none were; null = nobody does.</param>
    public IssuerKeys(IssuerConfiguration issuer, ServerConfiguration configuration, TimeProvider clock, Action<int, Exception?>? heard = null)
    {
        (_issuer, _clock, _heard) = (issuer, clock, heard);
        if (issuer.Keys is { } file) _file = new(() => ReadFile(configuration.Resolve(file)), clock);
        else _http = NewClient(issuer.Authorities is { } authorities ? configuration.Resolve(authorities) : null);
    }

    /// <summary>The key that a token's header names; without a name, the only one that can have made the signature. Null when there is none.</summary>
    public async ValueTask<JsonKey?> FindAsync(string? id, SignatureAlgorithm algorithm, CancellationToken cancellationToken)
    {
        if (_file is not null) return _file.Value.Find(id, algorithm);
        if (Usable is not { } set || _clock.GetUtcNow() >= set.FetchAgain) set = await FetchAsync(cancellationToken).ConfigureAwait(false);
        if (set?.Find(id, algorithm) is { } key) return key;
        return (await FetchAsync(cancellationToken).ConfigureAwait(false))?.Find(id, algorithm);
    }

    /// <summary>They could not be had when somebody needed them, and what there was is too old.</summary>
    public bool IsLost => _hasFailed && Usable is null;

    /// <summary>True while a key is one of the issuer's.</summary>
    public bool Has(JsonKey key) => (_file?.Value ?? Usable)?.Has(key) == true;

    /// <inheritdoc/>
    public void Dispose()
    {
        _http?.Dispose();
        _fetching.Dispose();
    }

    private KeySet? Usable => _fetched is { } set && _clock.GetUtcNow() < set.End ? set : null;

    /// <summary>Fetches unless that was tried just now; returns what counts then.</summary>
    private async Task<KeySet?> FetchAsync(CancellationToken cancellationToken)
    {
        // Who has keys does not wait for another's fetch.
        if (!await _fetching.WaitAsync(Usable is null ? AnswerWithin * 2 : TimeSpan.Zero, cancellationToken).ConfigureAwait(false)) return Usable;
        try
        {
            if (_triedAt is { } at && _clock.GetElapsedTime(at) < (_fetched is null ? FirstRetryAfter : RetryAfter)) return Usable;
            _triedAt = _clock.GetTimestamp();
            // Of nobody's time: who goes meanwhile leaves those that wait their answer. It has limits of its own.
            _fetched = await AskAsync(CancellationToken.None).ConfigureAwait(false);
            _hasFailed = false;
            _heard?.Invoke(_fetched.Count, null);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or InputException or OperationCanceledException)
        {
            // The last ones count on, until they are too old.
            _hasFailed = true;
            _heard?.Invoke(0, e);
        }
        finally
        {
            _fetching.Release();
        }
        return Usable;
    }

    private async Task<KeySet> AskAsync(CancellationToken cancellationToken)
    {
        var (discovery, _) = await GetAsync(new(_issuer.Issuer.TrimEnd('/') + "/.well-known/openid-configuration"), cancellationToken).ConfigureAwait(false);
        if (!discovery.TryGetProperty("issuer", out var named) || !named.ValueEquals(_issuer.Issuer)) throw new JsonException();
        if (!discovery.TryGetProperty("jwks_uri", out var at) || !Uri.TryCreate(at.GetString(), UriKind.Absolute, out var uri)) throw new JsonException();
        if (uri.Scheme != Uri.UriSchemeHttps && !(_issuer.IsTest && uri is { Scheme: "http", IsLoopback: true })) throw new JsonException();
        var (keys, age) = await GetAsync(uri, cancellationToken).ConfigureAwait(false);
        var now = _clock.GetUtcNow();
        age = age < MinAge ? MinAge : age > MaxAge ? MaxAge : age;
        return KeySet.Read(keys, now + age, now + MaxAge);
    }

    private async Task<(JsonElement Answer, TimeSpan Age)> GetAsync(Uri uri, CancellationToken cancellationToken)
    {
        using var answer = await _http!.GetAsync(uri, cancellationToken).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
        using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false), new() { AllowDuplicateProperties = false });
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException();
        return (document.RootElement.Clone(), answer.Headers.CacheControl?.MaxAge ?? DefaultAge);
    }

    private static KeySet ReadFile(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new() { AllowDuplicateProperties = false });
            return KeySet.Read(document.RootElement, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InputException("issuer-keys", "the file is not a set of keys (JWKS)", new(path, 0, 0, ""));
        }
    }

    private static HttpClient NewClient(string? authorityFile)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ActivityHeadersPropagator = null, ConnectTimeout = AnswerWithin, PooledConnectionLifetime = MinAge };
        if (authorityFile is not null)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(authorityFile);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = OwnAuthorities.PolicyOf(authorities) };
        }
        return new(handler) { Timeout = AnswerWithin, MaxResponseContentBufferSize = MaxAnswerBytes };
    }

    /// <summary>Keys as they were fetched.</summary>
    private sealed class KeySet
    {
        private readonly List<JsonKey> _keys;
        private readonly HashSet<string> _thumbprints;

        private KeySet(List<JsonKey> keys, DateTimeOffset fetchAgain, DateTimeOffset end)
        {
            (_keys, FetchAgain, End) = (keys, fetchAgain, end);
            _thumbprints = [.. keys.Select(k => Convert.ToHexString(k.Thumbprint))];
        }

        public int Count => _keys.Count;

        public DateTimeOffset FetchAgain { get; }

        public DateTimeOffset End { get; }

        public static KeySet Read(JsonElement set, DateTimeOffset fetchAgain, DateTimeOffset end)
        {
            if (set.ValueKind != JsonValueKind.Object || !set.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array || keys.GetArrayLength() > MaxKeys) throw new JsonException();
            // What is not understood is left out: an issuer may have keys for others.
            return new([.. keys.EnumerateArray().Select(JsonKey.TryRead).OfType<JsonKey>()], fetchAgain, end);
        }

        public JsonKey? Find(string? id, SignatureAlgorithm algorithm)
        {
            var fitting = _keys.Where(k => (id is null || k.Id == id) && k.Fits(algorithm)).Take(2).ToList();
            return fitting.Count == 1 ? fitting[0] : null;
        }

        public bool Has(JsonKey key) => _keys.Contains(key) || _thumbprints.Contains(Convert.ToHexString(key.Thumbprint));
    }
}
