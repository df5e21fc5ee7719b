using Warehouse.Server.Configuration;

namespace Warehouse.Server.Notify;

/// <summary>Notes to people, by a mail relay.</summary>
internal sealed class MailSender(MailConfiguration mail, ServerConfiguration configuration, TimeProvider? clock = null) : INoteSender
{
    private readonly MailRelay _relay = new(mail, configuration, clock);

    public string Name => "mail";

    public Task SendAsync(Note note, CancellationToken stop) => _relay.SendAsync(new Mail(note.Id, note.Title(), note.ToText(), mail.To, note.MadeUtc), stop);
}
