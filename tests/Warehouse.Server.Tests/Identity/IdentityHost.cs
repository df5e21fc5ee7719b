using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Warehouse.Protocol.V1;
using Warehouse.Rpc.Client;
using Warehouse.Rpc.Server;
using Warehouse.Server.Identity;
using Warehouse.Units;

namespace Warehouse.Server.Tests.Identity;

/// <summary>A server over TLS that tells each caller who he is.</summary>
internal sealed class IdentityHost : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private RpcServer? _server;

    private IdentityHost(TimeProvider clock)
    {
        Identity = ServerIdentity.Open(_folder["server"], [], clock);
        Certificates = new([CertificateTrust.Local(Identity, clock)], new(), clock);
        Parts = new() { Certificates = Certificates, Sessions = new(new(), clock), Hosts = new HashSet<string> { "localhost" }, Refused = fault => Reasons.Enqueue(TokenRefusedException.NameOf(fault)), Clock = clock };
        Authenticator = new(Parts);
    }

    public ServerIdentity Identity { get; }

    public ClientCertificates Certificates { get; }

    public AuthenticatorParts Parts { get; private set; }

    public Authenticator Authenticator { get; private set; }

    /// <summary>Why callers were refused, in order.</summary>
    public ConcurrentQueue<string> Reasons { get; } = new();

    public Uri Address => new($"https://localhost:{_server!.Port}");

    public static async Task<IdentityHost> StartAsync(TimeProvider clock, Func<AuthenticatorParts, AuthenticatorParts>? change = null)
    {
        var host = new IdentityHost(clock);
        if (change is not null) host.Authenticator = new(host.Parts = change(host.Parts));
        host._server = await RpcServer.StartAsync(new RpcServices().Add(Store.BindService(new WhoService())), new()
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 0),
            Certificate = host.Identity.ServerCertificate,
            IsClientCertificateTaken = host.Certificates.IsTaken,
            Interceptors = [new Asking(host.Authenticator)],
            StopGrace = TimeSpan.Zero,
        });
        return host;
    }

    /// <summary>The administrator's certificate.</summary>
    public X509Certificate2 Administrator() => X509Certificate2.CreateFromPemFile(Path.Combine(Identity.Folder, ServerIdentity.AdministratorFile));

    /// <summary>Who the server says that a caller is.</summary>
    public async Task<string> AskAsync(X509Certificate2? certificate, params (string Name, string Value)[] metadata)
    {
        using var channel = new RpcChannel(Address, new() { ClientCertificate = certificate, IsServerCertificateTaken = (shown, _, _) => shown.Thumbprint == Identity.ServerCertificate.Thumbprint });
        var headers = new Metadata();
        foreach (var (name, value) in metadata) headers.Add(name, value);
        return (await new Store.StoreClient(channel).InfoAsync(new(), headers)).Facts[0].Value;
    }

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        Identity.Dispose();
        _folder.Dispose();
    }

    private sealed class WhoService : Store.StoreBase
    {
        public override Task<InfoReply> Info(InfoRequest request, ServerCallContext context) => Task.FromResult(new InfoReply { Facts = { new Fact { Name = "caller", Value = (string)context.UserState["who"] } } });
    }

    private sealed class Asking(Authenticator authenticator) : Interceptor
    {
        public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            context.UserState["who"] = (await authenticator.AuthenticateAsync(context)).Caller.Id;
            return await continuation(request, context);
        }
    }
}
