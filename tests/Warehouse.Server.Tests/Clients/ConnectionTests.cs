using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Warehouse.Cli;
using Warehouse.Client;
using Warehouse.Rpc.Server;
using Warehouse.Server.Identity;
using Warehouse.Tests;
using Xunit;
using CliRun = Warehouse.Tests.Cli.Cli;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Clients;

/// <summary>What a client does not speak to, and what it says then.</summary>
public sealed class ConnectionTests
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    [Theory]
    [InlineData("http://warehouse.test:7443")]
    [InlineData("http://192.0.2.1")]
    [InlineData("ftp://warehouse.test")]
    public void Clear_text_leaves_no_machine(string address)
    {
        Assert.Equal("clear-text", Assert.Throws<WarehouseException>(() => new WarehouseClient(new ConnectOptions { Server = new Uri(address) })).Rule);
        Assert.Equal("server-address", Assert.Throws<WarehouseException>(() => ConnectOptions.AddressOf(address)).Rule);
        var cli = new CliRun();
        Assert.Equal(ExitCode.BadInput, cli.Run("info", "--server", address));
        Assert.Contains("an address of a server is https://HOST:PORT", cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("other", "is not of the authority in the credentials")]
    [InlineData("over", "is not in force: it has ended, or has not begun")]
    [InlineData("early", "is not in force: it has ended, or has not begun")]
    [InlineData("name", "is for another name than the one that was called")]
    [InlineData("system", "errors in the certificate chain")]
    public async Task A_certificate_that_is_not_the_servers_is_refused_with_its_reason_and_once(string kind, string reason)
    {
        using X509Certificate2 authority = CertificateFactory.NewAuthority("test", Now.AddDays(-900), TimeSpan.FromDays(2000)), other = CertificateFactory.NewAuthority("test", Now.AddDays(-900), TimeSpan.FromDays(2000));
        using var made = kind switch
        {
            "other" => CertificateFactory.NewServer(other, ["localhost"], Now, TimeSpan.FromDays(1)),
            "over" => CertificateFactory.NewServer(authority, ["localhost"], Now.AddDays(-400), TimeSpan.FromDays(30)),
            "early" => CertificateFactory.NewServer(authority, ["localhost"], Now.AddDays(400), TimeSpan.FromDays(30)),
            "name" => CertificateFactory.NewServer(authority, ["warehouse.test"], Now, TimeSpan.FromDays(1)),
            _ => CertificateFactory.NewServer(authority, ["localhost"], Now, TimeSpan.FromDays(1)),
        };
        await using var server = await ServeAsync(made);
        using var folder = new Units.TempFolder();
        File.WriteAllText(folder["authority.crt"], authority.ExportCertificatePem());
        var address = $"https://localhost:{server.Port}";
        using var client = new WarehouseClient(new ConnectOptions { Server = new Uri(address), Credentials = kind == "system" ? null : Credentials.Read(folder["authority.crt"]), Clock = new NoPauses() });
        var refused = await Assert.ThrowsAsync<WarehouseException>(() => client.InfoAsync());
        Assert.Equal(StatusCode.Unavailable, refused.Code);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        var cli = new CliRun();
        Assert.Equal(ExitCode.CouldNot, cli.Run(["info", "--server", address, .. kind == "system" ? Array.Empty<string>() : ["--credentials", folder["authority.crt"]]]));
        Assert.Contains(reason, cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_known_is_spoken_to()
    {
        using var authority = CertificateFactory.NewAuthority("test", Now, TimeSpan.FromDays(9));
        using var made = CertificateFactory.NewServer(authority, ["localhost"], Now, TimeSpan.FromDays(1));
        await using var server = await ServeAsync(made);
        using var client = new WarehouseClient(new ConnectOptions { Server = new Uri($"https://localhost:{server.Port}"), Credentials = Credentials.FromPem(authority.ExportCertificatePem()) });
        Assert.Empty(await client.InfoAsync());
        Assert.Throws<WarehouseException>(() => Credentials.FromPem("nothing"));
        Assert.Throws<WarehouseException>(() => Credentials.Read(Path.GetRandomFileName()));
    }

    [PeerFact("python3")]
    public async Task The_client_for_python_refuses_the_same()
    {
        using X509Certificate2 authority = CertificateFactory.NewAuthority("test", Now.AddDays(-900), TimeSpan.FromDays(2000)), other = CertificateFactory.NewAuthority("test", Now, TimeSpan.FromDays(9));
        using X509Certificate2 right = CertificateFactory.NewServer(authority, ["localhost"], Now, TimeSpan.FromDays(1)), named = CertificateFactory.NewServer(authority, ["warehouse.test"], Now, TimeSpan.FromDays(1)),
            over = CertificateFactory.NewServer(authority, ["localhost"], Now.AddDays(-400), TimeSpan.FromDays(30));
        await using RpcServer first = await ServeAsync(right), second = await ServeAsync(named), third = await ServeAsync(over);
        using var folder = new Units.TempFolder();
        File.WriteAllText(folder["own"], authority.ExportCertificatePem());
        File.WriteAllText(folder["other"], other.ExportCertificatePem());
        const string Script = """
            import sys, warehouse
            right, named, over, own, other = sys.argv[1:]
            for server, credentials in (("http://localhost:" + right, own), (f"https://localhost:{right}/path", own), ("https://localhost:" + named, own), ("https://localhost:" + over, own), ("https://localhost:" + right, other), ("https://localhost:" + right, None), ("https://localhost:" + right, own)):
                try:
                    with warehouse.connect(server, credentials) as lab:
                        list(lab.seen(["22-1-A-C"]))
                except warehouse.WarehouseError as error:
                    print(error.code.name, error.rule or error)
            """;
        var start = new ProcessStartInfo("timeout", ["60", "/usr/bin/python3", "-B", "-c", Script, $"{first.Port}", $"{second.Port}", $"{third.Port}", folder["own"], folder["other"]]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PYTHONPATH"] = Path.Combine(TestData.ProjectRoot, "clients", "python");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var said = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] expected = ["INVALID_ARGUMENT server-address", "INVALID_ARGUMENT server-address", "UNAVAILABLE not-trusted", "UNAVAILABLE not-trusted", "UNAVAILABLE not-trusted", "UNAVAILABLE not-trusted"];
        Assert.Equal(expected, said.SkipLast(1));
        Assert.StartsWith("UNIMPLEMENTED", said[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("Traceback", await error, StringComparison.Ordinal);
    }

    private static Task<RpcServer> ServeAsync(X509Certificate2 certificate) => RpcServer.StartAsync(new RpcServices().Add(V1.Store.BindService(new Facts())), new RpcServerOptions
    {
        // A certificate with an ephemeral key cannot be shown by every TLS stack.
        EndPoint = new IPEndPoint(IPAddress.Loopback, 0), Certificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null), StopGrace = TimeSpan.Zero,
    });

    private sealed class Facts : V1.Store.StoreBase
    {
        public override Task<V1.InfoReply> Info(V1.InfoRequest request, ServerCallContext context) => Task.FromResult(new V1.InfoReply());
    }

    /// <summary>A clock that has no pauses between attempts: a call is asked once, or the test fails. Deadlines are long, and stay.</summary>
    private sealed class NoPauses : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            dueTime < TimeSpan.FromSeconds(5) ? throw new InvalidOperationException("asked again") : base.CreateTimer(callback, state, dueTime, period);
    }
}
