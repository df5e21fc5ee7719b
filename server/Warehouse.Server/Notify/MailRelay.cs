using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;

namespace Warehouse.Server.Notify;

/// <summary>A mail, ASCII.</summary>
/// <param name="Id">What a receiver drops doubles by.</param>
/// <param name="Subject">One line.</param>
/// <param name="Body">Lines apart by CR LF.</param>
/// <param name="To">Receivers.</param>
/// <param name="MadeUtc">When it was written.</param>
internal sealed record Mail(string Id, string Subject, string Body, IReadOnlyList<string> To, DateTimeOffset MadeUtc);

/// <summary>
/// A mail relay, one conversation for each mail. Its certificate is held against the configured authorities, or else those of the system. A mail that was
/// taken is delivered by the relay, which tries again itself. Any thread.
/// </summary>
internal sealed class MailRelay
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly MailConfiguration _mail;
    private readonly NetworkCredential? _account;
    private readonly X509Certificate2Collection? _authorities;

    public MailRelay(MailConfiguration mail, ServerConfiguration configuration)
    {
        (_mail, _account) = (mail, AccountOf(mail, configuration));
        if (mail.Authorities is not { } file) return;
        _authorities = [];
        _authorities.ImportFromPemFile(configuration.Resolve(file));
    }

    /// <summary>Hands a mail over; it was taken when this returns.</summary>
    /// <exception cref="IOException">It was not taken.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">There is no relay.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">Its certificate is not taken.</exception>
    public async Task SendAsync(Mail mail, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(AnswerWithin);
        using var relay = await MailConversation.ConnectAsync(_mail, _authorities, limit.Token).ConfigureAwait(false);
        if (_account is { } account) await relay.LogInAsync(account, limit.Token).ConfigureAwait(false);
        await relay.SendAsync(_mail.From, mail.To, TextOf(mail), limit.Token).ConfigureAwait(false);
    }

    /// <summary>The mail, ASCII, lines apart by CR LF (RFC 5322). Addresses are those of the configuration.</summary>
    private string TextOf(Mail mail)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in (IEnumerable<(string, string)>)
        [
            ("From", _mail.From), ("To", string.Join(",\r\n ", mail.To)), ("Subject", mail.Subject), ("Date", mail.MadeUtc.UtcDateTime.ToString("ddd, dd MMM yyyy HH':'mm':'ss '+0000'", CultureInfo.InvariantCulture)),
            ("Message-ID", $"<{mail.Id}@variant-warehouse.invalid>"), ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=us-ascii"), ("Content-Transfer-Encoding", "7bit"),
        ]) text.Append(name).Append(": ").Append(value).Append("\r\n");
        return text.Append("\r\n").Append(mail.Body).ToString();
    }

    private static NetworkCredential? AccountOf(MailConfiguration mail, ServerConfiguration configuration)
    {
        if (mail.Account is not { } account) return null;
        var file = configuration.Resolve(mail.PasswordFile ?? "");
        PrivateFolder.Check(file, isFolder: false, "key-open", "the password of the mail relay is open to others: its mode must be 0600");
        return new(account, File.ReadAllText(file).TrimEnd('\r', '\n'));
    }
}
