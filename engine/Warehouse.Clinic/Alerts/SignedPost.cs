using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// HTTP POST of a JSON object to one address, by https, or to this machine: whatever leaves the house by a webhook leaves by this. Three headers tell the receiver from
/// whom it is and that it is not old:
/// <code>
/// webhook-id         the id of the message: the same when it is sent again, and then nothing is to be done
/// webhook-timestamp  seconds since 1970, of this try
/// webhook-signature  v1, and base64 of HMAC-SHA256 by the shared secret over ID.TIMESTAMP.BODY
/// </code>
/// The secret is the bytes of a file without the line end behind them, 32 or more. Any answer of 200 to 299 takes it on; nothing of an answer is read, and no redirection
/// followed. Any thread.
/// </summary>
public sealed class SignedPost : IDisposable
{
    /// <summary>Shortest secret.</summary>
    public const int MinSecretBytes = 32;

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    private readonly Uri _address;
    private readonly byte[] _secret;
    private readonly HttpClient _client;

    /// <summary>To an address; nothing is sent yet.</summary>
    /// <param name="address">The address.</param>
    /// <param name="secretFile">The content of the file of the secret.</param>
    /// <param name="authorities">Authorities of its certificate; null = those of the system.</param>
    /// <exception cref="ArgumentException">The address is neither https nor of this machine, or the secret is too short.</exception>
    public SignedPost(Uri address, ReadOnlySpan<byte> secretFile, X509Certificate2Collection? authorities = null)
    {
        if (!address.IsAbsoluteUri || !(address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))) throw new ArgumentException("the address of a webhook is https, or http on this machine", nameof(address));
        if (!IsSecret(secretFile)) throw new ArgumentException($"the secret of a webhook has {MinSecretBytes} bytes or more", nameof(secretFile));
        (_address, _secret) = (address, Trimmed(secretFile).ToArray());
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = AnswerWithin, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        if (authorities is not null)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true },
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }
        _client = new HttpClient(handler) { Timeout = AnswerWithin, MaxResponseContentBufferSize = 1 << 16 };
    }

    /// <summary>Whether the content of a file is a secret.</summary>
    public static bool IsSecret(ReadOnlySpan<byte> file) => Trimmed(file).Length >= MinSecretBytes;

    /// <summary>The signature of one try.</summary>
    public static string Sign(ReadOnlySpan<byte> secret, string id, string timestamp, ReadOnlySpan<byte> body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, [.. Encoding.ASCII.GetBytes($"{id}.{timestamp}."), .. body]));

    /// <summary>Posts; it was taken when this returns.</summary>
    /// <param name="id">Of the message.</param>
    /// <param name="at">Of this try.</param>
    /// <param name="body">A JSON object.</param>
    /// <param name="stop">Gives it up; it may have been taken all the same.</param>
    /// <exception cref="HttpRequestException">It was not taken.</exception>
    /// <exception cref="TaskCanceledException">There was no answer in time.</exception>
    public async Task SendAsync(string id, DateTimeOffset at, byte[] body, CancellationToken stop)
    {
        var timestamp = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = content };
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", Sign(_secret, id, timestamp, body));
        using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode) throw new HttpRequestException("the webhook did not take it", null, answer.StatusCode);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        CryptographicOperations.ZeroMemory(_secret);
    }

    private static ReadOnlySpan<byte> Trimmed(ReadOnlySpan<byte> file) => file.TrimEnd("\r\n"u8);
}
