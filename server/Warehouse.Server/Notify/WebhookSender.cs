using System.Security.Cryptography.X509Certificates;
using Warehouse.Clinic.Alerts;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Notify;

/// <summary>Notes to a program, by signed HTTPS POST (<see cref="SignedPost"/>) of their JSON. Any answer but 2xx is a failure.</summary>
internal sealed class WebhookSender(WebhookConfiguration webhook, ServerConfiguration configuration, TimeProvider clock) : INoteSender, IDisposable
{
    private readonly SignedPost _post = Open(webhook, configuration);

    public string Name => "webhook";

    /// <summary>A webhook as it is configured.</summary>
    public static SignedPost Open(WebhookConfiguration webhook, ServerConfiguration configuration)
    {
        var file = configuration.Resolve(webhook.SecretFile);
        PrivateFolder.Check(file, isFolder: false, "key-open", "the secret of the webhook is open to others: its mode must be 0600");
        X509Certificate2Collection? roots = null;
        if (webhook.Authorities is { } authorities) (roots = []).ImportFromPemFile(configuration.Resolve(authorities));
        return new SignedPost(new Uri(webhook.Url), File.ReadAllBytes(file), roots);
    }

    public Task SendAsync(Note note, CancellationToken stop) => _post.SendAsync(note.Id, clock.GetUtcNow(), note.ToJson(), stop);

    public void Dispose() => _post.Dispose();
}
