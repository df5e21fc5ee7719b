using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using Warehouse.Clinic.Alerts;
using Warehouse.Rpc.Client;
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
/// A mail relay (MailKit), one conversation for each mail: over TLS, which its port begins with or which it changes to before anything is told, and in clear text to
/// this machine alone. Its certificate is held against the configured authorities, or else those of the system. A mail is taken for all of its receivers or not at
/// all; one that was taken is delivered by the relay, which tries again itself. Any thread.
/// </summary>
internal sealed class MailRelay
{
    /// <summary>The port that speaks TLS from its first byte (RFC 8314).</summary>
    private const int TlsPort = 465;

    /// <summary>Time for all of a conversation; a relay that has fallen silent then has not taken the mail.</summary>
    public static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly MailConfiguration _mail;
    private readonly NetworkCredential? _account;
    private readonly X509Certificate2Collection? _authorities;
    private readonly TimeProvider _clock;

    public MailRelay(MailConfiguration mail, ServerConfiguration configuration, TimeProvider? clock = null)
    {
        (_mail, _account, _clock) = (mail, AccountOf(mail, configuration), clock ?? TimeProvider.System);
        if (mail.Authorities is not { } file) return;
        _authorities = [];
        _authorities.ImportFromPemFile(configuration.Resolve(file));
    }

    /// <summary>How the relay is spoken to. None of these goes on in clear text when the relay has no TLS.</summary>
    private SecureSocketOptions Security => _mail switch { { IsClear: true } => SecureSocketOptions.None, { IsTlsFirst: true } or { IsTlsFirst: null, Port: TlsPort } => SecureSocketOptions.SslOnConnect, _ => SecureSocketOptions.StartTls };

    /// <summary>Hands a mail over; it was taken when this returns.</summary>
    /// <exception cref="MessageRefusedException">The relay refuses this mail or one of its receivers; others it may take.</exception>
    /// <exception cref="IOException">It was not taken: there is no relay, its certificate is not taken, or it says no.</exception>
    public async Task SendAsync(Mail mail, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(AnswerWithin, _clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        // Whether a certificate was revoked would be asked over the network. The library's own check takes some certificates that the system does not.
        using var relay = new SmtpClient { CheckCertificateRevocation = false, ServerCertificateValidationCallback = (_, shown, chain, errors) => IsTaken(shown, chain, errors) };
        using var message = MessageOf(mail);
        try
        {
            await relay.ConnectAsync(_mail.Host, _mail.Port, Security, limit.Token).ConfigureAwait(false);
            if (_account is { } account) await relay.AuthenticateAsync(account, limit.Token).ConfigureAwait(false);
            await relay.SendAsync(message, limit.Token).ConfigureAwait(false);
        }
        catch (SmtpCommandException e)
        {
            var says = FormattableString.Invariant($"the mail relay answered {(int)e.StatusCode}");
            throw IsOfMail(e) ? new MessageRefusedException(says, e) : new IOException(says, e);
        }
        catch (Exception e) when (e is ProtocolException or AuthenticationException or SslHandshakeException or ServiceNotAuthenticatedException or ServiceNotConnectedException or NotSupportedException or SocketException or TimeoutException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            throw new IOException("the mail relay does not take messages", e);
        }
        // It is the relay's now: whatever it says to this, or does not, changes nothing.
        await relay.DisconnectAsync(quit: true, limit.Token).ConfigureAwait(false);
    }

    /// <summary>Whether the relay refuses this mail or one of its receivers, and not whoever sends, nor all because it ends (421).</summary>
    private static bool IsOfMail(SmtpCommandException said) =>
        said.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted && said.StatusCode != SmtpStatusCode.ServiceNotAvailable;

    private bool IsTaken(X509Certificate? shown, X509Chain? sent, SslPolicyErrors errors)
    {
        if (_authorities is null) return errors == SslPolicyErrors.None;
        if (shown is not X509Certificate2 certificate || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None) return false;
        using var chain = OwnAuthorities.ChainOf(_authorities, sent);
        return chain.Build(certificate);
    }

    /// <summary>The mail as it goes out. Addresses are those of the configuration; a mail that is sent again has the same id.</summary>
    private MimeMessage MessageOf(Mail mail)
    {
        var message = new MimeMessage { Subject = mail.Subject, Date = mail.MadeUtc.ToUniversalTime(), MessageId = mail.Id + "@variant-warehouse.invalid", Body = new TextPart("plain") { Text = mail.Body } };
        message.From.Add(new MailboxAddress(null, _mail.From));
        message.To.AddRange(mail.To.Select(to => new MailboxAddress(null, to)));
        return message;
    }

    private static NetworkCredential? AccountOf(MailConfiguration mail, ServerConfiguration configuration)
    {
        if (mail.Account is not { } account) return null;
        var file = configuration.Resolve(mail.PasswordFile ?? "");
        PrivateFolder.Check(file, isFolder: false, "key-open", "the password of the mail relay is open to others: its mode must be 0600");
        return new(account, File.ReadAllText(file).TrimEnd('\r', '\n'));
    }
}
