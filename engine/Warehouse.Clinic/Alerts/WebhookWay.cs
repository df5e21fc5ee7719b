using System.Text.Json;

namespace Warehouse.Clinic.Alerts;

/// <summary>Messages by signed HTTP POST (<see cref="SignedPost"/>) of a JSON object: id, recipient, grade, how many alerts, whether it is the self-test. One thread.</summary>
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
            post.SendAsync(message.Id, message.SentUtc, Body(message), CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            throw new IOException("the webhook does not take messages", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => post.Dispose();

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
