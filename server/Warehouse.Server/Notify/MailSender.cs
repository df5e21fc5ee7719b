using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Notify;

/// <summary>
/// Notes to people, by a mail relay (<see cref="MailRelay"/>). The relay's certificate is held against the configured authorities, or else those of the
/// system. A mail that was taken is delivered by the relay, which tries again itself.
/// </summary>
internal sealed class MailSender : INoteSender
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly MailConfiguration _mail;
    private readonly NetworkCredential? _account;
    private readonly X509Certificate2Collection? _authorities;

    public MailSender(MailConfiguration mail, ServerConfiguration configuration)
    {
        (_mail, _account) = (mail, AccountOf(mail, configuration));
        if (mail.Authorities is not { } file) return;
        _authorities = [];
        _authorities.ImportFromPemFile(configuration.Resolve(file));
    }

    public string Name => "mail";

    public async Task SendAsync(Note note, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(AnswerWithin);
        using var relay = await MailRelay.ConnectAsync(_mail, _authorities, limit.Token).ConfigureAwait(false);
        if (_account is { } account) await relay.LogInAsync(account, limit.Token).ConfigureAwait(false);
        await relay.SendAsync(_mail.From, _mail.To, TextOf(note), limit.Token).ConfigureAwait(false);
    }

    /// <summary>The mail, ASCII, lines apart by CR LF (RFC 5322). Addresses are those of the configuration, all else is numbers.</summary>
    private string TextOf(Note note)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in (IEnumerable<(string, string)>)
        [
            ("From", _mail.From), ("To", string.Join(",\r\n ", _mail.To)), ("Subject", note.Title()), ("Date", note.MadeUtc.UtcDateTime.ToString("ddd, dd MMM yyyy HH':'mm':'ss '+0000'", CultureInfo.InvariantCulture)),
            ("Message-ID", $"<{note.Id}@variant-warehouse.invalid>"), ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=us-ascii"), ("Content-Transfer-Encoding", "7bit"),
        ]) text.Append(name).Append(": ").Append(value).Append("\r\n");
        return text.Append("\r\n").Append(note.ToText()).ToString();
    }

    private static NetworkCredential? AccountOf(MailConfiguration mail, ServerConfiguration configuration)
    {
        if (mail.Account is not { } account) return null;
        var file = configuration.Resolve(mail.PasswordFile ?? "");
        PrivateFolder.Check(file, isFolder: false, "key-open", "the password of the mail relay is open to others: its mode must be 0600");
        return new(account, File.ReadAllText(file).TrimEnd('\r', '\n'));
    }
}
