using System.Globalization;
using System.Text;
using Warehouse.Clinic;
using Warehouse.Clinic.Alerts;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Notify;

/// <summary>
/// Messages about alerts by a mail relay: to the address of the recipient, or, of one who has none in the configuration, to its own receivers, who are told for whom it is. A
/// mail has an id that means nothing, the grade and the number of alerts; what they are about is shown after a login alone. One thread.
/// </summary>
internal sealed class AlertMail(AlertConfiguration alerts, ServerConfiguration configuration, TimeProvider? clock = null) : IAlertWay
{
    private readonly MailConfiguration _mail = alerts.Mail!;
    private readonly MailRelay _relay = new(alerts.Mail!, configuration, clock);

    public string Name => "mail";

    public void Send(AlertMessage message)
    {
        var own = alerts.Addresses.GetValueOrDefault(message.Recipient);
        var text = new StringBuilder(Title(message)).Append(".\r\n\r\nid ").Append(message.Id).Append("\r\nat ").Append(message.SentUtc.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).Append("\r\n");
        if (own is null) text.Append("for ").Append(message.Recipient).Append("\r\n");
        text.Append("\r\nWhat it is about: warehouse alerts list --server URL.\r\n");
        _relay.SendAsync(new Mail(message.Identity, Title(message), text.ToString(), own is null ? _mail.To : [own], message.SentUtc), CancellationToken.None).GetAwaiter().GetResult();
    }

    private static string Title(AlertMessage message) => message switch
    {
        { IsSelfTest: true } => "Alerts: self-test, nothing to do",
        { Alerts: 1 } => $"Alerts: one waits, {Words.Of(message.Grade)}",
        _ => string.Create(CultureInfo.InvariantCulture, $"Alerts: {message.Alerts} wait, the highest {Words.Of(message.Grade)}"),
    };
}
