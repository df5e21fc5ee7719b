using System.Net;
using System.Net.Mail;
using System.Net.Mime;
using System.Text;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Notify;

/// <summary>
/// Notes to people, by a mail relay (SMTP with STARTTLS; in clear text to this machine alone). The relay's certificate is held against the authorities of
/// the system. A mail that was taken is delivered by the relay, which tries again itself.
/// </summary>
internal sealed class MailSender(MailConfiguration mail, ServerConfiguration configuration) : INoteSender
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly NetworkCredential? _account = AccountOf(mail, configuration);

    public string Name => "mail";

    public async Task SendAsync(Note note, CancellationToken stop)
    {
        using var message = new MailMessage { From = new MailAddress(mail.From), Subject = note.Title(), Body = note.ToText(), BodyEncoding = Encoding.ASCII, BodyTransferEncoding = TransferEncoding.SevenBit };
        foreach (var to in mail.To) message.To.Add(new MailAddress(to));
        message.Headers.Add("Message-ID", $"<{note.Id}@variant-warehouse.invalid>");
        using var client = new SmtpClient(mail.Host, mail.Port) { EnableSsl = !mail.IsClear, UseDefaultCredentials = false, Credentials = _account };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(AnswerWithin);
        await client.SendMailAsync(message, limit.Token).ConfigureAwait(false);
    }

    private static NetworkCredential? AccountOf(MailConfiguration mail, ServerConfiguration configuration)
    {
        if (mail.Account is not { } account) return null;
        var file = configuration.Resolve(mail.PasswordFile ?? "");
        PrivateFolder.Check(file, isFolder: false, "key-open", "the password of the mail relay is open to others: its mode must be 0600");
        return new(account, File.ReadAllText(file).TrimEnd('\r', '\n'));
    }
}
