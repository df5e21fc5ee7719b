using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Warehouse.Rpc.Wire;

namespace Warehouse.Rpc.Client;

/// <summary>
/// A server, reached over HTTP/2: <c>https://</c>, or <c>http://</c> in clear text. Connections are made when they are needed. Safe for many
/// threads. Disposing it ends the calls that run.
/// </summary>
public sealed class RpcChannel : ChannelBase, IDisposable
{
    /// <summary>Bytes of replies of one call that may be on their way: .NET begins with 64 KiB, and over a short way makes it no more.</summary>
    private const int StreamWindowBytes = 1 << 20;

    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(20);

    private readonly HttpMessageInvoker _http;
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<string, Uri> _addresses = new(StringComparer.Ordinal);

    /// <summary>To an address such as <c>https://host:port</c>; a path is not used. Throws <see cref="ArgumentException"/> for another scheme.</summary>
    public RpcChannel(Uri address, RpcChannelOptions? options = null) : base(address?.Authority ?? throw new ArgumentNullException(nameof(address)))
    {
        Options = options ?? new();
        if (address.Scheme is not ("http" or "https")) throw new ArgumentException("an address begins with https:// or http://", nameof(address));
        if (Options.ReplyEncodings.Append(Options.RequestEncoding ?? Compression.Identity).FirstOrDefault(e => !Compression.IsKnown(e)) is { } unknown) throw new ArgumentException($"unknown encoding {unknown}", nameof(options));
        Address = address;
        AcceptEncoding = string.Join(',', Options.ReplyEncodings.Prepend(Compression.Identity));
        _http = new(NewHandler());
    }

    internal RpcChannelOptions Options { get; }

    internal Uri Address { get; }

    /// <summary>Says that the channel is closed.</summary>
    internal CancellationToken Closing => _closing.Token;

    internal bool IsSecure => Address.Scheme == Uri.UriSchemeHttps;

    /// <summary>Value of <c>grpc-accept-encoding</c>.</summary>
    internal string AcceptEncoding { get; }

    /// <inheritdoc/>
    public override CallInvoker CreateCallInvoker() => new Invoker(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        _closing.Cancel();
        _http.Dispose();
    }

    internal Uri AddressOf(IMethod method) => _addresses.GetOrAdd(method.FullName, static (path, address) => new(address, path), Address);

    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken token) => _http.SendAsync(request, token);

    /// <inheritdoc/>
    protected override Task ShutdownAsyncCore()
    {
        Dispose();
        return Task.CompletedTask;
    }

    private SocketsHttpHandler NewHandler()
    {
        var handler = new SocketsHttpHandler
        {
            // Without it the hundred and first call at a time waits in silence.
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = StreamWindowBytes,
            ConnectTimeout = Options.ConnectTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = Options.PingDelay ?? Timeout.InfiniteTimeSpan,
            KeepAlivePingTimeout = PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        };
        if (!IsSecure) return handler;
        handler.SslOptions = new SslClientAuthenticationOptions();
        if (Options.ClientCertificate is { } certificate) handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        if (Options.IsServerCertificateTaken is { } isTaken) handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, chain, errors) => shown is X509Certificate2 server && isTaken(server, chain, errors);
        return handler;
    }

    private sealed class Invoker(RpcChannel channel) : CallInvoker
    {
        public override TResponse BlockingUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            using var call = AsyncUnaryCall(method, host, options, request);
            return call.GetAwaiter().GetResult();
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            var call = new ClientCall<TRequest, TResponse>(channel, method, options);
            return new(call.RunAsync(request), call.HeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
        }

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            var call = new ClientCall<TRequest, TResponse>(channel, method, options);
            _ = call.StartAsync(request);
            return new(call, call.HeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
        }

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
        {
            var call = new ClientCall<TRequest, TResponse>(channel, method, options);
            return new(call, call.RunAsync(null), call.HeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
        }

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
        {
            var call = new ClientCall<TRequest, TResponse>(channel, method, options);
            _ = call.StartAsync(null);
            return new(call, call, call.HeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);
        }
    }
}
