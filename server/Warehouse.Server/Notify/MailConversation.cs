using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Warehouse.Server.Configuration;

namespace Warehouse.Server.Notify;

/// <summary>
/// One conversation with a mail relay (SMTP, RFC 5321), over TLS by STARTTLS (RFC 3207), in clear text to this machine alone. The runtime's own client takes the
/// authorities of the system and no others. What is said before TLS counts for nothing after it. Whatever the relay does not take is an
/// <see cref="IOException"/> with the number of its answer. One thread at a time.
/// </summary>
internal sealed class MailConversation : IDisposable
{
    private const int MostLineBytes = 2048, MostLines = 100;

    private readonly TcpClient _client;
    private readonly byte[] _buffer = new byte[MostLineBytes];
    private Stream _stream;
    private int _at, _end;
    private HashSet<string> _offers = [];

    private MailConversation(TcpClient client) => (_client, _stream) = (client, client.GetStream());

    /// <summary>Connects, and speaks TLS from then on unless that is configured otherwise.</summary>
    /// <param name="mail">Where.</param>
    /// <param name="authorities">Of the relay's certificate; null for those of the system.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="System.Security.Authentication.AuthenticationException">Its certificate is not taken.</exception>
    public static async Task<MailConversation> ConnectAsync(MailConfiguration mail, X509Certificate2Collection? authorities, CancellationToken stop)
    {
        var client = new TcpClient();
        MailConversation? relay = null;
        try
        {
            await client.ConnectAsync(mail.Host, mail.Port, stop).ConfigureAwait(false);
            relay = new MailConversation(client);
            await relay.ExpectAsync(220, stop).ConfigureAwait(false);
            await relay.GreetAsync(stop).ConfigureAwait(false);
            if (!mail.IsClear) await relay.SecureAsync(mail.Host, authorities, stop).ConfigureAwait(false);
            return relay;
        }
        catch
        {
            relay?.Dispose();
            client.Dispose();
            throw;
        }
    }

    /// <summary>Logs in (RFC 4954).</summary>
    public async Task LogInAsync(NetworkCredential account, CancellationToken stop)
    {
        if (_offers.Contains("AUTH PLAIN"))
        {
            await AskAsync("AUTH PLAIN " + Base64($"\0{account.UserName}\0{account.Password}"), 235, stop).ConfigureAwait(false);
            return;
        }
        if (!_offers.Contains("AUTH LOGIN")) throw new IOException("the relay offers no way to log in that is spoken here");
        await AskAsync("AUTH LOGIN", 334, stop).ConfigureAwait(false);
        await AskAsync(Base64(account.UserName), 334, stop).ConfigureAwait(false);
        await AskAsync(Base64(account.Password), 235, stop).ConfigureAwait(false);
    }

    /// <summary>Hands over one mail: taken when this returns.</summary>
    /// <param name="from">Sender.</param>
    /// <param name="to">Receivers: all of them, or it is not taken.</param>
    /// <param name="text">ASCII, lines apart by CR LF.</param>
    /// <param name="stop">Gives up.</param>
    public async Task SendAsync(string from, IEnumerable<string> to, string text, CancellationToken stop)
    {
        await AskAsync($"MAIL FROM:<{from}>", 250, stop).ConfigureAwait(false);
        foreach (var one in to) await AskAsync($"RCPT TO:<{one}>", 250, stop).ConfigureAwait(false);
        await AskAsync("DATA", 354, stop).ConfigureAwait(false);
        // A line that begins with a point would end the mail.
        var lines = text.Split("\r\n").Select(l => l.StartsWith('.') ? "." + l : l);
        await AskAsync(string.Join("\r\n", lines).TrimEnd('\r', '\n') + "\r\n.", 250, stop).ConfigureAwait(false);
        await WriteAsync("QUIT", stop).ConfigureAwait(false); // what it says to that changes nothing
    }

    public void Dispose()
    {
        _stream.Dispose();
        _client.Dispose();
    }

    private async Task SecureAsync(string host, X509Certificate2Collection? authorities, CancellationToken stop)
    {
        if (!_offers.Contains("STARTTLS")) throw new IOException("the relay offers no TLS");
        await AskAsync("STARTTLS", 220, stop).ConfigureAwait(false);
        // Bytes that came along would be taken for said under TLS.
        if (_at < _end) throw new IOException("the relay said more than it was asked");
        var secure = new SslStream(_stream, leaveInnerStreamOpen: false);
        _stream = secure;
        var options = new SslClientAuthenticationOptions { TargetHost = host };
        if (authorities is not null)
        {
            options.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }
        await secure.AuthenticateAsClientAsync(options, stop).ConfigureAwait(false);
        await GreetAsync(stop).ConfigureAwait(false);
    }

    /// <summary>Says who speaks, and learns what the relay can do.</summary>
    private async Task GreetAsync(CancellationToken stop)
    {
        var own = ((IPEndPoint)_client.Client.LocalEndPoint!).Address;
        var lines = await AskAsync(own.AddressFamily == AddressFamily.InterNetworkV6 && !own.IsIPv4MappedToIPv6 ? $"EHLO [IPv6:{own}]" : $"EHLO [{own.MapToIPv4()}]", 250, stop).ConfigureAwait(false);
        _offers = [.. lines.Skip(1).Select(l => l.ToUpperInvariant().Split(' ')).SelectMany(w => w is ["AUTH", .. var ways] ? ways.Select(way => "AUTH " + way) : [w[0]])];
    }

    private async Task<List<string>> AskAsync(string line, int expected, CancellationToken stop)
    {
        await WriteAsync(line, stop).ConfigureAwait(false);
        return await ExpectAsync(expected, stop).ConfigureAwait(false);
    }

    private async Task WriteAsync(string line, CancellationToken stop)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), stop).ConfigureAwait(false);
        await _stream.FlushAsync(stop).ConfigureAwait(false);
    }

    /// <summary>Reads an answer: lines <c>NNN-text</c>, the last <c>NNN text</c>. A forwarding (251) is as good as taken.</summary>
    private async Task<List<string>> ExpectAsync(int expected, CancellationToken stop)
    {
        var texts = new List<string>();
        while (true)
        {
            var line = await ReadLineAsync(stop).ConfigureAwait(false);
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var code) || texts.Count == MostLines) throw new IOException("the relay's answer is not understood");
            texts.Add(line.Length > 4 ? line[4..] : "");
            if (line.Length > 3 && line[3] == '-') continue;
            return code == expected || (expected == 250 && code == 251) ? texts : throw new IOException(FormattableString.Invariant($"the relay answered {code}"));
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken stop)
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_at == _end)
            {
                (_at, _end) = (0, await _stream.ReadAsync(_buffer, stop).ConfigureAwait(false));
                if (_end == 0) throw new IOException("the relay ended the conversation");
            }
            var c = (char)_buffer[_at++];
            if (c == '\n') return line.ToString().TrimEnd('\r');
            if (line.Length == MostLineBytes) throw new IOException("the relay's answer is too long");
            line.Append(c);
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
