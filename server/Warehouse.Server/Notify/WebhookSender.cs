using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Notify;

/// <summary>
/// Notes to a program, by HTTPS POST of their JSON. Who receives them knows by three headers that they are from here and not old:
/// <code>
/// webhook-id         the id of the note: the same when it is sent again
/// webhook-timestamp  seconds since 1970, of this try
/// webhook-signature  v1, and base64 of HMAC-SHA256 by the shared secret over ID.TIMESTAMP.BODY
/// </code>
/// Any answer but 2xx is a failure; nothing of an answer is read, and no redirection followed.
/// </summary>
internal sealed class WebhookSender : INoteSender, IDisposable
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly Uri _url;
    private readonly byte[] _secret;
    private readonly TimeProvider _clock;

    public WebhookSender(WebhookConfiguration webhook, ServerConfiguration configuration, TimeProvider clock)
    {
        (_url, _clock) = (new Uri(webhook.Url), clock);
        var file = configuration.Resolve(webhook.SecretFile);
        PrivateFolder.Check(file, isFolder: false, "key-open", "the secret of the webhook is open to others: its mode must be 0600");
        _secret = Encoding.UTF8.GetBytes(File.ReadAllText(file).TrimEnd('\r', '\n'));
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, ConnectTimeout = AnswerWithin, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        if (webhook.Authorities is { } authorities)
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(configuration.Resolve(authorities));
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        }
        _http = new(handler) { Timeout = AnswerWithin };
    }

    public string Name => "webhook";

    /// <summary>The signature of one try.</summary>
    public static string Sign(ReadOnlySpan<byte> secret, string id, string timestamp, ReadOnlySpan<byte> body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, [.. Encoding.ASCII.GetBytes($"{id}.{timestamp}."), .. body]));

    public async Task SendAsync(Note note, CancellationToken stop)
    {
        var body = note.ToJson();
        var timestamp = _clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, _url) { Content = content };
        request.Headers.Add("webhook-id", note.Id);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", Sign(_secret, note.Id, timestamp, body));
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode) throw new HttpRequestException("the webhook did not take it", null, answer.StatusCode);
    }

    public void Dispose()
    {
        _http.Dispose();
        CryptographicOperations.ZeroMemory(_secret);
    }
}
