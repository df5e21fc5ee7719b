using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Warehouse.Clinic.Alerts;

/// <summary>
/// Messages by signed HTTP POST (<see cref="SignedPost"/>) of a JSON object: id of the alert, recipient, grade, how many alerts, whether it is the self-test. The
/// message's own id, by which doubles are dropped, is the header's. One thread.
/// </summary>
public sealed class WebhookWay(SignedPost post) : IAlertWay, IDisposable
{
    /// <summary>A way to an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="secretFile">The content of the file of the secret.</param>
    /// <exception cref="ArgumentException">The address is neither https nor of this machine, or the secret is too short.</exception>
    public WebhookWay(Uri address, byte[] secretFile) : this(new SignedPost(address, secretFile))
    {
    }

    /// <inheritdoc/>
    public string Name => "webhook";

    /// <inheritdoc/>
    public void Send(AlertMessage message)
    {
        try
        {
            post.SendAsync(message.Identity, message.SentUtc, Body(message), CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (HttpRequestException e) when (e.StatusCode is { } status && IsOfMessage(status))
        {
            throw new MessageRefusedException(string.Create(CultureInfo.InvariantCulture, $"the webhook answered {(int)status}"), e);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            throw new IOException("the webhook does not take messages", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => post.Dispose();

    /// <summary>
    /// Whether an answer is about the message: an error of who sends, but for those that say that the address, the method or the secret is wrong (401, 403, 404, 405, 407, 410), or that it is to be
    /// tried later (408, 429). Those, a redirection and an error of the receiver would meet the next message as well.
    /// </summary>
    private static bool IsOfMessage(HttpStatusCode status) => (int)status is >= 400 and < 500 and not (401 or 403 or 404 or 405 or 407 or 408 or 410 or 429);

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
