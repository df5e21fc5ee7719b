using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// Messages by HTTP POST of a JSON object to one address, by https, or to this machine. Three headers, those of the server's own notes, tell the receiver from whom it is and that it is not old:
/// <code>
/// webhook-id         the id of the message: the same when it is sent again, and then nothing is to be done
/// webhook-timestamp  seconds since 1970, of this try
/// webhook-signature  v1, and base64 of HMAC-SHA256 by the shared secret over ID.TIMESTAMP.BODY
/// </code>
/// Any answer of 200 to 299 takes it on; nothing of an answer is read, and no redirection followed. One thread.
/// </summary>
public sealed class WebhookWay : IAlertWay, IDisposable
{
    /// <summary>Shortest secret.</summary>
    public const int MinSecretBytes = 32;

    private readonly Uri _address;
    private readonly byte[] _secret;
    private readonly HttpClient _client;

    /// <summary>A way to an address.</summary>
    /// <exception cref="ArgumentException">The address is neither https nor of this machine, or the secret is too short.</exception>
    public WebhookWay(Uri address, byte[] secret)
    {
        if (!address.IsAbsoluteUri || !(address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))) throw new ArgumentException("the address of a webhook is https, or http on this machine", nameof(address));
        if (secret.Length < MinSecretBytes) throw new ArgumentException($"the secret of a webhook has {MinSecretBytes} bytes or more", nameof(secret));
        (_address, _secret) = (address, secret);
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10), MaxResponseContentBufferSize = 1 << 16 };
    }

    /// <inheritdoc/>
    public string Name => "webhook";

    /// <inheritdoc/>
    public void Send(AlertMessage message)
    {
        var body = Body(message);
        using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", message.Id);
        request.Headers.Add("webhook-timestamp", Seconds(message));
        request.Headers.Add("webhook-signature", Signature(_secret, message, body));
        try
        {
            using var response = _client.Send(request, HttpCompletionOption.ResponseHeadersRead);
            if (!response.IsSuccessStatusCode) throw new IOException(string.Create(CultureInfo.InvariantCulture, $"the webhook answered {(int)response.StatusCode}"));
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            throw new IOException("the webhook does not answer", e);
        }
    }

    /// <summary>The signature of a message with its body.</summary>
    public static string Signature(byte[] secret, AlertMessage message, ReadOnlySpan<byte> body)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        mac.AppendData(Encoding.ASCII.GetBytes($"{message.Id}.{Seconds(message)}."));
        mac.AppendData(body);
        return "v1," + Convert.ToBase64String(mac.GetHashAndReset());
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string Seconds(AlertMessage message) => message.SentUtc.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    private static byte[] Body(AlertMessage message)
    {
        using var bytes = new MemoryStream();
        using (var to = new Utf8JsonWriter(bytes))
        {
            to.WriteStartObject();
            to.WriteString("id", message.Id);
            to.WriteString("recipient", message.Recipient);
            to.WriteString("grade", message.Grade.ToString().ToLowerInvariant());
            to.WriteNumber("alerts", message.Alerts);
            to.WriteBoolean("selfTest", message.IsSelfTest);
            to.WriteEndObject();
        }
        return bytes.ToArray();
    }
}
