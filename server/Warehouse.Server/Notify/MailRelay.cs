using System.Net;
using System.Net.Mail;
using System.Net.Mime;
using System.Text;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Notify;

/// <summary>A mail, ASCII.</summary>
/// <param name="Id">What a receiver drops doubles by.</param>
/// <param name="Subject">One line.</param>
/// <param name="Body">Lines apart by CR LF.</param>
/// <param name="To">Receivers.</param>
internal sealed record Mail(string Id, string Subject, string Body, IEnumerable<string> To);

/// <summary>
/// A mail relay (SMTP with STARTTLS; in clear text to this machine alone). The relay's certificate is held against the authorities of the system. A mail that was taken is
/// delivered by the relay, which tries again itself. Any thread.
/// </summary>
internal sealed class MailRelay(MailConfiguration mail, ServerConfiguration configuration)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly NetworkCredential? _account = AccountOf(mail, configuration);

    /// <summary>Hands a mail over; it was taken when this returns.</summary>
    public async Task SendAsync(Mail text, CancellationToken stop)
    {
        using var message = new MailMessage { From = new MailAddress(mail.From), Subject = text.Subject, Body = text.Body, BodyEncoding = Encoding.ASCII, BodyTransferEncoding = TransferEncoding.SevenBit };
        foreach (var to in text.To) message.To.Add(new MailAddress(to));
        message.Headers.Add("Message-ID", $"<{text.Id}@variant-warehouse.invalid>");
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
