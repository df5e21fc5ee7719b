using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Warehouse.Server.Configuration;
using Xunit;

namespace Warehouse.Server.Tests.Host;

/// <summary>The product's listener as anybody meets it: TLS 1.3, 1.2 where it is configured, and HTTP/2 alone (C17).</summary>
public sealed class ListenerTests
{
    [Theory]
    [InlineData(null, SslProtocols.Tls13, true)]
    [InlineData(null, SslProtocols.Tls12, false)]
    [InlineData("1.2", SslProtocols.Tls13, true)]
    [InlineData("1.2", SslProtocols.Tls12, true)]
    public async Task Older_TLS_is_spoken_where_that_is_configured(string? configured, SslProtocols offered, bool isTaken)
    {
        await using var served = await ServedStore.StartAsync(samples: 2, variants: 5, configure: configured is null ? null : _ => new ServerConfiguration { Listen = new() { Tls = configured } });
        if (!isTaken)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(served, offered, SslApplicationProtocol.Http2));
            return;
        }
        using var tls = await ConnectAsync(served, offered, SslApplicationProtocol.Http2);
        Assert.Equal((offered, SslApplicationProtocol.Http2), (tls.SslProtocol, tls.NegotiatedApplicationProtocol));
    }

    /// <summary>A client of HTTP/1.1 agrees on nothing with it, and a request that it sends all the same is not answered.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Nothing_but_HTTP_2_is_spoken_over_TLS(bool saysSo)
    {
        await using var served = await ServedStore.StartAsync(samples: 2, variants: 5);
        SslStream tls;
        try
        {
            tls = await ConnectAsync(served, SslProtocols.Tls13, saysSo ? SslApplicationProtocol.Http11 : null);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            Assert.True(saysSo, "without a protocol to agree on there is nothing to refuse in the handshake");
            return;
        }
        using (tls)
        {
            Assert.NotEqual(SslApplicationProtocol.Http11, tls.NegotiatedApplicationProtocol);
            await tls.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            using var answer = new MemoryStream();
            try
            {
                await tls.CopyToAsync(answer);
            }
            catch (IOException)
            {
                // Reset is as good an end.
            }
            var text = Encoding.Latin1.GetString(answer.ToArray());
            Assert.DoesNotContain(" 200", text, StringComparison.Ordinal);
            Assert.DoesNotContain("404", text, StringComparison.Ordinal); // a page that is not there would have been looked for
        }
    }

    private static async Task<SslStream> ConnectAsync(ServedStore served, SslProtocols protocol, SslApplicationProtocol? application)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(served.Server.EndPoint.Address, served.Server.Port);
        var tls = new SslStream(tcp.GetStream(), leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost", EnabledSslProtocols = protocol, ApplicationProtocols = application is { } one ? [one] : null, RemoteCertificateValidationCallback = static (_, _, _, _) => true,
            });
            return tls;
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }
}
